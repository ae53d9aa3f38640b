import { SwitchLost, type LossReason } from "@effect-deadman/core/HeartbeatError"
import * as Release from "@effect-deadman/core/Release"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"

const exits = {
  success: Exit.void,
  interruption: Exit.interrupt(FiberId.none),
  failure: Exit.fail("failure"),
  defect: Exit.die("defect"),
  "failure, interrupting a sibling": Exit.failCause(
    Cause.parallel(Cause.fail("failure"), Cause.interrupt(FiberId.none))
  )
} as const

const reasons: ReadonlyArray<LossReason> = ["Refused", "MayHaveFired", "Fired", "NotAlive", "Defect", "Released"]

/** The whole table: without a loss by the exit, in the order of `exits`; after a loss by the reason, for any exit. */
const table: ReadonlyArray<
  readonly [string, Release.Policy, ReadonlyArray<Release.Release>, Partial<Record<LossReason, Release.Release>>]
> = [
  ["disarm", Release.disarm, ["Disarm", "Disarm", "Disarm", "Disarm", "Disarm"], {}],
  [
    "cancelOnFailure",
    Release.cancelOnFailure,
    ["Disarm", "Disarm", "CancelSoon", "CancelSoon", "CancelSoon"],
    { MayHaveFired: "CancelSoon", Fired: "CancelSoon", NotAlive: "CancelSoon" }
  ],
  [
    "cancelUnlessDone",
    Release.cancelUnlessDone,
    ["Disarm", "CancelSoon", "CancelSoon", "CancelSoon", "CancelSoon"],
    { MayHaveFired: "CancelSoon", Fired: "CancelSoon", NotAlive: "CancelSoon" }
  ],
  ["letExpire", Release.letExpire, ["LetExpire", "LetExpire", "LetExpire", "LetExpire", "LetExpire"], {}]
]

describe("Release", () => {
  for (const [name, policy, byExit, byReason] of table) {
    it(`${name} chooses by the exit`, () => {
      assert.deepStrictEqual(
        Object.values(exits).map((exit) => policy(exit, undefined)),
        byExit
      )
    })

    it(`${name} never disarms a lost heartbeat, for any exit`, () => {
      for (const reason of reasons.filter((reason) => reason !== "Released")) {
        const lost = new SwitchLost({ account: "a", reason, timeLeft: 0 })
        for (const exit of Object.values(exits)) {
          assert.strictEqual(policy(exit, lost), byReason[reason] ?? "LetExpire", reason)
        }
      }
    })
  }
})
