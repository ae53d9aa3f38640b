// The cost of one call: every row sends the same signed request to the same server, one after the other, in turns.
import { createHmac } from "node:crypto"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Undici from "@effect/platform-node/Undici"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as BitgetClient from "../dist/BitgetClient.js"
import * as Countdown from "../dist/Countdown.js"
import * as BitgetCountdown from "../dist/BitgetCountdown.js"
import * as CountdownCancelAll from "../dist/CountdownCancelAll.js"
import * as Credentials from "../dist/Credentials.js"
import { median, printTable, range } from "../../simulator/bench/table.mjs"

const key = "bench-key"
const secret = "bench-secret"
const passphrase = "bench-passphrase"
const path = "/api/v3/trade/countdown-cancel-all"
const peers = join(import.meta.dirname, "peers")

const check = (code) => {
  if (code !== "00000") throw new Error(`a call was not acknowledged: ${JSON.stringify(code)}`)
}

const promiseRow = (name, call) => ({
  name,
  run: async (count) => {
    for (let n = 0; n < count; n++) check((await call()).code)
  }
})

const body = `{"countdown":"10"}`
const signed = () => {
  const timestamp = String(Date.now())
  return {
    "access-key": key,
    "access-sign": createHmac("sha256", secret).update(`${timestamp}POST${path}${body}`).digest("base64"),
    "access-timestamp": timestamp,
    "access-passphrase": passphrase,
    "content-type": "application/json",
    locale: "en-US"
  }
}

/** No client library, no time bound, and nothing is checked but the code. */
const bareFetch = (url) =>
  promiseRow("bare fetch", async () => (await fetch(url + path, { method: "POST", headers: signed(), body })).json())

/** The floor of every client over undici. */
const bareUndici = (url) => {
  const agent = new Undici.Agent()
  return promiseRow("bare undici.request", async () => {
    const response = await agent.request({ origin: url, path, method: "POST", headers: signed(), body })
    return response.body.json()
  })
}

const peer = (name) => import(pathToFileURL(createRequire(join(peers, "package.json")).resolve(name)).href)
const versionOf = (name) => createRequire(join(peers, "package.json"))(`./node_modules/${name}/package.json`).version

const bitgetApi = async (url) => {
  const { RestClientV3 } = await peer("bitget-api")
  const client = new RestClientV3({ apiKey: key, apiSecret: secret, apiPass: passphrase, baseUrl: url })
  return promiseRow(`bitget-api ${versionOf("bitget-api")}`, () => client.countdownCancelAll({ countdown: "10" }))
}

const ccxt = async (url) => {
  const library = await import(pathToFileURL(join(peers, "node_modules", "ccxt", "js", "ccxt.js")).href)
  const exchange = new library.default.bitget({ apiKey: key, secret, password: passphrase, enableRateLimit: false })
  exchange.urls.api = Object.fromEntries(Object.keys(exchange.urls.api).map((name) => [name, url]))
  return promiseRow(`ccxt ${versionOf("ccxt")}`, () =>
    exchange.privateUtaPostV3TradeCountdownCancelAll({ countdown: "10" })
  )
}

const ours = async (name, httpClient, url, scope) => {
  const context = await Effect.runPromise(
    BitgetCountdown.layer.pipe(
      Layer.provide(BitgetClient.layer({ baseUrl: url })),
      Layer.provide(
        Credentials.layer({
          apiKey: Redacted.make(key),
          secretKey: Redacted.make(secret),
          passphrase: Redacted.make(passphrase)
        })
      ),
      Layer.provide(httpClient),
      Layer.buildWithScope(scope)
    )
  )
  const ten = await Effect.runPromise(Countdown.fromDuration("10 seconds"))
  const { set } = Context.get(context, CountdownCancelAll.CountdownCancelAll)
  return { name: `this library, ${name}`, run: (count) => Effect.runPromise(Effect.repeatN(set(ten), count - 1)) }
}

/**
 * The platform's share: sends the same request through its client and reads the answer, in one fiber, and nothing else.
 */
const platform = async (url, scope) => {
  const context = await Effect.runPromise(Layer.buildWithScope(NodeHttpClient.layerUndici, scope))
  const client = Context.get(context, HttpClient.HttpClient)
  const call = Effect.suspend(() =>
    client.execute(
      HttpClientRequest.post(url + path, { headers: signed(), body: HttpBody.text(body, "application/json") })
    )
  ).pipe(
    Effect.flatMap((response) => response.json),
    Effect.map(({ code }) => check(code)),
    Effect.locally(HttpClient.currentTracerDisabledWhen, () => true)
  )
  return {
    name: "the platform's HttpClient, layerUndici",
    run: (count) => Effect.runPromise(Effect.repeatN(call, count - 1))
  }
}

/** The number of calls after which everything is compiled. */
const warmUp = 3_000
/** The length of a round, ms. */
const target = 150

/**
 * @param url the address of the exchange
 * @param withPeers whether it measures the other client libraries, too, which must be installed
 */
export const calls = async (url, { rounds = 15, withPeers = true } = {}) => {
  const scope = Effect.runSync(Scope.make())
  const rows = [
    bareUndici(url),
    bareFetch(url),
    ...(withPeers ? [await ccxt(url), await bitgetApi(url)] : []),
    await platform(url, scope),
    await ours("NodeHttpClient.layerUndici", NodeHttpClient.layerUndici, url, scope),
    await ours(
      "NodeHttpClient.layer, keepAlive",
      Layer.provide(NodeHttpClient.layerWithoutAgent, NodeHttpClient.makeAgentLayer({ keepAlive: true })),
      url,
      scope
    ),
    await ours("FetchHttpClient.layer", FetchHttpClient.layer, url, scope)
  ]
  for (const row of rows) {
    row.wall = []
    row.cpu = []
    await row.run(warmUp)
    const started = performance.now()
    await row.run(100)
    row.count = Math.max(20, Math.round((100 * target) / (performance.now() - started)))
  }
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      const cpu = process.cpuUsage()
      const started = performance.now()
      await row.run(row.count)
      row.wall.push(((performance.now() - started) * 1_000) / row.count)
      const { system, user } = process.cpuUsage(cpu)
      row.cpu.push((user + system) / row.count)
    }
  }
  printTable(
    `One call, µs: from the call to the decoded answer, and the CPU time of the client's process. ${rounds} rounds in turns.`,
    ["way", "time, median", "range", "CPU, median", "range"],
    rows.map((row) => [row.name, median(row.wall), range(row.wall), median(row.cpu), range(row.cpu)])
  )
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return rows
}
