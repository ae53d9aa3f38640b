/** The measurement, against sixty exchanges that are drawn at random, and three that are served. */
import { describe, it } from "@effect/vitest"
import * as Probe from "../probe/support/getsBack.js"
import * as Served from "../probe/support/served.js"

describe("deadman probe", () => {
  for (let seed = 11; seed <= 70; seed++) it(`${Probe.title}${seed}`, () => Probe.getsBack(seed))
})

describe("deadman probe over HTTP", { concurrent: true }, () => {
  for (const seed of [102, 103, 104]) {
    it.live(`gets back what was drawn: exchange ${seed}`, () => Served.getsBack(seed))
  }
})
