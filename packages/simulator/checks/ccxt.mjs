// Checks the served exchange with unmodified ccxt from npm. ccxt has 60 MB, so this command installs it into a separate
// folder instead of the workspace.
//
//   pnpm check:ccxt
import * as Server from "@effect-deadman/simulator/Server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"

const version = "4.5.84"
const folder = Path.join(import.meta.dirname, "..", ".reports", "ccxt")
Fs.mkdirSync(folder, { recursive: true })
Fs.writeFileSync(Path.join(folder, "package.json"), JSON.stringify({ private: true, dependencies: { ccxt: version } }))
if (!Fs.existsSync(Path.join(folder, "node_modules", "ccxt"))) {
  console.log(`  ..  installing ccxt ${version}`)
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
  const done = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] })
  if (done.status !== 0) throw new Error("ccxt could not be installed: this check needs the package registry")
}
const entry = createRequire(Path.join(folder, "package.json")).resolve("ccxt")
const { default: ccxt } = await import(pathToFileURL(entry).href)

const scope = Effect.runSync(Scope.make())
const context = await Effect.runPromise(
  Effect.provideService(
    // The clock stands and is advanced, so what ccxt signs with the host's clock is soon out of date.
    Server.make({ clock: { mode: "manual" }, venue: { timestampWindow: 3_600_000 } }),
    Scope.Scope,
    scope
  )
)
const { clock, simulator, url } = Context.get(context, Server.Server)
const advance = (duration) => Effect.runPromise(clock.advance(duration))

const client = (changed = {}) => {
  const exchange = new ccxt.bitget({
    apiKey: "test-key-1000001",
    secret: "test-secret-1000001",
    password: "test-passphrase-1000001",
    enableRateLimit: false,
    ...changed
  })
  for (const [name, value] of Object.entries(exchange.urls.api)) {
    if (typeof value === "string")
      exchange.urls.api[name] = value.replace(/^https:\/\/api\.\{hostname\}|^https:\/\/[^/]+/, url)
  }
  return exchange
}
const bot = client()
const set = (countdown, exchange = bot) => exchange.privateUtaPostV3TradeCountdownCancelAll({ countdown })
const refused = async (promise, code, kind) => {
  const error = await promise.then(
    () => assert.fail(`was not refused with ${code}`),
    (error) => error
  )
  assert.ok(error instanceof kind, `${error.constructor.name} is no ${kind.name}: ${error.message}`)
  assert.match(error.message, new RegExp(`"code":"${code}"`))
}
const order = {
  category: "USDT-FUTURES",
  symbol: "BTCUSDT",
  side: "buy",
  orderType: "limit",
  qty: "0.01",
  price: "50000"
}
const open = async () =>
  (await bot.privateUtaGetV3TradeUnfilledOrders({ category: "USDT-FUTURES" })).data.list.map((order) => order.orderId)
const tag = async () => (await (await fetch(`${url}/_sim/accounts/${simulator.account}`)).json()).switch._tag

const step = async (what, does) => {
  await does()
  console.log(`  ok  ${what}`)
}
try {
  let placed
  await step("places an order", async () => {
    placed = (await bot.privateUtaPostV3TradePlaceOrder(order)).data.orderId
    assert.deepEqual(await open(), [placed])
  })
  await step("arms, and refreshes", async () => {
    const armed = await set("10")
    assert.deepEqual([armed.code, armed.data], ["00000", "success"])
    await advance("7 seconds")
    await set("10")
    await advance("9 seconds")
    assert.deepEqual(await open(), [placed])
  })
  await step("disarms", async () => {
    await set("0")
    assert.equal(await tag(), "Closed")
    await advance("1 minute")
    assert.deepEqual(await open(), [placed])
  })
  await step("lets it fire", async () => {
    await set("5")
    await advance("5 seconds")
    assert.equal(await tag(), "Fired")
    assert.deepEqual(await open(), [])
  })
  await step("a wrong secret", () =>
    refused(set("10", client({ secret: "not-the-secret" })), "40009", ccxt.AuthenticationError)
  )
  await step("a bad countdown", () => refused(set("4"), "40017", ccxt.BaseError))
  await step("too fast", async () => {
    await advance("1 second")
    await set("10")
    await refused(set("10"), "429", ccxt.DDoSProtection)
  })
  console.log(`ccxt ${version} understands the served exchange`)
} finally {
  await Effect.runPromise(Scope.close(scope, Exit.void))
}
