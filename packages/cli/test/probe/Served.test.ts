/** The measurement over real HTTP. `test/slow/probe.test.ts` serves three exchanges. */
import { describe, it } from "@effect/vitest"
import { getsBack } from "./support/served.js"

describe("deadman probe over HTTP", () => {
  it.live("gets back what was drawn: exchange 101", () => getsBack(101))
})
