/**
 * `pnpm start` serves a simulated exchange on a free local port and runs bots as separate processes. It kills one bot,
 * stops another, and a third throws. The exchange's journal shows what happened to their orders. No account is needed.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"
import * as BotProcess from "./BotProcess.js"
import type * as Paint from "./Paint.js"
import * as Screen from "./Screen.js"
import * as Story from "./Story.js"
import * as Verdict from "./Verdict.js"

/** In ms. The shortest countdown that the exchange takes, to keep the demonstration short. */
const countdown = 5_000
const latency = 1_000
const orders = 4

const bots = {
  crash: { name: "bot 1", account: "1000001" },
  stop: { name: "bot 2", account: "1000002" },
  // With a longer countdown, to show that the release shortens it.
  exception: { name: "bot 3", account: "1000003", countdown: 2 * countdown, throwAfter: "2 seconds" }
} as const

interface Bot {
  readonly name: string
  readonly account: string
  readonly countdown?: number
  readonly throwAfter?: string
}

const trial = (bot: Bot): Verdict.Trial => ({ account: bot.account, countdown: bot.countdown ?? countdown, latency })

class BotFailed extends Data.TaggedError("BotFailed")<{ readonly message: string }> {}

const script = fileURLToPath(new URL("../bot.js", import.meta.url))

const environment = (bot: Bot, url: string): Record<string, string> => {
  const key = Exchange.testKey(bot.account)
  return {
    BITGET_BASE_URL: url,
    BITGET_API_KEY: key.key,
    BITGET_SECRET_KEY: key.secret ?? "",
    BITGET_PASSPHRASE: key.passphrase,
    BITGET_ACCOUNT_LABEL: bot.name,
    BOT_COUNTDOWN: `${bot.countdown ?? countdown} millis`,
    ...(bot.throwAfter === undefined ? {} : { BOT_THROW_AFTER: bot.throwAfter }),
    BOT_ORDERS: String(orders),
    BOT_PRICE: "50000",
    BOT_QTY: "0.01"
  }
}

/** Prints the journal entries of one account as they are written, with a bar. */
const narrate = Effect.fnUntraced(function* (screen: Screen.Screen, bot: Bot, since: number) {
  const simulator = yield* Simulator.Simulator
  const { colour } = screen
  const style = screen.inPlace
    ? { full: "█", empty: "░", width: 30, colour }
    : { full: "#", empty: ".", width: 20, colour }
  let chapter = Story.beginning
  let printedAt = -Infinity
  const print = (at: number, name: string, remark: string, role?: Paint.Role) => {
    printedAt = at
    const clock = colour("soft", Story.seconds(at - since, 2).padStart(8))
    const padded = name.padEnd(Story.nameWidth)
    const shown = role === undefined ? padded : colour(role, padded)
    screen.print(`${clock}  ${bot.name}  ${shown}  ${Story.bar(chapter, at, style)}  ${remark}`.trimEnd())
  }
  yield* simulator.journal.events.pipe(
    Stream.filter((entry) => "account" in entry && entry.account === bot.account),
    Stream.runForEach((entry) =>
      Effect.sync(() => {
        const before = chapter
        chapter = Story.read(chapter, entry)
        const event = Story.event(before, entry)
        if (event !== undefined && "at" in entry) print(entry.at, ...event)
      })
    ),
    Effect.forkScoped
  )
  yield* Effect.forkScoped(
    Effect.repeat(
      Effect.map(simulator.time.now, (now) => {
        if (screen.inPlace)
          screen.paint(`          ${bot.name}  ${" ".repeat(Story.nameWidth)}  ${Story.bar(chapter, now, style)}`)
        else if (chapter.deadline !== undefined && now - printedAt >= 1_000) print(now, "", "")
      }),
      Schedule.spaced(screen.inPlace ? 50 : 100)
    )
  )
})

/** Starts a bot. Its lines are printed, and given to `onLine`. */
const launch = Effect.fnUntraced(function* (
  screen: Screen.Screen,
  bot: Bot,
  url: string,
  onLine: (line: string) => void = () => {}
) {
  const child = yield* BotProcess.start(script, {
    env: environment(bot, url),
    onLine: (line) => {
      // Without its timestamp, because the demonstration prints its own.
      screen.print(screen.colour("soft", `${" ".repeat(10)}${bot.name}  | ${line.replace(/^\S+Z /, "")}`))
      onLine(line)
    }
  })
  screen.print(screen.colour("soft", `${" ".repeat(10)}${bot.name}  runs as process ${child.pid}`))
  return child
})

/** Starts a bot and waits until its orders are in the book and two beats have followed. */
const live = Effect.fnUntraced(function* (screen: Screen.Screen, bot: Bot, url: string) {
  const simulator = yield* Simulator.Simulator
  const child = yield* launch(screen, bot, url)
  const settled = Effect.map(simulator.journal.entries, (entries) => {
    const own = entries.filter((entry) => "account" in entry && entry.account === bot.account)
    const beats = own.filter((entry) => entry._tag === "Switch" && entry.transition === "refreshed")
    return beats.length >= 2 && own.filter((entry) => entry._tag === "Placed").length === orders
  })
  yield* Effect.repeat(Effect.delay(settled, 20), { until: (done) => done }).pipe(
    Effect.raceFirst(
      Effect.flatMap(child.ended, (how) =>
        Effect.fail(new BotFailed({ message: `${bot.name} ended too early: ${how}` }))
      )
    ),
    Effect.timeoutFail({
      duration: "2 minutes",
      onTimeout: () => new BotFailed({ message: `${bot.name} placed no ${Story.orders(orders)} in 2 minutes` })
    })
  )
  // Moves the next step between two beats.
  yield* Effect.sleep(700)
  return child
})

