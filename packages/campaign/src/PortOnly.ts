/**
 * The client's port over the exchange machine and the network, without HTTP and signature. Most seeds run it. Its own
 * code covers everything between `set` and the exchange: timestamps, the limit of one call per second, the deliveries
 * that the network decides, and the reading of answers.
 */
import * as Countdown from "@effect-deadman/core/Countdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Fault from "@effect-deadman/simulator/Fault"
import * as Network from "@effect-deadman/simulator/Network"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"
import * as PortOrders from "./PortOrders.js"
import type { Recorder } from "./Recorder.js"
import type { Scene, Schedule } from "./Scene.js"
import * as Stamps from "./Stamps.js"
import * as Venue from "./Venue.js"

type Answer = Effect.Effect<CountdownCancelAll.Acknowledgement, VenueError.VenueError>

/** A copy of a request. The needle and another client's write have no passage, and the latter has no call. */
interface Flight {
  readonly call: Log.Call | undefined
  readonly passage?: Network.Passage
  readonly copy: number
  readonly wire: string
  /** The timestamp of its signature. */
  readonly stamp: number
  /** Ends the call that sent it. */
  readonly finish: Finish
  /** The instant of its arrival, on the exchange's clock. */
  arrived: number
  /** The state that the request shares with its copies. */
  readonly shared: Shared
}

interface Shared {
  /** The number of copies that the exchange, or a gateway in front of it, has taken. */
  taken: number
  /** Whether an answer that is not lost has left. After that no client and no proxy sends the request again. */
  answered: boolean
}

type Finish = (end: Log.End, result: Answer, code?: string) => void

/** The answer of the exchange, or of a gateway in front of it, before the network changes it. */
type Reply =
  | { readonly _tag: "Good"; readonly acceptedAt: number; readonly completedAt: number }
  | { readonly _tag: "Code"; readonly code: string }
  | { readonly _tag: "Page"; readonly status: number }

/** Faults by their text, because parsing costs more than most of a seed. */
const parsed = new Map<string, Fault.Fault>()
const readFault = (text: string): Fault.Fault => {
  let fault = parsed.get(text)
  if (fault === undefined) {
    fault = Either.getOrThrowWith(Fault.parse(text), (error) => error)
    if (parsed.size > 1_000) parsed.clear()
    parsed.set(text, fault)
  }
  return fault
}

