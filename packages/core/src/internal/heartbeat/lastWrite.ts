/**
 * The last write: sends it when the scope closes, and derives the outcome.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Countdown from "../../Countdown.js"
import * as FireWindow from "../../FireWindow.js"
import type { SwitchLost } from "../../HeartbeatError.js"
import * as Release from "../../Release.js"
import { bounded } from "../bounded.js"
import type { LiveLedger } from "./ledger.js"
import { quietly } from "./quietly.js"
import type { Writer } from "./writer.js"

/**
 * The policy's choice. When the policy throws, or returns no choice (for example a promise of one), logs that and uses
 * the default.
 *
 * @internal
 */
export const choose = (live: LiveLedger, exit: Exit.Exit<unknown, unknown>): Effect.Effect<Release.Release> =>
  Effect.suspend(() => {
    const { lost } = live.ledger
    const { release } = live.settings
    if (release === Release.disarm) return byDefault(exit, lost)
    const broken = (cause: Cause.Cause<unknown>) =>
      Effect.zipRight(
        quietly(Effect.logError("the release policy failed, so Release.disarm decides", cause)),
        byDefault(exit, lost)
      )
    let choice: Release.Release
    try {
      choice = release(exit, lost)
    } catch (error) {
      return broken(Cause.die(error))
    }
    return choice === "Disarm" || choice === "LetExpire" || choice === "CancelSoon"
      ? Effect.succeed(choice)
      : broken(Cause.fail(`it returned ${String(choice)}, not "Disarm", "LetExpire" or "CancelSoon"`))
  })

const byDefault = (exit: Exit.Exit<unknown, unknown>, lost: SwitchLost | undefined): Effect.Effect<Release.Release> => {
  const choice = Release.disarm(exit, lost)
  return choice === "Disarm" && Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)
    ? Effect.as(
        quietly(
          Effect.logWarning(
            "the program failed and the switch is turned off: open orders stay, unprotected. " +
              "With `release: Release.cancelOnFailure` the exchange would cancel them"
          )
        ),
        choice
      )
    : Effect.succeed(choice)
}

/**
 * Sends the last write, within `releaseTimeout`. Gives a function that derives the outcome; call it once the write
 * still in flight has been given up.
 *
 * @internal
 */
export const run = (
  live: LiveLedger,
  writer: Writer,
  choice: Release.Release
): Effect.Effect<() => Release.Outcome> => {
  const last =
    choice === "Disarm" ? disarm(live, writer) : choice === "CancelSoon" ? cancelSoon(live, writer) : Effect.void
  return Effect.as(
    bounded(Effect.zipRight(settled(live, writer), last), live.settings.releaseTimeout, () => Effect.void),
    () => outcome(live, choice)
  )
}

/**
 * Waits for the write in flight. The ticker gives it up when its time is over, unless the clock has failed. Then it ends
 * here, a second later.
 */
const settled = (live: LiveLedger, writer: Writer): Effect.Effect<void> =>
  Effect.suspend(() =>
    writer.isInFlight
      ? bounded(writer.settled, live.settings.requestTimeout + 1_000, () => Effect.sync(() => writer.drop()))
      : Effect.void
  )

const disarm = (live: LiveLedger, writer: Writer): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!(yield* switchOff(live, writer))) return
    // An unresolved beat may arrive after the `0` and start the countdown again. A second `0` then turns it off.
    if (FireWindow.unresolvedFor(live.ledger.window, live.now(), "countdown") <= 0) return
    yield* live.sleep(live.settings.settle)
    yield* switchOff(live, writer)
  })

/**
 * Sends `0` until it is acknowledged or refused for good, or nothing is left to turn off. Gives whether it was
 * acknowledged.
 */
const switchOff = (live: LiveLedger, writer: Writer): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (;;) {
      yield* writer.paced
      const { again, exit } = yield* writer.send(Countdown.off)
      if (Exit.isSuccess(exit)) return true
      if (!again) return false
      if (!(FireWindow.edges(live.ledger.window, live.now()).latest > 0)) return false
    }
  })

/**
 * Sets the shortest countdown, and tries again, for as long as that brings the deadline of the last acknowledged write
 * forward. A deadline does not count when it has passed, or when an unresolved `0` may have removed it.
 */
const cancelSoon = (live: LiveLedger, writer: Writer): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { shortest } = live.settings
    for (;;) {
      yield* writer.paced
      const { window } = live.ledger
      const deadline = FireWindow.edges({ ...window, pending: [] }, live.now()).earliest
      if (deadline > 0 && deadline <= 1_000 * shortest && !FireWindow.mayBeOff(window)) return
      const { again, exit } = yield* writer.send(shortest)
      if (Exit.isSuccess(exit) || !again) return
    }
  })

const outcome = (live: LiveLedger, choice: Release.Release): Release.Outcome => {
  const now = live.now()
  const { window } = live.ledger
  const { earliest, latest } = FireWindow.edges(window, now)
  if (choice === "Disarm") {
    return FireWindow.surelyOff(window, now)
      ? Release.Outcome.Disarmed()
      : Release.Outcome.DisarmUnconfirmed({ until: now.wall + latest })
  }
  const edges = {
    earliestFire: now.wall + earliest,
    latestFire: now.wall + latest,
    mayBeOff: FireWindow.mayBeOff(window)
  }
  const { shortest } = live.settings
  return choice === "CancelSoon" && window.acknowledged?.countdown === 1_000 * shortest && earliest > 0
    ? Release.Outcome.CancellingSoon(edges)
    : Release.Outcome.Expiring(edges)
}