const crash = Effect.fnUntraced(function* (screen: Screen.Screen, url: string, since: number) {
  const bot = bots.crash
  headline(screen, "1. A bot arms the switch and places orders. Then SIGKILL ends it.")
  yield* narrate(screen, bot, since)
  const child = yield* live(screen, bot, url)
  yield* Simulator.mark(Verdict.marks.kill, bot.account)
  yield* child.kill("SIGKILL")
  const gone = Effect.map(Simulator.openOrders(bot.account), (open) => open.length === 0)
  yield* Effect.repeat(Effect.delay(gone, 20), { until: (none) => none }).pipe(
    // Waits longer than promised, to show by how much a bound is missed.
    Effect.timeoutOption(2 * countdown)
  )
  // Waits for the last lines.
  yield* Effect.sleep(100)
  const simulator = yield* Simulator.Simulator
  const { happened, promised } = Verdict.cancelled(yield* simulator.journal.entries, trial(bot))
  screen.print(`${" ".repeat(10)}${bot.name}  cancelled: ${happened}; promised: ${promised}`)
}, Effect.scoped)

const stop = Effect.fnUntraced(function* (screen: Screen.Screen, url: string, since: number) {
  const bot = bots.stop
  headline(screen, "2. A second bot does the same. SIGTERM stops it, and its orders stay.")
  yield* narrate(screen, bot, since)
  const child = yield* live(screen, bot, url)
  yield* Simulator.mark(Verdict.marks.stop, bot.account)
  yield* child.kill("SIGTERM")
  const how = yield* Effect.timeoutOption(child.ended, 2 * countdown)
  if (how._tag === "Some") yield* Simulator.mark(`${Verdict.marks.ended} by ${how.value}`, bot.account)
  // A switch that was still armed would fire in this time.
  yield* Effect.sleep(countdown + latency)
  yield* Simulator.mark(Verdict.marks.end, bot.account)
  yield* Effect.sleep(100)
}, Effect.scoped)

/** A bot whose strategy throws. Its release policy, `Release.cancelOnFailure`, lets the exchange cancel in 5 s. */
const exception = Effect.fnUntraced(function* (screen: Screen.Screen, url: string, since: number) {
  const bot = bots.exception
  headline(
    screen,
    "3. The strategy of a third bot throws. Its policy, cancelOnFailure, has the orders cancelled in 5 s."
  )
  yield* narrate(screen, bot, since)
  const thrown = yield* Deferred.make<void>()
  const child = yield* launch(screen, bot, url, (line) => {
    if (line.includes("the strategy throws")) Deferred.unsafeDone(thrown, Effect.void)
  })
  yield* Effect.raceFirst(Deferred.await(thrown), child.ended).pipe(Effect.timeout("2 minutes"), Effect.ignore)
  yield* Simulator.mark(Verdict.marks.exception, bot.account)
  const how = yield* Effect.timeoutOption(child.ended, 2 * countdown)
  if (how._tag === "Some") yield* Simulator.mark(`${Verdict.marks.ended} by ${how.value}`, bot.account)
  const gone = Effect.map(Simulator.openOrders(bot.account), (open) => open.length === 0)
  yield* Effect.repeat(Effect.delay(gone, 20), { until: (none) => none }).pipe(Effect.timeoutOption(3 * countdown))
  yield* Effect.sleep(100)
}, Effect.scoped)

const headline = (screen: Screen.Screen, text: string): void => screen.print(`\n${screen.colour("strong", text)}\n`)

const demonstration = Effect.gen(function* () {
  const screen = yield* Screen.make(process.stdout)
  const { simulator, url } = yield* Server.Server
  const since = yield* simulator.time.now
  screen.print(`A simulated exchange listens on ${url}. It runs in this process, the bots run in their own.`)
  screen.print(`Open ${screen.colour("strong", `${url}/`)} in a browser to watch: the exchange has a page.`)
  screen.print(`Countdown ${Story.seconds(countdown)}. The bar is the time left before the exchange cancels.`)
  yield* crash(screen, url, since)
  yield* stop(screen, url, since)
  yield* exception(screen, url, since)

  const entries = yield* simulator.journal.entries
  const rows = [
    ...Verdict.crash(entries, trial(bots.crash)),
    ...Verdict.stop(entries, trial(bots.stop)),
    ...Verdict.exception(entries, trial(bots.exception))
  ]
  headline(screen, "4. By the exchange's journal:")
  for (const line of Verdict.table(rows, screen.colour)) screen.print(line)
  const broken = rows.filter((row) => !row.held).length
  screen.print(
    broken === 0
      ? `\n${screen.colour("good", "Every promise held.")}`
      : `\n${screen.colour("bad", `${broken} of ${rows.length} promises did NOT hold.`)}`
  )
  return broken === 0
}).pipe(
  Effect.scoped,
  Effect.provide(Server.layer({ accounts: Object.values(bots).map(({ account }) => ({ uid: account })) })),
  Effect.catchAll((error) =>
    Effect.as(
      Effect.sync(() => console.error(error.message)),
      false
    )
  )
)

NodeRuntime.runMain(demonstration, {
  disablePrettyLogger: true,
  teardown: (exit, onExit) => {
    const interrupted = Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
    onExit(Exit.isSuccess(exit) && exit.value === true ? 0 : interrupted ? 130 : 1)
  }
})
