// Calls per second through in-process fakes of the exchange: the same work in each row, in one run, in turns.
//
// One call is one signed beat: sign, POST, read the JSON answer, check its code. The peers answer a constant. The
// simulator verifies the signature, counts the call against the limits, restarts the countdown and writes its journal.
//
//   pnpm bench:simulator            all rows (installs the peers into bench/peers on first use)
//   pnpm bench:simulator --no-peers only the rows that need no installation
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import { createHmac } from "node:crypto"
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Simulator from "../dist/world/Simulator.js"
import { median, printTable, range } from "./table.mjs"

const origin = "http://bitget.test"
const path = "/api/v3/trade/countdown-cancel-all"
const body = `{"countdown":"10"}`
const answer = { code: "00000", msg: "success", requestTime: 1728625799912, data: "success" }

/** A clock that advances by a second per call, because the exchange accepts one countdown per second. */
let now = 1_700_000_000_000
const clock = {
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => now,
  unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
  currentTimeMillis: Effect.sync(() => now),
  currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
  scheduler: Effect.runSync(Effect.clock).scheduler,
  sleep: (duration) => Effect.async(() => Effect.sync(() => Duration.toMillis(duration)))
}

const signed = () => {
  now += 1_000
  const timestamp = String(now)
  return {
    "access-key": "test-key-1000001",
    "access-sign": createHmac("sha256", "test-secret-1000001")
      .update(`${timestamp}POST${path}${body}`)
      .digest("base64"),
    "access-timestamp": timestamp,
    "access-passphrase": "test-passphrase-1000001",
    "content-type": "application/json",
    locale: "en-US"
  }
}

const check = (json) => {
  if (json.code !== "00000") throw new Error(`unexpected answer ${JSON.stringify(json)}`)
}

/** `count` calls through an Effect client, in one fiber, without spans. */
const effectRow = (name, client) => ({
  name,
  run: (count) =>
    Effect.runPromise(
      Effect.gen(function* () {
        for (let n = 0; n < count; n++) {
          const request = HttpClientRequest.post(`${origin}${path}`, { headers: signed() }).pipe(
            HttpClientRequest.bodyText(body, "application/json")
          )
          const response = yield* client.execute(request)
          check(yield* response.json)
        }
      }).pipe(Effect.withTracerEnabled(false), Effect.withClock(clock))
    )
})

const promiseRow = (name, call) => ({
  name,
  run: async (count) => {
    for (let n = 0; n < count; n++) check(await call(signed()))
  }
})

const scope = Effect.runSync(Scope.make())
const simulated = await Effect.runPromise(
  Simulator.make().pipe(Effect.provideService(Scope.Scope, scope), Effect.withClock(clock))
)

const rows = [
  effectRow("this simulator: signature, limits, countdown, journal", Context.get(simulated, HttpClient.HttpClient)),
  effectRow(
    "a constant as a web Response in an Effect HttpClient",
    HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, Response.json(answer))))
  )
]

const peers = join(import.meta.dirname, "peers")
const peer = async (name) => {
  const entry = createRequire(join(peers, "package.json")).resolve(name)
  return import(pathToFileURL(entry).href)
}

if (!process.argv.includes("--no-peers")) {
  if (!existsSync(join(peers, "node_modules"))) {
    const install = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    const done = spawnSync("npm", install, { cwd: peers, stdio: ["ignore", "ignore", "inherit"] })
    if (done.status !== 0) throw new Error("the peers could not be installed; to measure without them use --no-peers")
  }
  const undici = await peer("undici")
  const agent = new undici.MockAgent()
  agent.disableNetConnect()
  agent.get(origin).intercept({ path, method: "POST" }).reply(200, answer).persist()
  rows.push(
    promiseRow("undici MockAgent 7.30.2, undici.request", async (headers) => {
      const response = await undici.request(`${origin}${path}`, { method: "POST", headers, body, dispatcher: agent })
      return response.body.json()
    }),
    promiseRow("undici MockAgent 7.30.2, undici.fetch", async (headers) => {
      const response = await undici.fetch(`${origin}${path}`, { method: "POST", headers, body, dispatcher: agent })
      return response.json()
    })
  )

  // MSW and nock both replace the global fetch, so each is active only while its row runs.
  const fetchRow = (name, start, stop) => {
    const row = promiseRow(name, async (headers) => {
      const response = await fetch(`${origin}${path}`, { method: "POST", headers, body })
      return response.json()
    })
    return {
      name,
      run: async (count) => {
        start()
        try {
          await row.run(count)
        } finally {
          stop()
        }
      }
    }
  }
  const { http, HttpResponse } = await peer("msw")
  const { setupServer } = await peer("msw/node")
  const server = setupServer(http.post(`${origin}${path}`, () => HttpResponse.json(answer)))
  rows.push(
    fetchRow(
      "MSW 2.15.0, global fetch",
      () => server.listen({ onUnhandledRequest: "error" }),
      () => server.close()
    )
  )
  const { default: nock } = await peer("nock")
  // Its import alone replaces the global fetch.
  nock.restore()
  rows.push(
    fetchRow(
      "nock 14.0.17, global fetch",
      () => {
        if (!nock.isActive()) nock.activate()
        nock(origin).persist().post(path).reply(200, answer)
      },
      () => {
        nock.cleanAll()
        nock.restore()
      }
    )
  )
}

const rounds = 5
const target = 600
for (const row of rows) {
  row.rates = []
  row.costs = []
  let count = 20
  // Warms up, and finds the number of calls of a round.
  for (;;) {
    const started = performance.now()
    await row.run(count)
    const took = performance.now() - started
    if (took > target / 3) {
      row.count = Math.max(20, Math.round((count * target) / took))
      break
    }
    count *= 3
  }
}
for (let round = 0; round < rounds; round++) {
  for (const row of rows) {
    const started = performance.now()
    const before = process.cpuUsage()
    await row.run(row.count)
    const { system, user } = process.cpuUsage(before)
    row.rates.push((row.count * 1000) / (performance.now() - started))
    row.costs.push((user + system) / row.count)
  }
}

printTable(
  `Calls per second, one after the other; ${rounds} rounds in turns, Node ${process.versions.node}`,
  ["way", "median", "range", "CPU µs per call"],
  rows.map((row) => [row.name, median(row.rates), range(row.rates), median(row.costs)])
)
await Effect.runPromise(Scope.close(scope, Exit.void))
process.exit(0)
