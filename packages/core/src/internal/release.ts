/**
 * The last write: what is sent when the scope closes, in which order, and what that proves.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Countdown from "../Countdown.js"
import * as FireWindow from "../FireWindow.js"
import * as Release from "../Release.js"
import { bounded } from "./bounded.js"
import type { Knowledge } from "./knowledge.js"
import type { Writer } from "./writer.js"

/**
 * The policy's choice; one that throws, or gives what is no choice (a promise of one), has chosen nothing, and the
 * default holds.
 *
 * @internal
 */
export const choose = (policy: Release.Policy, exit: Exit.Exit<unknown, unknown>): Release.Release => {
  try {
    const choice = policy(exit)
    return choice === "Lapse" || choice === "Shorten" ? choice : "Disarm"
  } catch {
    return "Disarm"
  }
}

/**
 * Runs to its end or to `releaseTimeout`, whichever comes first, and gives what can be said then: asked for later, when
 * what is still in flight has been given up.
 *
 * @internal
 */
export const run = (
  knowledge: Knowledge,
  writer: Writer,
  choice: Release.Release
): Effect.Effect<() => Release.Outcome> => {
  const last =
    choice === "Disarm" ? disarm(knowledge, writer) : choice === "Shorten" ? shorten(knowledge, writer) : Effect.void
  return Effect.as(
    bounded(Effect.zipRight(writer.settled, last), knowledge.settings.releaseTimeout, () => Effect.void),
    () => outcome(knowledge, choice)
  )
}

const disarm = (knowledge: Knowledge, writer: Writer): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!(yield* switchOff(knowledge, writer))) return
    // A beat that was never answered may land after the `0` and start the countdown anew: meet it with a second one.
    if (FireWindow.strayFor(knowledge.ledger.window, knowledge.now(), "countdown") <= 0) return
    yield* knowledge.sleep(knowledge.settings.settle)
    yield* switchOff(knowledge, writer)
  })

/** Sends `0` until it is acknowledged, refused for good, or there is nothing left to turn off. */
const switchOff = (knowledge: Knowledge, writer: Writer): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (;;) {
      yield* writer.paced
      const { again, exit } = yield* writer.send(Countdown.off)
      if (Exit.isSuccess(exit)) return true
      if (!again) return false
      if (!(FireWindow.edges(knowledge.ledger.window, knowledge.now()).latest > 0)) return false
    }
  })

/** Sets the shortest countdown, but only while that surely brings the firing forward. */
const shorten = (knowledge: Knowledge, writer: Writer): Effect.Effect<void> =>
  Effect.gen(function* () {
    const shortest = Countdown.minSeconds * 1_000
    for (;;) {
      yield* writer.paced
      if (FireWindow.edges(knowledge.ledger.window, knowledge.now()).earliest <= shortest) return
      const { again, exit } = yield* writer.send(Countdown.shortest)
      if (Exit.isSuccess(exit) || !again) return
    }
  })

const outcome = (knowledge: Knowledge, choice: Release.Release): Release.Outcome => {
  const now = knowledge.now()
  const window = knowledge.ledger.window
  const { earliest, latest } = FireWindow.edges(window, now)
  const edges = { earliestFire: now.wall + earliest, latestFire: now.wall + latest }
  switch (choice) {
    case "Disarm":
      return FireWindow.surelyOff(window, now)
        ? Release.Outcome.Disarmed()
        : Release.Outcome.DisarmUnconfirmed({ until: now.wall + latest })
    case "Lapse":
      return Release.Outcome.Lapsing(edges)
    case "Shorten":
      return window.acknowledged?.countdown === Countdown.minSeconds * 1_000
        ? Release.Outcome.Shortened(edges)
        : Release.Outcome.Lapsing(edges)
  }
}
