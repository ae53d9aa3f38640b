// What the exchange machine costs with many armed accounts: nanoseconds for a beat, and for one of many firings.
//
//   pnpm bench:simulator:machine
import * as Exchange from "../dist/exchange/Exchange.js"
import { median, printTable, range } from "./table.mjs"

const sizes = [1, 1_000, 100_000]
const beats = 200_000
const rounds = 5
const start = 1_700_000_000_000

const uid = (n) => String(1_000_000 + n)
/** Whose turn it is: every account once in each round, but not in the order in which they stand in memory. */
const turn = (n, size) => uid((n * 48_271) % size)

/** Processor time since the program began, in ns: it changes less than wall time while other programs run. */
const spent = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) * 1e3
}

/** All accounts armed, their beats spread over 3 s. */
const armed = (size) => {
  let state = Exchange.make({
    accounts: Array.from({ length: size }, (_, n) => ({ uid: uid(n), keys: [] })),
    now: start
  })
  for (let n = 0; n < size; n++) {
    const at = start + Math.floor((n * 3_000) / size)
    state = Exchange.step(state, { _tag: "SetCountdown", account: turn(n, size), seconds: 10 }, at)[0]
  }
  return state
}

/** Each account every 3 s, as real bots do. */
const beat = (state, size) => {
  let now = state.now
  const started = spent()
  for (let n = 0; n < beats; n++) {
    const event = { _tag: "SetCountdown", account: turn(n, size), seconds: 10 }
    now = start + 3_000 + Math.floor((n * 3_000) / size)
    state = Exchange.step(state, event, now)[0]
  }
  return (spent() - started) / beats
}

/** Everyone stops: all fire. */
const fire = (state, size) => {
  const times = Math.ceil(10_000 / size)
  const started = spent()
  // The state that is given stays as it is, so it can fire again.
  for (let n = 0; n < times; n++) Exchange.advance(state, state.now + 60_000)
  return (spent() - started) / (times * size)
}

/** What any structure has to do at least: find the account, and keep a new value for it. Nothing is sorted. */
const inMap = (size) => {
  const accounts = new Map()
  for (let n = 0; n < size; n++) accounts.set(uid(n), { at: start + n, rank: n })
  const started = spent()
  for (let n = 0; n < beats; n++) {
    const account = turn(n, size)
    accounts.set(account, { at: start + 13_000 + n, rank: accounts.get(account).rank })
  }
  return (spent() - started) / beats
}

const rows = []
for (const size of sizes) {
  const state = armed(size)
  beat(state, size)
  const costs = { beat: [], fire: [], map: [] }
  for (let round = 0; round < rounds; round++) {
    costs.beat.push(beat(state, size))
    costs.fire.push(fire(state, size))
    costs.map.push(inMap(size))
  }
  for (const [what, name] of [
    ["beat", "a beat"],
    ["fire", "a firing, all at once"],
    ["map", "for comparison: a new value in a mutable Map, nothing sorted"]
  ]) {
    rows.push([size.toLocaleString("en-US"), name, median(costs[what]), range(costs[what])])
  }
}
printTable(
  `Nanoseconds of processor time each; ${rounds} rounds of ${beats.toLocaleString("en-US")} beats, Node ${process.versions.node}`,
  ["armed accounts", "what", "median", "range"],
  rows
)
