/**
 * The handlers of the control API.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import * as ControlApi from "./ControlApi.js"
import * as Exchange from "../exchange/Exchange.js"
import * as Expect from "../expect/Expect.js"
import * as Fault from "../network/Fault.js"
import type * as History from "../journal/History.js"
import * as Journal from "../journal/Journal.js"
import { didYouMean } from "../network/nearest.js"
import * as Timeline from "../timeline/Timeline.js"
import { beat } from "../world/beat.js"
import * as Decoding from "./decoding.js"
import * as EventStream from "./eventStream.js"
import * as Guard from "./guard.js"
import * as Live from "./live.js"
import * as Served from "./views.js"

/** How long an advance waits for a hold, in ms of the host. */
const longestWait = 10_000

/** The timeline uses inline styles only. */
const timelinePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

const sse = (stream: Stream.Stream<Uint8Array>) =>
  HttpServerResponse.stream(stream, {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
  })

const known = (served: Served.Served, uid: string): Effect.Effect<Exchange.AccountState, ControlApi.NoSuchAccount> =>
  Effect.suspend(() => {
    served.world.pump()
    const account = Exchange.account(served.world.state, uid)
    if (account !== undefined) return Effect.succeed(account)
    const uids = Exchange.accounts(served.world.state)
      .slice(0, 1_000)
      .map((account) => account.declared.uid)
    return new ControlApi.NoSuchAccount({
      uid,
      message:
        `The simulated exchange has no account "${uid}"${didYouMean(uid, uids) || "."} ` +
        `It has: ${uids.slice(0, 20).join(", ")}. PUT /_sim/accounts declares one.`
    })
  })

/** Applies an event to the exchange, and returns the resulting order. */
const order = (
  served: Served.Served,
  event: Exchange.Event
): Effect.Effect<Exchange.Order, ControlApi.Refused | ControlApi.NoSuchOrder> =>
  Effect.suspend((): Effect.Effect<Exchange.Order, ControlApi.Refused | ControlApi.NoSuchOrder> => {
    for (const output of served.world.step(event)) {
      if (output._tag === "Refused") {
        return "orderId" in event && event.orderId !== undefined && output.code === "25204"
          ? new ControlApi.NoSuchOrder({
              orderId: event.orderId,
              message: `The account has no open order "${event.orderId}": it may be filled or cancelled already.`
            })
          : new ControlApi.Refused({
              code: output.code,
              message: `The exchange refuses this with code ${output.code}: ${output.msg}`
            })
      }
      if ("order" in output) return Effect.succeed(output.order)
    }
    return Effect.dieMessage("the exchange neither applied the event nor refused it")
  })

const completed = (order: typeof ControlApi.NewOrder.Type): Exchange.NewOrder => {
  const orderType = order.orderType ?? "limit"
  return {
    ...order,
    category: order.category ?? "USDT-FUTURES",
    symbol: order.symbol ?? "BTCUSDT",
    side: order.side ?? "buy",
    orderType,
    qty: order.qty ?? "0.01",
    price: order.price ?? (orderType === "limit" ? "50000" : undefined)
  }
}

const state = (served: Served.Served) =>
  HttpApiBuilder.group(ControlApi.Api, "state", (handlers) =>
    handlers
      .handle("read", () => Effect.sync(() => Served.stateOf(served)))
      .handle("reset", () =>
        Effect.sync(() => {
          served.reset()
          return Served.stateOf(served)
        })
      )
      .handleRaw("live", () => Effect.sync(() => sse(Live.make(served))))
  )

