/**
 * The promises with real processes, real sockets and real time: bots that are killed, stopped, blocked and cut off.
 *
 * Each scenario has its own bot, exchange and proxy; the scenarios run concurrently. Each compares the bot's statements
 * with the exchange's records.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { stretched, until } from "../support/patience.js"
import * as Processes from "../support/processes.js"
import * as Proxy from "../support/proxy.js"

const countdown = 5_000
/** The exchange's clock and the bot's are read apart from each other, both are rounded, and one may be slewed. */
const tolerance = 25

const ofBot = (url: string, env?: Readonly<Record<string, string>>): Record<string, string> => {
  const key = Exchange.testKey(Simulator.demoUid)
  return {
    BITGET_BASE_URL: url,
    BITGET_API_KEY: key.key,
    BITGET_SECRET_KEY: key.secret ?? "",
    BITGET_PASSPHRASE: key.passphrase,
    ...env
  }
}

const entries = <Tag extends Journal.Entry["_tag"]>(tag: Tag) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
    (entries) => entries.filter((entry): entry is Extract<Journal.Entry, { readonly _tag: Tag }> => entry._tag === tag)
  )

const writes = Effect.map(entries("Request"), (requests) =>
  requests.flatMap((request) =>
    request.endpoint.endsWith("countdown-cancel-all") && request.arrivedAt !== undefined
      ? [{ ...request, arrivedAt: request.arrivedAt, countdown: JSON.parse(request.body).countdown as string }]
      : []
  )
)
const openOrders = Effect.map(Simulator.openOrders(), (orders) => orders.length)
const switchState = Effect.map(Simulator.countdown(), (state) => state._tag)

interface Stage {
  readonly bot: Processes.Child
  readonly proxy: Proxy.Proxy
}

const states = (bot: Processes.Child) => bot.lines.filter((line) => line.kind === "changed").map((line) => line.state)
const since = (bot: Processes.Child, instant: number) => bot.lines.filter((line) => line.saidAt >= instant)
const says = (bot: Processes.Child, kind: string) => Effect.sync(() => bot.lines.some((line) => line.kind === kind))

/** A bot that is armed and has beaten at least twice, with three orders in the book. */
const beating = ({ bot }: Stage) =>
  Effect.gen(function* () {
    const armed = () => bot.lines.some((line) => line.state === "Armed")
    yield* Effect.raceFirst(
      until("armed", Effect.sync(armed)),
      Effect.flatMap(bot.ended, (end) => Effect.dieMessage(`the bot ended with ${end}: ${bot.complaints.join("\n")}`))
    )
    yield* until(
      "a second beat",
      Effect.map(writes, (writes) => writes.length >= 2)
    )
    for (let count = 0; count < 3; count++) yield* Simulator.placeOrder()
  })

/** A moment without a beat under way, soon after one was answered. */
const answered = Effect.gen(function* () {
  const before = (yield* writes).length
  yield* until(
    "the answer to another beat",
    Effect.map(writes, (writes) => writes.length > before && writes.at(-1)?.receivedAt !== undefined)
  )
})

/** A moment in which the exchange has acted on a beat and its answer is under way. */
const underWay = Effect.gen(function* () {
  const { network } = yield* Simulator.Simulator
  yield* network.addUntilRemoved("delay-answer;by=300ms;times=1")
  yield* until(
    "a beat under way",
    Effect.map(writes, (writes) => writes.at(-1)?.appliedAt !== undefined && writes.at(-1)?.receivedAt === undefined)
  )
})

/** Compares all claims of the bot with the exchange's records (8, 9). */
const judge = (bot: Processes.Child) =>
  Effect.gen(function* () {
    const switches = yield* entries("Switch")
    const requests = new Map((yield* writes).map((write) => [write.id, write]))
    const claims = bot.lines.filter((line) => line.kind === "is" && line.state !== "Released")
    assert.isAbove(claims.length, 0)
    for (const { at = NaN, earliestFire = NaN, latestFire = NaN, state } of claims) {
      if (state === "Armed" || state === "Jeopardy") {
        const about = switches.filter((entry) => entry.at > at - tolerance && entry.at < at + tolerance)
        const before = switches.findLast((entry) => entry.at <= at - tolerance)
        assert.isTrue(
          [before, ...about].some((entry) => entry?.transition === "armed" || entry?.transition === "refreshed"),
          `(8) it said ${state} at ${at}`
        )
      }
      for (const fired of switches.filter((entry) => entry.transition === "fired" && entry.at >= at)) {
        assert.isAtMost(earliestFire, fired.at + tolerance, `(9) the early edge as seen at ${at}`)
        const cause = switches.findLast((entry) => entry.at <= fired.at && entry.transition !== "fired")
        if ((requests.get(cause?.by ?? -1)?.sentAt ?? Infinity) <= at) {
          assert.isAtLeast(stretched(latestFire), fired.at - tolerance, `(9) the late edge as seen at ${at}`)
        }
      }
    }
  })

