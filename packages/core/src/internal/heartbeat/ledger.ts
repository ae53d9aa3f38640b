/**
 * The ledger of the running heartbeat: only synchronous steps change it. Derives the state from it and notifies the
 * subscribers of each change.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as FireWindow from "../../FireWindow.js"
import * as HeartbeatError from "../../HeartbeatError.js"
import type * as HeartbeatOptions from "../../HeartbeatOptions.js"
import * as HeartbeatStatus from "../../HeartbeatStatus.js"
import * as Liveness from "../../Liveness.js"
import * as Release from "../../Release.js"
import * as Sighting from "../../Sighting.js"
import { read } from "../clock.js"
import * as Telemetry from "./telemetry.js"

/**
 * The subjects of the reporters.
 *
 * @internal
 */
export type Subject = "transitions" | "records"

/** @internal */
export class LiveLedger {
  readonly telemetry: Telemetry.Telemetry
  readonly settings: HeartbeatOptions.Settings
  readonly clock: Clock.Clock
  /** The loss, or the release: set once nothing is guarded any more. */
  private over: HeartbeatError.SwitchLost | undefined
  /** Made for the first fiber that waits for that. */
  private awaited: Deferred.Deferred<never, HeartbeatError.SwitchLost> | undefined
  /** Transitions that the reporter has not reported yet. When there are too many, the oldest are dropped. */
  readonly unreported: Array<HeartbeatStatus.Transition> = []
  /** The record of the last acknowledgement, until `onAcknowledged` takes it. */
  record: FireWindow.Continuity | undefined
  private readonly report: (subject: Subject) => void
  phase: "arming" | "beating" | "releasing" | "released" = "arming"
  ledger: HeartbeatStatus.Ledger
  /** What closed the last gap. */
  provenBy: HeartbeatStatus.Transition["provenBy"]
  private published: HeartbeatStatus.Status["_tag"] = "Armed"
  private last: { readonly mono: number; readonly wall: number; readonly jumped: number }
  private hub: PubSub.PubSub<HeartbeatStatus.Status> | undefined

  /** `report` starts a reporter, which takes `unreported` or `record`. */
  constructor(
    account: string,
    settings: HeartbeatOptions.Settings,
    clock: Clock.Clock,
    unresolvedWrites: ReadonlyArray<FireWindow.Pending>,
    report: (subject: Subject) => void
  ) {
    this.settings = settings
    this.clock = clock
    this.report = report
    this.last = { ...read(clock), jumped: 0 }
    this.telemetry = Telemetry.make(account)
    this.ledger = {
      account,
      window: FireWindow.empty(settings, unresolvedWrites, settings.predecessor),
      failures: 0,
      cause: undefined,
      fired: false,
      lost: undefined,
      outcome: undefined
    }
  }

  /**
   * Reads the clocks and counts forward jumps of the wall clock since the last call, because each may have been a
   * suspend. A clock that throws ends the heartbeat, but not its release.
   */
  now(): FireWindow.Reading {
    return this.phase === "releasing" || this.phase === "released" ? this.lately : this.look()
  }

  /** Like `now`, but gives the last reading when the clock throws. */
  get lately(): FireWindow.Reading {
    return this.reading ?? this.last
  }

  /** Like `now`, but gives nothing when the clock throws. */
  get reading(): FireWindow.Reading | undefined {
    try {
      return this.look()
    } catch {
      return undefined
    }
  }

  private look(): FireWindow.Reading {
    const { mono, wall } = read(this.clock)
    const ahead = wall - this.last.wall - (mono - this.last.mono)
    const jumped = this.last.jumped + (ahead > HeartbeatStatus.clockTolerance ? ahead : 0)
    return (this.last = { mono, wall, jumped })
  }

  /** Sleeps at least that long; timers take whole milliseconds. */
  sleep(millis: number): Effect.Effect<void> {
    return this.clock.sleep(Duration.millis(Math.max(1, Math.ceil(millis))))
  }

