/** The measurement, against a few exchanges that are drawn at random. `test/slow/probe.test.ts` draws sixty. */
import { describe, it } from "@effect/vitest"
import { getsBack, title } from "./support/getsBack.js"

describe("deadman probe", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) it(`${title}${seed}`, () => getsBack(seed))
})
