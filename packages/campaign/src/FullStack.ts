/**
 * The whole stack: the client's own HTTP, signature and clock, against the simulator, which verifies all of them. The
 * actions of the exchange come from the journal at the end.
 */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import type * as VenueError from "@effect-deadman/core/VenueError"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { inspect } from "node:util"
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"
import type { Scene, SceneEnd } from "./Scene.js"
import * as Stamps from "./Stamps.js"
import * as Venue from "./Venue.js"

const baseUrl = "https://bitget.simulator"
const key = Exchange.testKey(Venue.own)
const credentialsOfKey = {
  apiKey: Redacted.make(key.key),
  passphrase: Redacted.make(key.passphrase),
  secretKey: Redacted.make(key.secret!)
}

const endOf = (error: VenueError.VenueError): Log.End => {
  switch (error._tag) {
    case "TransportFailure":
      return error.reason === "lost" ? "lost" : "refused-connection"
    case "RequestTimeout":
      return "lost"
    case "UnreadableAnswer":
      return "unreadable"
    default:
      return error.code === undefined ? "unreadable" : "code"
  }
}

export const make = (
  plan: Plan,
  recorder: Recorder,
  output: Array<string>
): Effect.Effect<Scene, never, VirtualTime.VirtualTime | Scope.Scope> =>
  Effect.gen(function* () {
    const venueStart = Venue.startOfWorld + plan.clock.venueOffset
    const world = yield* Effect.orDie(
      Simulator.make({
        accounts: [{ uid: Venue.own }, { uid: Venue.bystander }],
        venue: Venue.venueOptions(plan, venueStart),
        venueOffset: plan.clock.venueOffset,
        link: { request: Venue.latency(plan.link.request), answer: Venue.latency(plan.link.answer) },
        faults: plan.faults,
        seed: plan.seed
      })
    )
    const simulator = Context.get(world, Simulator.Simulator)
    const client = Effect.gen(function* () {
      const clock = yield* ServerClock.make({ baseUrl })
      const credentials = yield* Credentials.make(credentialsOfKey)
      const client = yield* BitgetClient.make({ baseUrl }).pipe(
        Effect.provideService(ServerClock.ServerClock, clock),
        Effect.provideService(Credentials.Credentials, credentials)
      )
      const port = yield* Effect.provideService(BitgetCountdown.make, BitgetClient.BitgetClient, client)
      const orders = yield* Effect.provideService(BitgetOpenOrders.make(), BitgetClient.BitgetClient, client)
      return { ...port, orders }
    }).pipe(
      Effect.provideService(HttpClient.HttpClient, Stamps.client(Context.get(world, HttpClient.HttpClient), plan))
    )
    const { account, horizon, orders, pace, range, set } = yield* VirtualTime.withParty(Effect.orDie(client), "bot")
    let open = 0

    const recorded = (setting: CountdownCancelAll.Setting) =>
      Effect.suspend(() => {
        const call = recorder.call(Venue.wireOf(setting), false)
        open++
        return Effect.onExit(set(setting), (exit) =>
          Effect.sync(() => {
            open--
            if (Exit.isSuccess(exit)) return recorder.end(call, "acknowledged", "00000")
            output.push(inspect(exit.cause, { depth: 8 }), Cause.pretty(exit.cause))
            const failure = Cause.failureOption(exit.cause)
            if (Option.isNone(failure)) return recorder.end(call, "interrupted")
            recorder.end(call, endOf(failure.value as VenueError.VenueError), failure.value.code)
          })
        )
      })

    const stateNow = (): Exchange.State => Effect.runSync(simulator.exchange.state)
    const step = (event: Exchange.Event) => Effect.runSync(simulator.exchange.step(event))

    const finish = (): SceneEnd => {
      const state = stateNow()
      const entries = Effect.runSync(simulator.journal.entries)
      transcribe(entries, venueStart, plan, recorder)
      const ndjson = Journal.toNdjson(entries)
      const rebuilt = Journal.replay(entries, { now: state.now })
      const timeline = () =>
        Timeline.text(
          { entries, dropped: 0, seed: plan.seed, start: venueStart, now: state.now },
          { account: Venue.own, maxRows: 400 }
        )
      output.push(ndjson)
      return {
        output: output.join("\n"),
        secrets: [key.key, key.secret!, key.passphrase],
        replay: Either.match(rebuilt, {
          onLeft: (error) => error.message,
          onRight: (again) => {
            const [was, is] = [Exchange.snapshot(state), Exchange.snapshot(again)].map((part) => JSON.stringify(part))
            return was === is ? undefined : `was ${was}\nis  ${is}`
          }
        }),
        timeline
      }
    }

    return {
      service: CountdownCancelAll.CountdownCancelAll.of({
        account,
        horizon,
        pace,
        range,
        set: (setting) => (plan.client.deaf ? Effect.uninterruptible(recorded(setting)) : recorded(setting))
      }),
      orders,
      armed: () => Exchange.countdown(stateNow(), Venue.own)._tag === "Armed",
      firesIn: () => {
        const state = stateNow()
        const due = Exchange.countdown(state, Venue.own)
        return due._tag === "Armed" ? due.firesAt - state.now : undefined
      },
      place: (account, reduceOnly = false) =>
        void step({
          _tag: "PlaceOrder",
          account: account === "own" ? Venue.own : Venue.bystander,
          order: Venue.order(reduceOnly)
        }),
      cancel: () => {
        const [oldest] = Exchange.openOrders(stateNow(), Venue.own)
        if (oldest !== undefined) step({ _tag: "CancelOrder", account: Venue.own, orderId: oldest.orderId })
      },
      otherClient: (seconds) => {
        const at = stateNow().now - venueStart
        recorder.add({
          _tag: "Arrival",
          call: undefined,
          copy: 0,
          at,
          wire: String(seconds),
          appliedAt: at,
          from: at,
          code: "00000"
        })
        step({ _tag: "SetCountdown", account: Venue.own, seconds })
      },
      heal: () => Effect.runSync(simulator.network.heal),
      open: () => open,
      finish
    }
  })

/** Adds the journal to the log. A request belongs to the last call before its send. */
const transcribe = (
  entries: ReadonlyArray<Journal.Entry>,
  venueStart: number,
  plan: Plan,
  recorder: Recorder
): void => {
  const { clockStart, timeToComplete } = plan.venue
  for (const entry of entries) {
    switch (entry._tag) {
      case "Request": {
        if (entry.endpoint !== "countdown-cancel-all") break
        const sentAt = entry.sentAt - venueStart
        const call = recorder.calls.findLast((call) => Math.floor(call.at) <= sentAt)
        if (call !== undefined) call.left = true
        if (entry.arrivedAt === undefined) break
        const applied = entry.appliedAt
        recorder.add({
          _tag: "Arrival",
          call: call?.id,
          copy: entry.copyOf === undefined ? 0 : 1,
          at: entry.arrivedAt - venueStart,
          wire: (JSON.parse(entry.body) as { readonly countdown: string }).countdown,
          appliedAt: applied === undefined ? undefined : applied - venueStart,
          from:
            applied === undefined
              ? undefined
              : { accept: entry.arrivedAt, apply: applied, complete: applied + timeToComplete }[clockStart] -
                venueStart,
          code: entry.code ?? ""
        })
        break
      }
      case "Switch":
        Venue.noteSwitch(recorder, venueStart, entry)
        break
      case "Placed":
      case "Cancelled":
        Venue.noteOrder(recorder, plan, venueStart, entry, entry.orderId)
        break
    }
  }
}