const accounts = (served: Served.Served) => {
  const { world } = served
  const account = (uid: string) => Effect.map(known(served, uid), (account) => Served.accountOf(world.state, account))
  return HttpApiBuilder.group(ControlApi.Api, "accounts", (handlers) =>
    handlers
      .handle("list", () =>
        Effect.sync(() => {
          world.pump()
          const { state } = world
          return { accounts: Exchange.accounts(state).map((account) => Served.accountOf(state, account)) }
        })
      )
      .handle("declare", ({ payload }) =>
        Effect.suspend(() => {
          const refused = world
            .step({ _tag: "AddAccount", account: payload })
            .find((output) => output._tag === "Refused")
          return refused === undefined
            ? Effect.orDie(account(payload.uid))
            : Effect.fail(new ControlApi.Refused({ code: refused.code, message: refused.msg }))
        })
      )
      .handle("read", ({ path }) => account(path.uid))
      .handle("orders", ({ path, urlParams }) =>
        Effect.map(known(served, path.uid), ({ declared: { uid } }) => {
          const wanted = urlParams.state ?? "open"
          const closed = wanted === "open" ? [] : Exchange.closedOrders(world.state, uid)
          const open = wanted === "closed" ? [] : Exchange.openOrders(world.state, uid)
          return { orders: [...closed, ...open].sort((a, b) => a.createdTime - b.createdTime) }
        })
      )
      .handle("placeOrder", ({ path, payload }) =>
        Effect.zipRight(
          known(served, path.uid),
          Effect.catchTag(
            order(served, { _tag: "PlaceOrder", account: path.uid, order: completed(payload) }),
            "NoSuchOrder",
            (e) => Effect.die(e)
          )
        )
      )
      .handle("cancelOrders", ({ path }) =>
        Effect.map(known(served, path.uid), ({ declared: { uid } }) => ({
          orders: Exchange.openOrders(world.state, uid).flatMap(({ orderId }) =>
            world
              .step({ _tag: "CancelOrder", account: uid, orderId })
              .flatMap((output) => (output._tag === "Cancelled" ? [output.order] : []))
          )
        }))
      )
      .handle("cancelOrder", ({ path }) =>
        Effect.zipRight(
          known(served, path.uid),
          Effect.catchTag(
            order(served, { _tag: "CancelOrder", account: path.uid, orderId: path.orderId }),
            "Refused",
            (refused) => Effect.die(refused)
          )
        )
      )
      .handle("fillOrder", ({ path, payload }) =>
        Effect.zipRight(
          known(served, path.uid),
          order(served, { _tag: "FillOrder", account: path.uid, orderId: path.orderId, ...payload })
        )
      )
      .handle("beat", ({ path, payload }) =>
        Effect.flatMap(
          known(served, path.uid),
          (account): Effect.Effect<{ readonly request: number }, ControlApi.Refused> => {
            const request = beat(world, account, payload.countdown ?? "10", Duration.toMillis(payload.timeout ?? 2_000))
            if (request !== undefined) return Effect.succeed({ request })
            return new ControlApi.Refused({
              code: "40037",
              message: `Account "${path.uid}" has no key with a secret, so the beat cannot be signed. PUT /_sim/accounts declares a key.`
            })
          }
        )
      )
  )
}

const faults = ({ world }: Served.Served) =>
  HttpApiBuilder.group(ControlApi.Api, "faults", (handlers) =>
    handlers
      .handle("list", () =>
        Effect.sync(() => {
          world.pump()
          return { faults: world.network.faults.map(Served.faultOf) }
        })
      )
      .handle("add", ({ payload }) =>
        Effect.suspend(() => Either.flatMap(Fault.parse(payload.fault), (fault) => world.addFault(fault))).pipe(
          Effect.mapBoth({
            onSuccess: Served.faultOf,
            onFailure: (error): ControlApi.TooManyFaults | ControlApi.InvalidFault => {
              if (error._tag === "TooManyFaults") return new ControlApi.TooManyFaults({ message: error.message })
              const { expected, found, input, message, position } = error
              return new ControlApi.InvalidFault({ input, position, found, expected, message })
            }
          })
        )
      )
      .handle("remove", ({ path }) =>
        Effect.suspend(() => {
          const active = world.network.faults.find((active) => active.id === path.id)
          if (active === undefined) {
            return new ControlApi.NoSuchFault({ id: path.id, message: `No fault in force has the id ${path.id}.` })
          }
          world.removeFault(active.id)
          return Effect.succeed(Served.faultOf(active))
        })
      )
      .handle("heal", () =>
        Effect.sync(() => {
          const { faults } = world.network
          for (const active of faults) world.removeFault(active.id)
          return { removed: faults.length }
        })
      )
      .handle("maintenance", ({ payload }) =>
        Effect.sync(() => {
          const from = world.pump() + Duration.toMillis(payload.after ?? 0)
          const window = { from, to: from + Duration.toMillis(payload.for) }
          world.step({ _tag: "Maintenance", window })
          return window
        })
      )
  )

const clock = (served: Served.Served) => {
  const { driver } = served
  const read = Effect.sync(() => Served.clockOf(served))
  return HttpApiBuilder.group(ControlApi.Api, "clock", (handlers) =>
    handlers
      .handle("read", () => read)
      .handle("set", ({ payload }) =>
        Effect.zipRight(
          Effect.sync(() => driver.set(payload.mode, payload.speed ?? 10)),
          read
        )
      )
      .handle("advance", ({ payload }) =>
        Effect.async<typeof ControlApi.Clock.Type, ControlApi.ClockHeld>((resume) => {
          const giveUp = setTimeout(() => {
            takeBack()
            const holders = [...driver.holds.keys()]
            resume(
              new ControlApi.ClockHeld({
                holders,
                now: served.world.pump(),
                message:
                  `The clock has been held for ${longestWait / 1_000} s by ${holders.join(", ") || "a request in flight"}. ` +
                  `POST /_sim/clock/sleep and DELETE /_sim/clock/holds/<name> release a hold.`
              })
            )
          }, longestWait)
          const takeBack = driver.advance(Duration.toMillis(payload.ms), () => {
            clearTimeout(giveUp)
            resume(read)
          })
          return Effect.sync(() => {
            clearTimeout(giveUp)
            takeBack()
          })
        })
      )
      .handle("sleep", ({ payload }) =>
        Effect.async<{ readonly now: number }>((resume) => {
          const takeBack = driver.sleep(Duration.toMillis(payload.ms), payload.as, (now) =>
            resume(Effect.succeed({ now }))
          )
          return Effect.sync(() => void takeBack())
        })
      )
      .handle("hold", ({ payload }) =>
        Effect.zipRight(
          Effect.sync(() => driver.hold(payload.name)),
          read
        )
      )
      .handle("release", ({ path }) =>
        Effect.suspend(() =>
          driver.release(path.name)
            ? read
            : new ControlApi.NoSuchHold({
                name: path.name,
                message: `The clock has no hold "${path.name}". Holds: ${[...driver.holds.keys()].join(", ") || "none"}.`
              })
        )
      )
  )
}

