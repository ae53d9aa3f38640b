/** The template bot as a real process over real HTTP: its orders after a kill and after a stop. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as BotProcess from "../src/demo/BotProcess.js"
import { stretched, until } from "../../core/test/support/patience.js"
import { now, own, placings } from "./support/journal.js"

const countdown = 5_000
const script = fileURLToPath(new URL("../dist/bot.js", import.meta.url))

const uids = { killed: "1000001", stopped: "1000002", interrupted: "1000003", refused: "1000004" }

const exchange = Server.layer({
  accounts: Object.values(uids).map((uid) => ({ uid, countdownAccess: uid !== uids.refused }))
})

const start = Effect.fnUntraced(function* (uid: string, extra?: Record<string, string>) {
  const { url } = yield* Server.Server
  const key = Exchange.testKey(uid)
  const lines: Array<string> = []
  const bot = yield* BotProcess.start(script, {
    env: {
      BITGET_BASE_URL: url,
      BITGET_API_KEY: key.key,
      BITGET_SECRET_KEY: key.secret ?? "",
      BITGET_PASSPHRASE: key.passphrase,
      BOT_COUNTDOWN: `${countdown} millis`,
      BOT_ORDERS: "3",
      BOT_PRICE: "50000",
      BOT_QTY: "0.01",
      ...extra
    },
    onLine: (line) => lines.push(line)
  })
  return { ...bot, lines }
})

const beating = (uid: string) =>
  until(
    "two writes and three orders",
    Effect.zipWith(
      own(uid, "Switch"),
      Simulator.openOrders(uid),
      (switches, open) => switches.length >= 2 && open.length === 3
    )
  )

describe.concurrent("the template bot, a process over loopback", () => {
  it.live(
    "SIGKILL: all its orders are cancelled within the countdown and a second, and no sooner than the countdown (10)",
    () =>
      Effect.gen(function* () {
        const bot = yield* start(uids.killed)
        yield* beating(uids.killed)
        const killed = yield* now
        yield* bot.kill("SIGKILL")
        assert.strictEqual(yield* bot.ended, "SIGKILL")
        yield* until(
          "the book is empty",
          Effect.map(Simulator.openOrders(uids.killed), (open) => open.length === 0)
        )
        const cancels = yield* own(uids.killed, "Cancelled")
        assert.lengthOf(cancels, 3)
        for (const cancel of cancels) {
          assert.strictEqual(cancel.cause, "countdown")
          assert.isAtMost(cancel.at - killed, stretched(countdown + 1_000))
        }
        const switches = yield* own(uids.killed, "Switch")
        assert.deepStrictEqual(
          switches.filter((entry) => entry.transition === "fired").map((entry) => entry.at >= (entry.deadline ?? 0)),
          [true]
        )
      }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const uid = signal === "SIGTERM" ? uids.stopped : uids.interrupted
    it.live(`${signal}: the switch is off when the process ends, and its orders stay (12)`, () =>
      Effect.gen(function* () {
        const bot = yield* start(uid)
        yield* beating(uid)
        yield* bot.kill(signal)
        assert.strictEqual(yield* bot.ended, "exit code 0")
        assert.strictEqual((yield* Simulator.countdown(uid))._tag, "Closed")
        assert.strictEqual((yield* own(uid, "Switch")).at(-1)?.transition, "closed")
        // On a slow machine a beat without a response may still arrive, so the bot cannot prove the disarm.
        assert.isTrue(bot.lines.some((line) => /released(: Disarmed|, but the disarm is unconfirmed)/.test(line)))
        yield* Effect.sleep(countdown + 1_000)
        assert.lengthOf(yield* Simulator.openOrders(uid), 3)
        assert.lengthOf(yield* own(uid, "Cancelled"), 0)
      }).pipe(Effect.scoped, Effect.provide(exchange))
    )
  }

  it.live("SIGTERM while an order is in flight: the order settles before the 0 (12)", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-request;by=2s;endpoint=place-order;times=1")
      const bot = yield* start(uids.stopped)
      yield* until(
        "an order in flight",
        Effect.map(placings(uids.stopped), (sent) => sent.length > 0)
      )
      yield* bot.kill("SIGTERM")
      assert.strictEqual(yield* bot.ended, "exit code 0", bot.lines.join("\n"))
      const settled = (yield* placings(uids.stopped)).map(({ appliedAt = Infinity }) => appliedAt)
      const off = (yield* own(uids.stopped, "Switch")).at(-1)
      assert.strictEqual(off?.transition, "closed")
      assert.isAtMost(Math.max(...settled), off?.at ?? NaN)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("SIGTERM after an order without a clear answer: the switch stays armed and cancels it", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("drop-answer;endpoint=place-order;times=1")
      const bot = yield* start(uids.stopped)
      yield* until(
        "an order in the book",
        Effect.map(placings(uids.stopped), (sent) => sent[0]?.appliedAt !== undefined)
      )
      yield* bot.kill("SIGTERM")
      yield* bot.ended
      assert.match(bot.lines.join("\n"), /WARN an order had no clear answer/)
      yield* until(
        "the book is empty",
        Effect.map(Simulator.openOrders(uids.stopped), (open) => open.length === 0)
      )
      assert.notInclude(
        (yield* own(uids.stopped, "Switch")).map(({ transition }) => transition),
        "closed"
      )
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a refused arming ends it with exit code 1 and one line that says what to do, before any order", () =>
    Effect.gen(function* () {
      const bot = yield* start(uids.refused)
      assert.strictEqual(yield* bot.ended, "exit code 1")
      assert.lengthOf(bot.lines, 1)
      assert.match(bot.lines[0] ?? "", /ERROR .*40301/)
      assert.lengthOf(yield* own(uids.refused, "Placed"), 0)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("orders without a price are refused before the arming", () =>
    Effect.gen(function* () {
      const bot = yield* start(uids.stopped, { BOT_PRICE: "" })
      assert.strictEqual(yield* bot.ended, "exit code 1")
      assert.match(bot.lines.join("\n"), /BOT_PRICE/)
      assert.lengthOf(yield* own(uids.stopped, "Switch"), 0)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )
})