const scenario = <E>(
  name: string,
  env: Readonly<Record<string, string>>,
  body: (stage: Stage) => Effect.Effect<void, E, Scope.Scope | Simulator.Simulator>
): void =>
  it.live(name, () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const proxy = yield* Proxy.make(url)
      const bot = yield* Processes.start("bot.mjs", ofBot(proxy.url, env))
      yield* body({ bot, proxy })
      yield* judge(bot)
    }).pipe(Effect.scoped, Effect.provide(Server.layer()))
  )

const firedWithin = (from: number) =>
  Effect.gen(function* () {
    yield* until(
      "the book is empty",
      Effect.map(openOrders, (open) => open === 0)
    )
    const cancels = yield* entries("Cancelled")
    assert.deepStrictEqual(
      cancels.map(({ cause }) => cause),
      ["countdown", "countdown", "countdown"]
    )
    for (const { at } of cancels) assert.isAtMost(at - from, stretched(countdown + 1_000))
    assert.lengthOf(
      (yield* entries("Switch")).filter(({ transition }) => transition === "fired"),
      1
    )
  })

/** Checks that it still holds after a time in which a running bot would have beaten twice. */
const stays = <E, R>(check: Effect.Effect<void, E, R>) => Effect.zipRight(Effect.sleep(3_500), check)

