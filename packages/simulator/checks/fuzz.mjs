// Fuzzes the served exchange from outside, as a process of its own: HTTP over node's client and over raw sockets, the
// private WebSocket, and the control API. Sequences of almost valid requests come from a grammar (fuzz/grammar.mjs).
//
// Fails when the process ends, when a request that nothing keeps back is not answered, when one turn of its event loop
// takes too long, when an answer is no envelope or no error of the control API, when an output shows a stack trace or a
// secret, when the journal cannot be read or replays to something else, and when memory or sockets are left behind.
//
//   node packages/simulator/checks/fuzz.mjs                          one minute, a new seed
//   node packages/simulator/checks/fuzz.mjs --minutes 5 --seed 42
//   node packages/simulator/checks/fuzz.mjs --seed 42 --path 17:3    one sequence again
import * as fc from "fast-check"
import * as assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { Session } from "./fuzz/act.mjs"
import { accounts } from "./fuzz/bot.mjs"
import { sequence } from "./fuzz/grammar.mjs"
import * as Judge from "./fuzz/judge.mjs"

const { values: given } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" }, path: { type: "string" } }
})
const first = given.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given.seed)
let seed = first
const minutes = Number(given.minutes)

/** The longest turn of the event loop, in ms of the processor. */
const longestTurn = 250
/** The longest answer to the canary, ms. A machine that is busy delays it, too. */
const longestCanary = 10_000
/** How much the memory may grow between the first and the last quarter of the run, in bytes. */
const growth = 4_000_000

const bin = Path.join(import.meta.dirname, "..", "bin.mjs")
const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "simulator-fuzz-"))
/** Assumptions about the exchange, of which the seed chooses one. */
const venue = [
  [],
  ["--venue", "cancelPace=2", "--venue", "placingLatency=4", "--venue", "maintenanceTimer=pauses"],
  [
    "--venue",
    "boundary=beat",
    "--venue",
    "sweepPeriod=250",
    "--venue",
    "failureStatus=400",
    "--venue",
    "listStaleness=5"
  ]
][first % 3]

let starts = 0
const start = async () => {
  const journal = Path.join(folder, `${++starts}.ndjson`)
  const args = [
    "--expose-gc",
    "--import",
    Path.join(import.meta.dirname, "fuzz", "probe.mjs"),
    bin,
    "serve",
    "--port",
    "0"
  ]
  args.push("--seed", String(seed), "--journal", journal, "--log", "json", ...venue)
  for (const account of accounts) args.push("--account", account)
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] })
  const server = {
    child,
    journal,
    agent: new Http.Agent({ keepAlive: true }),
    complaints: "",
    ended: undefined,
    canary: []
  }
  child.on("exit", (code, signal) => (server.ended = `the exchange ended with ${code ?? signal}`))
  child.stderr.on("data", (chunk) => (server.complaints += chunk))
  server.port = await new Promise((resolve, reject) => {
    let text = ""
    child.on("exit", () => reject(new Error(`the exchange does not start: ${server.complaints}`)))
    child.stdout.on("data", (chunk) => {
      if (server.port !== undefined) return
      text += chunk
      const url = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(text)
      if (url !== null) resolve(Number(url[1]))
    })
  })
  server.ask = (what) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the exchange hangs: no answer within ${longestCanary} ms`)),
        longestCanary
      )
      child.once("message", (message) => {
        clearTimeout(timer)
        resolve(message)
      })
      if (child.connected) child.send(what)
      else reject(new Error(server.ended))
    })
  watch(server)
  return server
}

/** A healthy request beside the fuzz, again and again. */
const watch = (server) => {
  const agent = new Http.Agent({ keepAlive: true, maxSockets: 1 })
  const next = () => {
    if (server.ended !== undefined || server.stopped) return agent.destroy()
    const sent = performance.now()
    const request = Http.get({ agent, port: server.port, host: "127.0.0.1", path: "/health" }, (response) => {
      response.resume()
      response.on("end", () => {
        server.canary.push(performance.now() - sent)
        setTimeout(next, 50)
      })
    })
    request.setTimeout(longestCanary, () => {
      server.hangs = `the exchange hangs: a healthy request has no answer after ${longestCanary} ms`
      request.destroy()
    })
    request.on("error", () => {})
  }
  next()
}

const stop = async (server) => {
  server.stopped = true
  server.agent.destroy()
  if (server.child.exitCode !== null || server.child.signalCode !== null) return
  const ended = new Promise((resolve) => server.child.once("exit", resolve))
  let stuck = false
  const timer = setTimeout(() => {
    stuck = true
    server.child.kill("SIGKILL")
  }, longestCanary)
  server.child.kill("SIGTERM")
  await ended
  clearTimeout(timer)
  assert.ok(!stuck, `the exchange still runs ${longestCanary} ms after SIGTERM`)
}

let server
let sequences = 0
let requests = 0
let longest = 0
const samples = []
let sampledAt = 0

/** All connections but that of the canary are gone once their clients have closed them. */
const closed = async () => {
  server.agent.destroy()
  let open
  for (let tries = 0; tries < 200; tries++) {
    open = await server.ask("connections")
    if (open <= 1) return
    await new Promise((resolve) => setTimeout(resolve, tries))
  }
  assert.fail(`${open - 1} connections stay open, which their clients have closed`)
}

const begun = performance.now()
/** When the first failure was found. Then smaller sequences are tried for a while. */
let failedAt = Infinity
const search = 30_000

const run = async (commands) => {
  const now = performance.now()
  if (now - failedAt > search) return
  // The time is over: the rest of a batch is not sent, unless a failure was found or is replayed.
  if (sequences > 0 && failedAt === Infinity && given.path === undefined && now - begun > minutes * 60_000) return
  server ??= await start()
  const session = new Session(server)
  try {
    await session.begin()
    await server.ask("turn")
    for (const command of commands) {
      await session.act(command)
      requests++
    }
    await session.settle()
    await session.replay()
    await closed()
    const turn = await server.ask("turn")
    longest = Math.max(longest, turn)
    assert.ok(turn <= longestTurn, `one turn of the exchange's event loop takes ${Math.round(turn)} ms`)
    assert.equal(server.hangs, undefined)
    assert.equal(server.complaints, "", "the exchange writes to stderr")
    sequences++
    if (performance.now() - sampledAt > 1_000) {
      await session.begin()
      samples.push(await server.ask("memory"))
      sampledAt = performance.now()
    }
  } catch (error) {
    failedAt = Math.min(failedAt, performance.now())
    for (const { socket } of session.streams) socket.destroy()
    // The next sequence, which may be a smaller one of the same, begins with a new exchange.
    const broken = server
    // An exchange that has crashed takes a moment to end.
    await Promise.race([once(broken.child, "exit"), new Promise((resolve) => setTimeout(resolve, 500))])
    const why = broken.ended ?? broken.hangs
    await stop(broken).catch(() => {})
    server = undefined
    const { complaints } = broken
    throw why === undefined ? error : new Error(`${why}\n${complaints.slice(0, 2_000)}`, { cause: error })
  }
}

