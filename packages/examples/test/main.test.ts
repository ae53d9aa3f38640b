import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { countdown } from "../src/main.js"

describe("examples", () => {
  it("use a countdown that the venue takes", () => assert.isTrue(Either.isRight(countdown)))
})