export const make = (plan: Plan, schedule: Schedule, recorder: Recorder): Scene => {
  const venueStart = Venue.startOfWorld + plan.clock.venueOffset
  const venueNow = (): number => Math.floor(recorder.now()) + venueStart
  const { stamps, timeToApply, timeToComplete } = plan.venue
  const offOfMachine = Stamps.errors(plan)
  let state = Exchange.make({
    accounts: [
      { uid: Venue.own, keys: [] },
      { uid: Venue.bystander, keys: [] }
    ],
    venue: Venue.venueOptions(plan, venueStart),
    now: venueStart
  })
  let network = Network.make({
    seed: plan.seed,
    link: { request: Venue.latency(plan.link.request), answer: Venue.latency(plan.link.answer) }
  })
  for (const text of plan.faults) network = Network.add(network, readFault(text), venueNow())[1]

  const held = new Map<Flight, number>()
  let lastCall = -Infinity
  let open = 0
  let writes = 0
  /** Until then all requests are lost, so that the needle arrives alone. */
  let silentUntil = -Infinity
  let healed = false

  const after = (millis: number, run: () => void): void => {
    if (millis <= 0) run()
    else schedule(millis, run)
  }

  const note = (outputs: ReadonlyArray<Exchange.Output>): void => {
    for (const output of outputs) {
      if (output._tag === "Switch") Venue.noteSwitch(recorder, venueStart, output)
      else if (output._tag === "Placed" || output._tag === "Cancelled") {
        Venue.noteOrder(recorder, plan, venueStart, output, output.order.orderId)
      }
    }
  }

  /** Moves the exchange to now. What is due by then has happened. */
  const pump = (): number => {
    const now = venueNow()
    if (now > state.now) {
      const [next, outputs] = Exchange.advance(state, now)
      state = next
      if (outputs.length > 0) note(outputs)
    }
    return now
  }

  const step = (event: Exchange.Event): void => {
    const [next, outputs] = Exchange.step(state, event, venueNow())
    state = next
    note(outputs)
  }

  const set = (setting: CountdownCancelAll.Setting): Answer =>
    Effect.uninterruptibleMask((restore) => {
      const call = recorder.call(Venue.wireOf(setting), true)
      open++
      const answer = Effect.async<CountdownCancelAll.Acknowledgement, VenueError.VenueError>((resume) => {
        const finish = (end: Log.End, result: Answer, code?: string) => {
          if (call.end !== undefined) return
          open--
          recorder.end(call, end, code)
          resume(result)
        }
        depart(call, finish)
        // A service that ignores interruptions still ends when the system gives up.
        if (plan.client.deaf && call.end === undefined) schedule(45_000, () => finish("lost", Effect.fail(reset())))
      })
      if (plan.client.deaf) return answer
      return Effect.catchAllCause(restore(answer), (cause) => {
        if (call.end === undefined) open--
        recorder.end(call, "interrupted")
        return Effect.failCause(cause)
      })
    })

  const depart = (call: Log.Call, finish: Finish): void => {
    const now = pump()
    const ordinal = writes++
    if (now < silentUntil) return
    const request = {
      call,
      copy: 0,
      wire: call.wire,
      stamp: now + plan.clock.skew,
      finish,
      arrived: 0,
      shared: { taken: 0, answered: false }
    }
    if (ordinal === plan.needle && !healed) {
      const due = Exchange.countdown(state, Venue.own)
      if (due._tag === "Armed" && due.firesAt - now < 29_000 && due.firesAt > now + timeToApply) {
        silentUntil = due.firesAt
        schedule(due.firesAt - now - timeToApply, () => arrive(request))
        return
      }
    }
    const [departure, next] = Network.depart(
      network,
      { account: Venue.own, endpoint: "/api/v3/trade/countdown-cancel-all", countdown: call.wire },
      now
    )
    network = next
    switch (departure._tag) {
      case "Refused":
        return after(departure.after, () => finish("refused-connection", Effect.fail(refusedConnection())))
      case "Reset":
        return after(departure.after, () => finish("lost", Effect.fail(reset())))
      case "Lost":
        return
      case "Sent": {
        for (const [copy, arrival] of departure.arrivals.entries()) {
          const flight: Flight = { ...request, passage: departure.passage, copy }
          after(arrival.after, () => {
            if (arrival.hold === undefined) return arrive(flight)
            held.set(flight, arrival.lag)
            schedule(arrival.hold, () => {
              if (held.delete(flight)) arrive(flight)
            })
          })
        }
      }
    }
  }

  const arrive = (flight: Flight): void => {
    const now = pump()
    const { passage, shared } = flight
    if (shared.answered) return
    flight.arrived = now
    if (passage === undefined) {
      after(timeToApply, () => apply(flight))
      return
    }
    const [door, next] = Network.arrive(network, passage, now, flight.copy)
    network = next
    if (door._tag === "Exchange") after(timeToApply, () => apply(flight))
    else {
      const copy = shared.taken++
      if (door._tag === "Gateway") {
        const { reply } = door
        arrived(flight, copy, undefined, undefined, reply._tag === "Code" ? reply.code : String(reply.status))
        leave(flight, copy, replyFrom(reply))
      }
    }
    for (const [waiting, lag] of held) {
      if (waiting.passage!.ordinal < passage.ordinal && held.delete(waiting)) after(lag, () => arrive(waiting))
    }
  }

  const arrived = (
    flight: Flight,
    copy: number,
    appliedAt: number | undefined,
    from: number | undefined,
    code: string
  ): void =>
    recorder.add({
      _tag: "Arrival",
      call: flight.call?.id,
      copy,
      at: flight.arrived - venueStart,
      wire: flight.wire,
      appliedAt: appliedAt === undefined ? undefined : appliedAt - venueStart,
      from: from === undefined ? undefined : from - venueStart,
      code
    })

  /** The exchange handles the request: the checks in its order, then the countdown. */
  const apply = (flight: Flight): void => {
    const now = pump()
    if (flight.shared.answered) return
    // Any of the copies that arrive in one millisecond may be first. Only the first is answered.
    const copy = flight.shared.taken++
    const accepted = flight.arrived
    const seconds = Number(flight.wire)
    const inWindow = Exchange.inMaintenance(state)
    const tooOld = Math.abs(accepted - flight.stamp) > 30_000
    const crowded =
      plan.venue.rateWindow === "fixed"
        ? Math.floor(now / 1_000) === Math.floor(lastCall / 1_000)
        : now - lastCall < 1_000
    const wellFormed = /^(0|[1-9]\d*)$/.test(flight.wire) && (seconds === 0 || (seconds >= 5 && seconds <= 60))
    const refusal = tooOld ? "40008" : crowded ? "429" : wellFormed ? undefined : "40017"
    if (refusal !== undefined || (inWindow && !plan.venue.maintenanceApplies)) {
      const code = inWindow ? "45001" : refusal!
      arrived(flight, copy, undefined, undefined, code)
      return leave(flight, copy, { _tag: "Code", code })
    }
    lastCall = now
    const from = { accept: accepted, apply: now, complete: now + timeToComplete }[plan.venue.clockStart]
    arrived(flight, copy, now, from, inWindow ? "45001" : "00000")
    step({ _tag: "SetCountdown", account: Venue.own, seconds, from })
    const reply: Reply = inWindow
      ? { _tag: "Code", code: "45001" }
      : { _tag: "Good", acceptedAt: accepted, completedAt: now + timeToComplete }
    after(timeToComplete, () => leave(flight, copy, reply))
  }

  /** Sends the answer. The answer to a later copy reaches no caller. */
  const leave = (flight: Flight, copy: number, reply: Reply): void => {
    if (copy > 0 || flight.call === undefined) return
    if (flight.passage === undefined) return deliver(reply, undefined, flight.finish)
    const [answer, next] = Network.answer(network, flight.passage, pump())
    network = next
    if (answer._tag === "Lost") return
    if (answer._tag === "Reset") return after(answer.after, () => flight.finish("lost", Effect.fail(reset())))
    flight.shared.answered = true
    after(answer.after, () => {
      deliver(answer.replace === undefined ? reply : replyFrom(answer.replace), answer.keep, flight.finish)
    })
  }

  const deliver = (reply: Reply, keep: number | undefined, finish: Finish): void => {
    if (keep !== undefined || reply._tag === "Page") {
      return finish("unreadable", Effect.fail(unreadable(reply._tag === "Page" ? reply.status : 200)))
    }
    const off = offOfMachine()
    if (reply._tag === "Code") {
      const error = VenueError.fromCode({
        code: reply.code,
        venueMessage: "",
        httpStatus: reply.code === "429" ? 429 : 400,
        requestTime: pump() + off
      })
      return finish("code", Effect.fail(error), reply.code)
    }
    const headers = stamps === "headers"
    finish(
      "acknowledged",
      Effect.succeed({
        acceptedAt: headers ? reply.acceptedAt + off : undefined,
        completedAt: headers ? reply.completedAt + off : undefined,
        requestTime: stamps === "none" ? undefined : stamps === "zero" ? 0 : reply.acceptedAt + off
      }),
      "00000"
    )
  }

  const orders = PortOrders.make({
    plan,
    schedule,
    pump,
    state: () => state,
    network: (step) => {
      const [result, next] = step(network, pump())
      network = next
      return result
    }
  })

  const horizon = Effect.succeed(Duration.millis(30_000 + plan.clock.uncertainty))
  return {
    service: CountdownCancelAll.CountdownCancelAll.of({
      account: "campaign",
      set,
      horizon,
      range: Countdown.range,
      pace: Duration.seconds(1)
    }),
    orders,
    armed: () => {
      pump()
      return Exchange.countdown(state, Venue.own)._tag === "Armed"
    },
    firesIn: () => {
      const at = pump()
      const due = Exchange.countdown(state, Venue.own)
      return due._tag === "Armed" ? due.firesAt - at : undefined
    },
    place: (account, reduceOnly = false) => {
      pump()
      step({
        _tag: "PlaceOrder",
        account: account === "own" ? Venue.own : Venue.bystander,
        order: Venue.order(reduceOnly)
      })
    },
    cancel: () => {
      pump()
      const [oldest] = Exchange.openOrders(state, Venue.own)
      if (oldest !== undefined) step({ _tag: "CancelOrder", account: Venue.own, orderId: oldest.orderId })
    },
    otherClient: (seconds) => {
      const now = pump()
      apply({
        call: undefined,
        copy: 0,
        wire: String(seconds),
        stamp: now,
        finish: () => undefined,
        arrived: now,
        shared: { taken: 0, answered: false }
      })
    },
    heal: () => {
      healed = true
      silentUntil = -Infinity
      network = Network.heal(network)
    },
    open: () => open,
    finish: () => ({ output: undefined, secrets: [], replay: undefined, timeline: undefined })
  }
}

const replyFrom = (reply: Network.Reply): Reply =>
  reply._tag === "Code" ? reply : { _tag: "Page", status: reply.status }

// These run many times per seed. Their fields are literals and need no check.

const common = { venueMessage: "", retryable: true } as const

const refusedConnection = () =>
  new VenueError.TransportFailure({ ...common, applied: "no", reason: "refused", detail: "ECONNREFUSED" }, true)

const reset = () =>
  new VenueError.TransportFailure({ ...common, applied: "unknown", reason: "lost", detail: "ECONNRESET" }, true)

const unreadable = (httpStatus: number) =>
  new VenueError.UnreadableAnswer({ ...common, applied: "unknown", reason: "notJson", httpStatus, detail: "" }, true)