/** The run so far. */
const evidenceOf = ({ world }: Served.Served) =>
  Effect.sync((): History.Evidence => {
    const now = world.pump()
    return {
      seed: world.network.seed,
      start: world.startedAt,
      now,
      dropped: world.journal.dropped(),
      // Copies, because the records of requests in flight still change.
      entries: world.journal.entries().map((entry) => ({ ...entry }))
    }
  })

const expectation = (given: typeof ControlApi.Expectation.Type): Expect.Expectation => {
  switch (given.expect) {
    case "ordersCancelled":
      return Expect.ordersCancelled(given)
    case "ordersStillOpen":
      return Expect.ordersStillOpen(given)
    case "armedThroughout":
      return Expect.armedThroughout(given)
    case "firedOnce":
      return Expect.firedOnce(given)
    case "neverFired":
      return Expect.neverFired(given)
    case "closedAfterFire":
      return Expect.closedAfterFire(given)
    case "beatsNeverFasterThan":
      return Expect.beatsNeverFasterThan(given.pace, given)
    case "beatsNeverSlowerThan":
      return Expect.beatsNeverSlowerThan(given.pace, given)
    case "beats":
      // The schema requires one of the two.
      return Expect.beats({ ...given, atLeast: given.atLeast ?? 0 })
  }
}

const verify = (served: Served.Served) =>
  HttpApiBuilder.group(ControlApi.Api, "verify", (handlers) =>
    handlers.handle("judge", ({ payload }) =>
      Effect.map(evidenceOf(served), (evidence) => {
        const verdicts = payload.expectations.map((given): typeof ControlApi.Verdict.Type =>
          Option.match(expectation(given).judge(evidence), {
            onNone: () => ({ expect: given.expect, holds: true, judged: true }),
            onSome: ({ judged, message }) => ({ expect: given.expect, holds: false, judged, report: message })
          })
        )
        return { holds: verdicts.every((verdict) => verdict.holds), verdicts }
      })
    )
  )

const journal = (served: Served.Served) => {
  const { world } = served
  const evidence = evidenceOf(served)
  return HttpApiBuilder.group(ControlApi.Api, "journal", (handlers) =>
    handlers
      .handle("page", ({ urlParams }) =>
        Effect.sync(() => {
          world.pump()
          const dropped = world.journal.dropped()
          const from = Math.max(0, (urlParams.after ?? 0) - dropped)
          const entries = world.journal.entries().slice(from, from + (urlParams.limit ?? 1_000))
          return {
            entries,
            next: dropped + from + entries.length,
            total: Served.total(world.journal),
            dropped
          }
        })
      )
      .handle("file", () =>
        Effect.sync(() => {
          world.pump()
          return Journal.toNdjson(world.journal.entries())
        })
      )
      .handleRaw("events", () =>
        Effect.succeed(
          sse(
            EventStream.make({
              attach: (outbox) => {
                const listener = (entry: Journal.Entry) => void outbox.write(EventStream.event("entry", entry))
                world.listeners.add(listener)
                return () => world.listeners.delete(listener)
              },
              missed: (missed) => EventStream.event("gap", { missed })
            })
          )
        )
      )
      .handle("mark", ({ payload }) =>
        Effect.sync(() => {
          const mark: Journal.MarkRecord = { _tag: "Mark", at: world.pump(), ...payload }
          world.note(mark)
          return mark
        })
      )
      .handle("clear", () =>
        Effect.sync(() => {
          const cleared = world.journal.size()
          world.journal.clear()
          return { cleared }
        })
      )
      .handleRaw("timeline", ({ urlParams }) =>
        Effect.map(evidence, (evidence) =>
          HttpServerResponse.html(Timeline.html(evidence, { ...urlParams, title: "Timeline" })).pipe(
            HttpServerResponse.setHeader("content-security-policy", timelinePolicy)
          )
        )
      )
      .handle("timelineText", ({ urlParams }) => Effect.map(evidence, (evidence) => Timeline.text(evidence, urlParams)))
  )
}

/** The control API of a served exchange. */
export const layer = (served: Served.Served, token: string | undefined) =>
  HttpApiBuilder.api(ControlApi.Api).pipe(
    Layer.provide([state(served), accounts(served), faults(served), clock(served), journal(served), verify(served)]),
    Layer.provide([Guard.layer(token), Decoding.knownQuery]),
    Layer.merge(Decoding.plainErrors)
  )