const command = (seed, rest) => `node packages/simulator/checks/fuzz.mjs --seed ${seed}${rest}`
const fail = (problem, replay) => {
  console.error(`seed ${seed}: ${problem}\nreplay: ${replay}`)
  process.exitCode = 1
}

console.log(`fuzz: seed ${first}, ${minutes} minutes`)
let result
for (let batch = 0; batch === 0 || (!result.failed && performance.now() - begun < minutes * 60_000); batch++) {
  // A failure is replayed with the seed of its batch.
  seed = first + batch
  const runs = given.path === undefined ? { numRuns: 40 } : { path: given.path, numRuns: 1 }
  result = await fc.check(fc.asyncProperty(sequence, run), { seed, ...runs })
  if (given.path !== undefined) break
}
const seconds = (performance.now() - begun) / 1_000
const rate = `${sequences} sequences, ${requests} requests, ${seconds.toFixed(0)} s`
if (result.failed && result.counterexample !== null) {
  for (const one of result.counterexample[0]) console.error(`  ${JSON.stringify(one).slice(0, 1_000)}`)
  const { errorInstance: error } = result
  const message =
    error instanceof Error
      ? error.cause === undefined
        ? error.message
        : `${error.message}${error.cause.message}`
      : String(error)
  const found = ((failedAt - begun) / 1_000).toFixed(0)
  fail(
    `${message}\n  found after ${found} s; in all ${rate}, ${result.numShrinks} times smaller`,
    command(seed, ` --path ${result.counterexamplePath}`)
  )
} else {
  try {
    assert.ok(sequences > 0, "no sequence has run")
    const quarter = Math.floor(samples.length / 4)
    if (quarter > 1 && server !== undefined) {
      // The first quarter warms up.
      const before = Math.max(...samples.slice(quarter, 2 * quarter))
      const after = Math.min(...samples.slice(-quarter))
      console.log(`  memory ${(before / 1e6).toFixed(1)} MB, at the end ${(after / 1e6).toFixed(1)} MB`)
      assert.ok(after - before < growth, `memory grows: from ${before} to ${after} bytes`)
    }
    const canary = server.canary.sort((a, b) => a - b)
    const at = (share) => Math.round(canary[Math.floor(share * (canary.length - 1))] ?? 0)
    console.log(
      `  longest turn ${Math.round(longest)} ms; canary p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`
    )
    await stop(server)
    const replayed = spawnSync(
      process.execPath,
      [bin, "replay", server.journal, "--html", Path.join(folder, "page.html")],
      { encoding: "utf8", timeout: 300_000 }
    )
    assert.equal(replayed.status, 0, `the journal's file: ${replayed.stdout.slice(-500)}${replayed.stderr.slice(-500)}`)
    Judge.clean(server.complaints, "stderr")
    console.log(`  ${rate}: no crash, no hang, every answer in form, the journal replays`)
  } catch (error) {
    fail(`${error.message}\n  after ${rate}`, command(first, ` --minutes ${minutes}`))
  }
}
if (server !== undefined) await stop(server).catch(() => {})
Fs.rmSync(folder, { recursive: true, force: true })
