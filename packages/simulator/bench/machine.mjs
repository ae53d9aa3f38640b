// The cost of the exchange machine with many armed accounts, in ns: for a beat, and for one of many firings.
//
//   pnpm bench:simulator:machine
import * as Exchange from "../dist/exchange/Exchange.js"
import { median, printTable, range } from "./table.mjs"

const sizes = [1, 1_000, 100_000]
const beats = 200_000
const rounds = 5
const start = 1_700_000_000_000

const uid = (n) => String(1_000_000 + n)
/** The account of beat `n`: each once per round, in another order than in memory. */
const turn = (n, size) => uid((n * 48_271) % size)

/** CPU time since the program began, ns. Other programs disturb it less than wall time. */
const spent = () => {
  const { system, user } = process.cpuUsage()
  return (user + system) * 1e3
}

/** A state with all accounts armed and their beats spread over 3 s. */
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

/** Beats of each account every 3 s, like those of real bots. */
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

/** All bots stop, and all switches fire. */
const fire = (state, size) => {
  const times = Math.ceil(10_000 / size)
  const started = spent()
  // `advance` does not change the given state, so it can fire again.
  for (let n = 0; n < times; n++) Exchange.advance(state, state.now + 60_000)
  return (spent() - started) / (times * size)
}

/** The least work of any structure: finds the account and stores a new value for it. Nothing is sorted. */
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
  `CPU time of each, ns; ${rounds} rounds of ${beats.toLocaleString("en-US")} beats, Node ${process.versions.node}`,
  ["armed accounts", "what", "median", "range"],
  rows
)