describe.concurrent("real processes, real sockets", () => {
  scenario("kill -9: every order is gone within the countdown and a second (10)", {}, (stage) =>
    Effect.gen(function* () {
      yield* beating(stage)
      const killed = Date.now()
      yield* stage.bot.signal("SIGKILL")
      assert.strictEqual(yield* stage.bot.ended, "SIGKILL")
      yield* firedWithin(killed)
    })
  )

  for (const moment of ["between two beats", "with a beat under way"] as const) {
    scenario(
      `SIGSTOP for longer than the window, ${moment}: not Armed at its first word, and nothing is sent (15, 18)`,
      { BOT_WHEN_LOST: "stay" },
      (stage) =>
        Effect.gen(function* () {
          const { bot } = stage
          yield* beating(stage)
          yield* moment === "between two beats" ? answered : underWay
          const stopped = Date.now()
          yield* bot.signal("SIGSTOP")
          yield* firedWithin(stopped)
          const resumed = Date.now()
          yield* bot.signal("SIGCONT")
          yield* until("the bot says that it is lost", says(bot, "lost"))
          yield* stays(
            Effect.gen(function* () {
              for (const line of since(bot, resumed)) {
                assert.notInclude(["Armed", "Jeopardy"], line.state)
                assert.notStrictEqual(line.open, true, "the gate for orders")
              }
              const sent = (yield* writes).filter(({ arrivedAt }) => arrivedAt > resumed)
              assert.deepStrictEqual(sent, [])
            })
          )
        })
    )
  }

  scenario(
    "SIGSTOP for longer than the window, asking the exchange: it reports that orders may be gone before it asks (15, 18)",
    // With such a long latency the late edge proves nothing; only the exchange could.
    { BOT_UNCERTAIN: "verify", BOT_TRIGGER_LATENCY: "20 seconds" },
    (stage) =>
      Effect.gen(function* () {
        const { bot } = stage
        yield* beating(stage)
        yield* answered
        const stopped = Date.now()
        yield* bot.signal("SIGSTOP")
        yield* firedWithin(stopped)
        const resumed = Date.now()
        yield* bot.signal("SIGCONT")
        const asked = Effect.map(writes, (writes) => writes.filter(({ arrivedAt }) => arrivedAt > resumed))
        yield* until(
          "it asks, and asks again",
          Effect.map(asked, (asked) => asked.length >= 2)
        )
        const doubt = since(bot, resumed).find((line) => line.kind === "changed")
        assert.strictEqual(doubt?.state, "MayHaveFired")
        for (const { arrivedAt } of yield* asked) assert.isAtMost(doubt?.saidAt ?? Infinity, arrivedAt)
        // The exchange's answers prove nothing, so the doubt stays.
        for (const line of since(bot, resumed)) {
          assert.notInclude(["Armed", "Jeopardy"], line.state)
          assert.notStrictEqual(line.open, true, "the gate for orders")
        }
      })
  )

  const cutOff = { BOT_UNCERTAIN: "verify", BOT_EVIDENCE: "1 second" }
  scenario(
    "answers lost for longer than the window, each beat applied: the bot goes on with its orders (15)",
    cutOff,
    (stage) =>
      Effect.gen(function* () {
        const { bot, proxy } = stage
        yield* beating(stage)
        yield* answered
        yield* proxy.treat("answers", "swallow")
        yield* until(
          "the bot says that the switch may have fired",
          Effect.sync(() => states(bot).at(-1) === "MayHaveFired")
        )
        assert.strictEqual(yield* openOrders, 3)
        yield* proxy.treat("answers", "pass")
        yield* until(
          "it has found its orders",
          Effect.sync(() => states(bot).at(-1) === "Armed")
        )
        assert.strictEqual(bot.lines.findLast((line) => line.kind === "changed")?.provenBy, "sighting")
        assert.strictEqual(yield* openOrders, 3)
        assert.deepStrictEqual(
          (yield* entries("Switch")).map(({ transition }) => transition).filter((transition) => transition === "fired"),
          []
        )
        yield* bot.signal("SIGTERM")
        assert.strictEqual(yield* bot.ended, "code 0")
      })
  )

  scenario(
    "requests lost for longer than the window, and the switch fires: the bot does not go on (15)",
    cutOff,
    (stage) =>
      Effect.gen(function* () {
        const { bot, proxy } = stage
        yield* beating(stage)
        yield* answered
        const cut = Date.now()
        yield* proxy.treat("requests", "swallow")
        yield* firedWithin(cut)
        // An order that is placed after the firing proves nothing.
        yield* Simulator.placeOrder()
        const healed = Date.now()
        yield* proxy.treat("requests", "pass")
        const lists = Effect.map(entries("Request"), (requests) =>
          requests.filter(({ answeredAt, endpoint }) => endpoint === "unfilled-orders" && answeredAt !== undefined)
        )
        yield* until(
          "it asks for its orders in every category, twice",
          Effect.map(lists, (lists) => lists.length >= 10)
        )
        for (const line of since(bot, healed)) {
          assert.notInclude(["Armed", "Jeopardy"], line.state)
          assert.notStrictEqual(line.open, true, "the gate for orders")
        }
        assert.strictEqual(states(bot).at(-1), "MayHaveFired")
      })
  )

  scenario("SIGTERM: a 0 arrives, the process ends well, and the orders stay (12)", {}, (stage) =>
    Effect.gen(function* () {
      const { bot } = stage
      yield* beating(stage)
      yield* bot.signal("SIGTERM")
      assert.strictEqual(yield* bot.ended, "code 0")
      assert.strictEqual((yield* writes).at(-1)?.countdown, "0")
      assert.strictEqual(yield* switchState, "Closed")
      // On a busy machine a beat that was answered too late might still arrive.
      const late = (yield* writes).some(({ receivedAt = Infinity, sentAt }) => receivedAt - sentAt > 200)
      const complained = states(bot).length > 1 || stretched(0) > 200
      const outcome = bot.lines.findLast((line) => line.kind === "changed")?.outcome
      assert.include(late || complained ? ["Disarmed", "DisarmUnconfirmed"] : ["Disarmed"], outcome)
      yield* Effect.sleep(countdown + 1_000)
      assert.strictEqual(yield* openOrders, 3)
    })
  )

  scenario("SIGINT twice, the 0 on its way: the second kills at once, and the switch fires (10)", {}, (stage) =>
    Effect.gen(function* () {
      const { bot, proxy } = stage
      yield* beating(stage)
      yield* answered
      yield* proxy.treat("requests", "swallow")
      yield* bot.signal("SIGINT")
      yield* until(
        "the 0 meets the proxy",
        Effect.sync(() => proxy.met("requests") > 0)
      )
      const again = Date.now()
      yield* bot.signal("SIGINT")
      assert.strictEqual(yield* bot.ended, "SIGINT")
      assert.isBelow(Date.now() - again, stretched(1_500))
      yield* firedWithin(again)
      assert.notInclude(
        (yield* writes).map((write) => write.countdown),
        "0"
      )
    })
  )

  for (const moment of ["between two beats", "with a beat under way"] as const) {
    scenario(
      `an event loop blocked for longer than the window, ${moment}: not Armed afterwards, and nothing is sent (15, 18)`,
      { BOT_WHEN_LOST: "stay", BOT_BLOCK: "6500" },
      (stage) =>
        Effect.gen(function* () {
          const { bot } = stage
          yield* beating(stage)
          yield* moment === "between two beats" ? answered : underWay
          yield* bot.signal("SIGUSR2")
          yield* until("it blocks", says(bot, "blocking"))
          const blocked = bot.lines.find((line) => line.kind === "blocking")?.saidAt ?? NaN
          yield* firedWithin(blocked)
          yield* until("the bot says that it is lost", says(bot, "lost"))
          yield* stays(
            Effect.gen(function* () {
              const at = bot.lines.findIndex((line) => line.kind === "blocking")
              for (const line of bot.lines.slice(at)) {
                assert.notInclude(["Armed", "Jeopardy"], line.state)
                assert.notStrictEqual(line.open, true, "the gate for orders")
              }
              const sent = (yield* writes).filter(({ arrivedAt }) => arrivedAt > blocked + tolerance)
              assert.deepStrictEqual(sent, [])
            })
          )
        })
    )
  }

  it.live(
    "the exchange killed and back within the window: armed again; killed for good: lost, and no more requests",
    () =>
      Effect.gen(function* () {
        const [first, second] = yield* Effect.all([Processes.start("exchange.mjs"), Processes.start("exchange.mjs")], {
          concurrency: "unbounded"
        })
        const listening = Effect.fnUntraced(function* (exchange: Processes.Child, port: string) {
          yield* exchange.write(port)
          yield* until("the exchange listens", says(exchange, "listening"))
          return exchange.lines.find((line) => line.kind === "listening")?.url ?? ""
        })
        const url = yield* listening(first, "0")
        const port = new URL(url).port
        const bot = yield* Processes.start("bot.mjs", ofBot(url))
        yield* until(
          "armed",
          Effect.sync(() => bot.lines.some((line) => line.state === "Armed"))
        )

        const killed = Date.now()
        yield* first.signal("SIGKILL")
        assert.strictEqual(yield* first.ended, "SIGKILL")
        // A beat has failed to connect by then.
        yield* until(
          "jeopardy",
          Effect.sync(() => states(bot).includes("Jeopardy"))
        )
        assert.strictEqual(yield* listening(second, port), url)
        const isLost = () => bot.lines.some((line) => line.kind === "lost")
        yield* until(
          "armed again",
          Effect.sync(() => states(bot).includes("Armed") || isLost())
        )
        // On a busy machine the exchange can be back too late. What follows then has nothing to lose.
        if (isLost()) return assert.isAbove(stretched(0), 500, "lost on an idle machine")
        assert.deepStrictEqual(states(bot), ["Jeopardy", "Armed"])
        assert.isBelow(Date.now() - killed, stretched(countdown))

        yield* second.signal("SIGKILL")
        assert.strictEqual(yield* second.ended, "SIGKILL")
        const gone = Date.now()
        yield* until("the bot says that it is lost", says(bot, "lost"))
        const lost = bot.lines.find((line) => line.kind === "lost")
        assert.strictEqual(lost?.reason, "MayHaveFired")
        const lostAt = lost?.saidAt ?? NaN
        assert.isAtMost(lostAt - gone, stretched(countdown + 500))
        // The scope closes on the error. A lost heartbeat is left to expire, and the end is bounded.
        assert.strictEqual(yield* bot.ended, "code 1")
        assert.isAtMost(Date.now() - lostAt, stretched(countdown + 2_000))
        assert.strictEqual(states(bot).at(-1), "Released")
        assert.strictEqual(bot.lines.findLast((line) => line.state === "Released")?.outcome, "Expiring")
        // Its process is gone, so a new listener on the port receives nothing.
        const heard = yield* Effect.acquireUseRelease(
          Effect.sync(() => {
            const calls: Array<number> = []
            return { calls, server: Net.createServer(() => calls.push(Date.now())).listen(Number(port), "127.0.0.1") }
          }),
          ({ calls }) =>
            Effect.delay(
              Effect.sync(() => calls.length),
              1_000
            ),
          ({ server }) => Effect.sync(() => server.close())
        )
        assert.strictEqual(heard, 0)
      }).pipe(Effect.scoped)
  )

  for (const direction of ["requests", "answers"] as const) {
    scenario(
      `${direction} delayed, reset and swallowed for a moment: always protected, and armed again each time (11)`,
      {},
      (stage) =>
        Effect.gen(function* () {
          const { bot, proxy } = stage
          yield* beating(stage)
          const afterwards = Effect.suspend(() => {
            const from = Date.now()
            const armed = () => since(bot, from).some((line) => line.kind === "is" && line.state === "Armed")
            return until("armed again", Effect.sync(armed))
          })
          // Slower than usual, but in time: nothing is amiss.
          yield* proxy.treat(direction, { delay: 400 })
          yield* until(
            "two slow beats",
            Effect.sync(() => proxy.met(direction) >= 2)
          )
          yield* Effect.sleep("600 millis")
          yield* proxy.treat(direction, "pass")
          assert.deepStrictEqual(states(bot), [])
          for (const treatment of ["reset", "swallow"] as const) {
            yield* proxy.treat(direction, treatment)
            yield* until(
              "a beat meets it",
              Effect.sync(() => proxy.met(direction) > 0)
            )
            yield* proxy.treat(direction, "pass")
            yield* until(
              "jeopardy",
              Effect.sync(() => states(bot).at(-1) === "Jeopardy")
            )
            yield* afterwards
          }
          assert.deepStrictEqual(states(bot), ["Jeopardy", "Armed", "Jeopardy", "Armed"])
          assert.strictEqual(yield* openOrders, 3)
          yield* bot.signal("SIGTERM")
          assert.strictEqual(yield* bot.ended, "code 0")
          assert.strictEqual(yield* switchState, "Closed")
        })
    )
  }

  const forGood = [
    ["requests swallowed", "requests", "swallow"],
    ["requests delayed beyond every timeout", "requests", { delay: 4_000 }],
    ["answers met with a reset", "answers", "reset"],
    ["answers delayed beyond every timeout", "answers", { delay: 1_500 }]
  ] as const
  for (const [name, direction, treatment] of forGood) {
    scenario(
      `${name} for good: jeopardy, lost in time, and an end that is bounded and honest (9, 12, 13, 16)`,
      {},
      (stage) =>
        Effect.gen(function* () {
          const { bot, proxy } = stage
          yield* beating(stage)
          yield* answered
          const cut = Date.now()
          yield* proxy.treat(direction, treatment)
          yield* until("the bot says that it is lost", says(bot, "lost"))
          const lost = bot.lines.find((line) => line.kind === "lost")
          const lostAt = lost?.saidAt ?? NaN
          assert.strictEqual(lost?.reason, "MayHaveFired")
          assert.isAtMost(lostAt - cut, stretched(countdown + 500))
          assert.strictEqual(yield* bot.ended, "code 1")
          assert.isAtMost(Date.now() - lostAt, stretched(countdown + 2_500))
          assert.deepStrictEqual(states(bot).slice(0, 2), ["Jeopardy", "MayHaveFired"])
          const last = bot.lines.findLast((line) => line.kind === "changed")
          assert.strictEqual(last?.outcome, "Expiring")
          // A lost heartbeat sends no `0`, so the switch fires over the orders, whatever has arrived.
          yield* until(
            "the exchange has cancelled the orders",
            Effect.map(openOrders, (open) => open === 0)
          )
          assert.notInclude(
            (yield* writes).map(({ countdown }) => countdown),
            "0"
          )
        })
    )
  }
})
