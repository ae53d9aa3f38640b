/**
 * Asks the order book whether the switch held, while a gap is open. Runs beside the beats, in a fiber of its own with a
 * bound of its own: a list that fails or hangs costs nothing but itself.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as FireWindow from "../../FireWindow.js"
import type { OpenOrders } from "../../OpenOrders.js"
import * as Sighting from "../../Sighting.js"
import { bounded } from "../bounded.js"
import { flatten } from "../exit.js"
import type { Fork } from "../fork.js"
import type { LiveLedger } from "./ledger.js"
import { quietly } from "./quietly.js"
import type { Inheritance } from "./shared.js"

/** @internal */
export class Evidence {
  private readonly orders: OpenOrders["Type"]
  private readonly live: LiveLedger
  private readonly inheritance: Inheritance
  private readonly fork: Fork
  private readonly safely: (step: () => void) => void
  private fiber: Fiber.RuntimeFiber<unknown> | undefined
  /** The monotonic instant before which no list is requested again. */
  private notBefore = -Infinity
  /** The last outcome, so that only the first of its kind is logged. */
  private last: string | undefined

  /** `safely` runs a step that may change `dueAt` and the state. */
  constructor(
    orders: OpenOrders["Type"],
    live: LiveLedger,
    inheritance: Inheritance,
    fork: Fork,
    safely: (step: () => void) => void
  ) {
    this.orders = orders
    this.live = live
    this.inheritance = inheritance
    this.fork = fork
    this.safely = safely
  }

  /**
   * The gap in question: the open one; or, after a firing that was proven, the one that it was in. An order that has
   * survived that one shows that the switch does not cancel it.
   */
  private get gap(): FireWindow.Gap | Sighting.OpenGap | undefined {
    const { ledger, phase } = this.live
    if (phase !== "beating" || this.inheritance.isEvidenceRefuted === true) return undefined
    if (ledger.lost === undefined) return ledger.window.gap
    return ledger.lost.reason === "Fired" ? ledger.lost.gap : undefined
  }

  /** The monotonic instant at which the next list is requested; `Infinity` for none. */
  dueAt(now: FireWindow.Reading): number {
    const { gap } = this
    const { settings } = this.live
    if (gap === undefined || this.fiber !== undefined) return Infinity
    // Without stamps on both sides no order can prove anything.
    if (gap.base.stamps === undefined || ("end" in gap && gap.end.stamps === undefined)) return Infinity
    const due =
      "end" in gap
        ? now.mono + Sighting.dueIn(gap, now, settings)
        : gap.at.mono + Sighting.survival(gap).lookAgainAt - gap.at.wall
    return Math.max(due, this.notBefore)
  }

  /** Requests a list when it is due. */
  look(): void {
    const now = this.live.now()
    const { gap } = this
    if (gap === undefined || this.dueAt(now) > now.mono) return
    const { settings } = this.live
    const before = Sighting.createdBefore(gap, settings)!
    const bound = 1_000 * settings.countdown
    const list = bounded<Sighting.Sighting | undefined, unknown>(
      Effect.suspend(() => this.orders.survivor(before)),
      bound,
      () => Effect.fail(`no list within ${bound / 1_000} s`)
    )
    const fiber = (this.fiber = this.fork(Effect.exit(list)))
    fiber.addObserver((exit) =>
      this.safely(() => {
        this.fiber = undefined
        const at = this.live.lately
        this.notBefore = at.mono + settings.interval
        if (this.live.phase === "beating") this.listed(flatten(exit), at)
      })
    )
  }

  stop(): void {
    this.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  private listed(exit: Exit.Exit<Sighting.Sighting | undefined, unknown>, at: FireWindow.Reading): void {
    if (Exit.isFailure(exit)) {
      return this.report("failed", Effect.logWarning("the open orders could not be listed", exit.cause))
    }
    const sighting = exit.value
    if (sighting === undefined) {
      return this.report(
        "none",
        Effect.logWarning("no order from before the switch could fire is open: compare the book with the exchange")
      )
    }
    // A reading of another clock would make a list look newer than it is.
    if (!(sighting.sentAt?.mono <= at.mono)) {
      return this.report("failed", Effect.logError("a sighting was sent in the future: see OpenOrders.reading"))
    }
    const { live } = this
    const { lost, window } = live.ledger
    if (lost !== undefined) {
      if (lost.gap === undefined || Sighting.survival(lost.gap, sighting).verdict !== "held") return
      this.inheritance.isEvidenceRefuted = true
      return this.report(
        "refuted",
        Effect.logError(
          "an order has outlived a proven firing: the switch does not cancel it, or another client restarted the " +
            "countdown. The open orders of this account are no evidence in this process any more"
        )
      )
    }
    const judged = Sighting.sighted(window, sighting, live.settings)
    this.report(judged.verdict)
    if (judged.verdict === "open") return
    live.enter({ window: judged.window })
    live.provenBy = "sighting"
    live.observe()
  }

  private report(outcome: "held" | "open" | "none" | "failed" | "refuted", line?: Effect.Effect<void>): void {
    this.live.telemetry.sighting(outcome)
    if (line !== undefined && this.last !== outcome) {
      const { account } = this.live.ledger
      this.fork(quietly(Effect.annotateLogs(line, { account, module: "Heartbeat" })))
    }
    this.last = outcome
  }
}