  /** Sleeps until a monotonic instant, which may move meanwhile. */
  sleepUntil(instant: () => number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const left = instant() - this.now().mono
      return left > 0 ? Effect.zipRight(this.sleep(left), this.sleepUntil(instant)) : Effect.void
    })
  }

  /** Changes the ledger. */
  enter(change: Partial<HeartbeatStatus.Ledger>): void {
    this.ledger = { ...this.ledger, ...change }
  }

  publish(status: HeartbeatStatus.Status): void {
    if (status._tag === this.published) return
    const from = this.published
    this.published = status._tag
    this.telemetry.transition(from, status._tag)
    this.telemetry.earliestFire(status._tag === "Released" ? 0 : status.earliestFire - status.at)
    if (this.unreported.length === 64) this.unreported.shift()
    const ended = from === "MayHaveFired" && (status._tag === "Armed" || status._tag === "Jeopardy")
    this.unreported.push(ended ? { from, to: status, provenBy: this.provenBy } : { from, to: status })
    this.report("transitions")
    // Not `unsafeOffer`: it would drop this state, not the oldest, when a reader is slow.
    if (this.hub !== undefined) Effect.runSync(PubSub.publish(this.hub, status))
  }

  /** Reads the clock, changes the state where it must change, and gives it. */
  observe(): HeartbeatStatus.Status {
    const at = this.now()
    const status = HeartbeatStatus.derive(this.ledger, at)
    if (this.phase !== "beating") return status
    this.publish(status)
    if (status._tag === "Fired") this.lose("Fired", at)
    // When only the wall clock shows that the window has closed, either the clock was set or the host was suspended.
    // When only one answer's stamps show it, that machine's clock may be wrong. In both cases the next beat decides,
    // and until its answer the state is `MayHaveFired`.
    else if (
      status._tag === "MayHaveFired" &&
      this.settings.onUncertain === "lose" &&
      (this.ledger.window.gap?.confirmed === true || this.closedByMonotonicTime(at))
    )
      this.lose("MayHaveFired", at)
    return this.ledger.lost === undefined ? status : HeartbeatStatus.derive(this.ledger, at)
  }

  get status(): Effect.Effect<HeartbeatStatus.Status> {
    return Effect.sync(() => this.observe())
  }

  /** Reports the record of the last acknowledgement to `onAcknowledged`. */
  acknowledged(): void {
    const { countdown, onAcknowledged, release, shortest } = this.settings
    if (onAcknowledged === undefined) return
    const toCome = 1_000 * (release === Release.letExpire ? countdown : shortest)
    const record = FireWindow.continuity(this.ledger.window, toCome)
    if (record === undefined) return
    this.record = record
    this.report("records")
  }

  markReconciled(upTo: { readonly id: number }): Effect.Effect<void, HeartbeatError.ReconciliationOutdated> {
    return Effect.suspend(() => {
      const { window: before } = this.ledger
      const window = FireWindow.reconciled(before, upTo.id)
      // An acknowledgement of another heartbeat, or one after which the switch may have fired meanwhile.
      const passed = !(FireWindow.edges(before, this.now()).earliest > 0)
      if (window === undefined || passed || !(upTo.id <= (before.acknowledged?.id ?? -1))) {
        return Effect.fail(new HeartbeatError.ReconciliationOutdated({ account: this.ledger.account }))
      }
      this.enter({ window })
      this.provenBy = "owner"
      this.observe()
      return Effect.void
    })
  }

  private closedByMonotonicTime(at: FireWindow.Reading): boolean {
    return FireWindow.edges(this.ledger.window, { mono: at.mono, wall: -Infinity }).earliest <= 0
  }

  /**
   * The reason why nothing may start under `guard` now, if any: the switch is lost, released, or past its earliest
   * fire.
   */
  unprotected(): HeartbeatError.SwitchLost | undefined {
    this.observe()
    if (this.over !== undefined) return this.over
    const at = this.now()
    return FireWindow.edges(this.ledger.window, at).earliest > 0 ? undefined : this.lossOf("MayHaveFired", at)
  }

  lose(reason: HeartbeatError.LossReason, at: FireWindow.Reading): void {
    if (this.ledger.lost !== undefined || this.phase !== "beating") return
    const error = this.lossOf(reason, at)
    this.enter({ lost: error })
    this.publish(HeartbeatStatus.derive(this.ledger, at))
    this.end(error)
  }

  private lossOf(reason: HeartbeatError.LossReason, at: FireWindow.Reading): HeartbeatError.SwitchLost {
    const { account, cause, window } = this.ledger
    const gap = Sighting.openGap(window, at, this.settings)
    const withheld = cause instanceof Liveness.LivenessFailed
    return new HeartbeatError.SwitchLost({
      account,
      reason: withheld && (reason === "MayHaveFired" || reason === "Fired") ? "NotAlive" : reason,
      timeLeft: Math.max(0, FireWindow.edges(window, at).earliest),
      ...(cause === undefined ? {} : { cause }),
      ...(gap === undefined ? {} : { gap })
    })
  }

  /**
   * Ends the guards when the release begins. An effect that is still guarded then runs outside of the scope,
   * unprotected.
   */
  endGuards(): void {
    const { account, lost } = this.ledger
    if (lost !== undefined) return
    this.end(new HeartbeatError.SwitchLost({ account, reason: "Released", timeLeft: 0 }))
  }

  private end(error: HeartbeatError.SwitchLost): void {
    this.over = error
    if (this.awaited !== undefined) Deferred.unsafeDone(this.awaited, Exit.fail(error))
  }

  /** Fails when the heartbeat is lost, or released. */
  get awaitLost(): Effect.Effect<never, HeartbeatError.SwitchLost> {
    return Effect.suspend(() =>
      this.over === undefined
        ? Deferred.await((this.awaited ??= Deferred.unsafeMake(FiberId.none)))
        : Effect.fail(this.over)
    )
  }

  /** Records that the last beat was not acknowledged, or not sent. */
  failed(cause: HeartbeatStatus.BeatFailure): void {
    this.enter({ failures: this.ledger.failures + 1, cause })
  }

  /** The current state first, then each change; ends after `Released`. */
  get changes(): Stream.Stream<HeartbeatStatus.Status> {
    return Stream.unwrapScoped(
      Effect.gen(this, function* () {
        // Sliding, so that a slow reader misses the oldest states and gets the last. Chosen in one step, so that two
        // readers that start at once get the same hub.
        const hub = yield* Effect.map(PubSub.sliding<HeartbeatStatus.Status>(16), (made) => (this.hub ??= made))
        const dequeue = yield* PubSub.subscribe(hub)
        return Stream.concat(Stream.make(this.observe()), Stream.fromQueue(dequeue)).pipe(
          Stream.changesWith((before, after) => before._tag === after._tag),
          Stream.takeUntil((status) => status._tag === "Released")
        )
      })
    )
  }
}
