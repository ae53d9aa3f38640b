// `pnpm example <template>` starts a simulated exchange on a free port and runs a template against it.
// `pnpm example <template> --live` runs it against the real exchange, with the credentials of the environment.
// The templates are independent of this file: each is a program that reads its environment.
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"

const templates = [
  "quickstart",
  "market-maker",
  "graceful-shutdown",
  "watchdog",
  "many-accounts",
  "observability",
  "plain-typescript"
]

/** Templates that serve an exchange of their own. */
const alone = ["fleet"]

/** The accounts of the simulated exchange. The last one has no access to the countdown. */
const accounts = { MAIN: "1000001", HEDGE: "1000002", CLOSED: "1000003" }

const simulated = (url: string): Record<string, string> => {
  const names = Object.keys(accounts)
  const keys = Object.entries(accounts).flatMap(([name, uid]) => {
    const key = Exchange.testKey(uid)
    const prefixes = name === names[0] ? ["BITGET", name] : [name]
    return prefixes.flatMap((prefix) => [
      [`${prefix}_API_KEY`, key.key],
      [`${prefix}_SECRET_KEY`, key.secret ?? ""],
      [`${prefix}_PASSPHRASE`, key.passphrase]
    ])
  })
  return {
    ...Object.fromEntries(keys),
    BITGET_BASE_URL: url,
    ACCOUNTS: names.join(","),
    PRICE: "50000",
    QTY: "0.01"
  }
}

/** Runs the script on the terminal of this process and succeeds with its exit code. */
const run = (script: string, env: Record<string, string | undefined>, args: ReadonlyArray<string>) =>
  Effect.async<number>((resume) => {
    const child = ChildProcess.spawn(process.execPath, [script, ...args], { env, stdio: "inherit" })
    // Ctrl-C reaches both processes, and the template ends first. A SIGTERM reaches only this one, so it is forwarded.
    process.on("SIGINT", () => undefined)
    process.on("SIGTERM", () => child.kill("SIGTERM"))
    child.once("close", (code, signal) => resume(Effect.succeed(signal === null ? (code ?? 1) : 1)))
  })

/** Prints the final state of each account whose switch was armed, as the exchange sees it. */
const finalStates = Effect.gen(function* () {
  const { journal } = yield* Simulator.Simulator
  const entries = yield* journal.entries
  for (const [name, uid] of Object.entries(accounts)) {
    if (!entries.some((entry) => entry._tag === "Switch" && entry.account === uid)) continue
    const before = yield* Simulator.countdown(uid)
    // A client that lost its switch may end some milliseconds before the firing.
    if (before._tag === "Armed" && before.remaining < 1_000) yield* Effect.sleep("1 second")
    const state = yield* Simulator.countdown(uid)
    const { length } = yield* Simulator.openOrders(uid)
    const says =
      state._tag === "Closed"
        ? "is off"
        : state._tag === "Fired"
          ? `has fired and cancelled ${state.orders} orders`
          : `fires in ${(state.remaining / 1_000).toFixed(1)} s`
    console.log(`At the exchange: the switch of ${name} ${says}, ${length} orders are open.`)
  }
})

const against = Effect.fnUntraced(
  function* (name: string, script: string, args: ReadonlyArray<string>) {
    const { url } = yield* Server.Server
    // Passes settings such as PRICE and ENDING on, but keeps real keys away from the simulator.
    const own = Object.entries(process.env).filter(
      ([variable]) => !/^BITGET_|_(API_KEY|SECRET_KEY|PASSPHRASE)$/.test(variable)
    )
    console.log(`${name}, against a simulated exchange on ${url}`)
    const code = yield* run(script, { ...simulated(url), ...Object.fromEntries(own) }, args)
    yield* finalStates
    return code
  },
  Effect.provide(
    Server.layer({
      accounts: Object.entries(accounts).map(([name, uid]) => ({ uid, countdownAccess: name !== "CLOSED" }))
    })
  )
)

const program = Effect.gen(function* () {
  const [name = "", ...args] = process.argv.slice(2)
  if (![...templates, ...alone].includes(name)) {
    console.error(`Name one of these templates: ${[...templates, ...alone].join(", ")}.`)
    return 1
  }
  const script = [`./${name}.js`, `./${name}/main.js`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => Fs.existsSync(path))
  if (script === undefined) return yield* Effect.dieMessage(`${name} is not built. Run: tsc -b`)
  const rest = args.filter((arg) => arg !== "--live")
  return yield* args.includes("--live") || alone.includes(name)
    ? run(script, process.env, rest)
    : against(name, script, rest)
})

process.exitCode = await Effect.runPromise(program)
