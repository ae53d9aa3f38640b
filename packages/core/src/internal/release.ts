/**
 * The last write: what is sent when the scope closes, in which order, and what that proves.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Countdown from "../Countdown.js"
import * as FireWindow from "../FireWindow.js"
import type * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as Release from "../Release.js"
import { bounded } from "./bounded.js"

/**
 * What the release needs of the heartbeat that it ends.
 *
 * @internal
 */
export interface Hand {
  readonly settings: HeartbeatOptions.Settings
  readonly window: () => FireWindow.FireWindow
  readonly now: () => FireWindow.Reading
  readonly sleep: (millis: number) => Effect.Effect<void>
  /** Waits until the venue takes the next write. */
  readonly paced: Effect.Effect<void>
  /** Waits for the write in flight, if any. */
  readonly settled: Effect.Effect<unknown>
  readonly send: (
    setting: Countdown.Setting
  ) => Effect.Effect<{ readonly acknowledged: boolean; readonly again: boolean }>
}

/**
 * The policy's choice; one that throws has chosen nothing, and the default holds.
 *
 * @internal
 */
export const choose = (policy: Release.Policy, exit: Exit.Exit<unknown, unknown>): Release.Release => {
  try {
    return policy(exit)
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
export const run = (hand: Hand, choice: Release.Release): Effect.Effect<() => Release.Outcome> => {
  const last = choice === "Disarm" ? disarm(hand) : choice === "Shorten" ? shorten(hand) : Effect.void
  return Effect.as(
    bounded(Effect.zipRight(hand.settled, last), hand.settings.releaseTimeout, () => Effect.void),
    () => outcome(hand, choice)
  )
}

const disarm = (hand: Hand): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!(yield* switchOff(hand))) return
    // A beat that was never answered may land after the `0` and start the countdown anew: meet it with a second one.
    if (FireWindow.strayFor(hand.window(), hand.now(), "countdown") <= 0) return
    yield* hand.sleep(hand.settings.settle)
    yield* switchOff(hand)
  })

/** Sends `0` until it is acknowledged, refused for good, or there is nothing left to turn off. */
const switchOff = (hand: Hand): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (;;) {
      yield* hand.paced
      const { acknowledged, again } = yield* hand.send(Countdown.off)
      if (acknowledged || !again) return acknowledged
      if (!(FireWindow.edges(hand.window(), hand.now()).latest > 0)) return false
    }
  })

/** Sets the shortest countdown, but only while that surely brings the firing forward. */
const shorten = (hand: Hand): Effect.Effect<void> =>
  Effect.gen(function* () {
    const shortest = Countdown.minSeconds * 1_000
    for (;;) {
      yield* hand.paced
      if (FireWindow.edges(hand.window(), hand.now()).earliest <= shortest) return
      const { acknowledged, again } = yield* hand.send(Countdown.shortest)
      if (acknowledged || !again) return
    }
  })

const outcome = (hand: Hand, choice: Release.Release): Release.Outcome => {
  const now = hand.now()
  const window = hand.window()
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
