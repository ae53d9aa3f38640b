// What one call costs: the same signed request in each row, to the same server, one after the other, in turns.
import { createHmac } from "node:crypto"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as BitgetClient from "../dist/BitgetClient.js"
import * as Countdown from "../dist/Countdown.js"
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

/** No library: what a careful programmer writes by hand, without any of the care. */
const raw = (url) =>
  promiseRow("global fetch and node:crypto, by hand", async () => {
    const timestamp = String(Date.now())
    const body = `{"countdown":"10"}`
    const response = await fetch(url + path, {
      method: "POST",
      headers: {
        "access-key": key,
        "access-sign": createHmac("sha256", secret).update(`${timestamp}POST${path}${body}`).digest("base64"),
        "access-timestamp": timestamp,
        "access-passphrase": passphrase,
        "content-type": "application/json",
        locale: "en-US"
      },
      body
    })
    return response.json()
  })

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
    CountdownCancelAll.layer.pipe(
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
  const beat = Effect.flatMap(CountdownCancelAll.CountdownCancelAll, ({ set }) => set(ten)).pipe(
    Effect.provide(context)
  )
  const { set } = await Effect.runPromise(Effect.provide(CountdownCancelAll.CountdownCancelAll, context))
  return [
    {
      name: `this library, ${name}`,
      run: (count) => Effect.runPromise(Effect.repeatN(set(ten), count - 1))
    },
    {
      name: `this library, ${name}, a runPromise for each call`,
      run: async (count) => {
        for (let n = 0; n < count; n++) await Effect.runPromise(beat)
      }
    }
  ]
}

const target = 400

/**
 * @param url where the venue is
 * @param withPeers whether the other client libraries are measured too; they must be installed
 */
export const calls = async (url, { rounds = 7, withPeers = true } = {}) => {
  const scope = Effect.runSync(Scope.make())
  const rows = [
    raw(url),
    ...(withPeers ? [await bitgetApi(url), await ccxt(url)] : []),
    ...(await ours("NodeHttpClient.layerUndici", NodeHttpClient.layerUndici, url, scope)),
    ...(await ours("FetchHttpClient.layer", FetchHttpClient.layer, url, scope)),
    ...(await ours(
      "NodeHttpClient.layer, keepAlive",
      Layer.provide(NodeHttpClient.layerWithoutAgent, NodeHttpClient.makeAgentLayer({ keepAlive: true })),
      url,
      scope
    ))
  ]
  for (const row of rows) {
    row.wall = []
    row.cpu = []
    // Warm-up, until a round lasts about as long as it should.
    for (let count = 100; ; count *= 3) {
      const started = performance.now()
      await row.run(count)
      const took = performance.now() - started
      if (took > target) {
        row.count = Math.max(20, Math.round((count * target) / took))
        break
      }
    }
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
    `One call, µs: from the call to the decoded answer, and the CPU that the client's process spent on it. ${rounds} rounds in turns.`,
    ["way", "time, median", "range", "CPU, median"],
    rows.map((row) => [row.name, median(row.wall), range(row.wall), median(row.cpu)])
  )
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return rows
}
