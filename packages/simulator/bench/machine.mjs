// What the exchange machine costs with many armed accounts: nanoseconds for a beat, and for one of many firings.
//
//   pnpm bench:simulator:machine
import * as HashMap from "effect/HashMap"
import * as RedBlackTree from "effect/RedBlackTree"
import * as Exchange from "../dist/exchange/Exchange.js"
import { median, printTable, range } from "./table.mjs"

const sizes = [1, 1_000, 100_000]
const beats = 200_000
const rounds = 5
const start = 1_700_000_000_000

const uid = (n) => String(1_000_000 + n)
/** Whose turn it is: every account once in each round, but not in the order in which they stand in memory. */
const turn = (n, size) => uid((n * 48_271) % size)

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
  const started = performance.now()
  for (let n = 0; n < beats; n++) {
    const event = { _tag: "SetCountdown", account: turn(n, size), seconds: 10 }
    now = start + 3_000 + Math.floor((n * 3_000) / size)
    state = Exchange.step(state, event, now)[0]
  }
  return ((performance.now() - started) * 1e6) / beats
}

/** Everyone stops: all fire. */
const fire = (state, size) => {
  const times = Math.ceil(10_000 / size)
  const started = performance.now()
  // The state that is given stays as it is, so it can fire again.
  for (let n = 0; n < times; n++) Exchange.advance(state, state.now + 60_000)
  return ((performance.now() - started) * 1e6) / (times * size)
}

/** The same deadlines in Effect's persistent tree, where each beat removes the old one and inserts the new one. */
const order = (a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0)
const inTree = (size) => {
  let tree = RedBlackTree.empty(order)
  let accounts = HashMap.empty()
  for (let n = 0; n < size; n++) {
    const entry = { at: start + Math.floor((n * 3_000) / size) + 10_000, rank: n }
    tree = RedBlackTree.insert(tree, entry, turn(n, size))
    accounts = HashMap.set(accounts, turn(n, size), entry)
  }
  const started = performance.now()
  for (let n = 0; n < beats; n++) {
    const account = turn(n, size)
    const old = HashMap.unsafeGet(accounts, account)
    const entry = { at: start + 13_000 + Math.floor((n * 3_000) / size), rank: old.rank }
    tree = RedBlackTree.insert(RedBlackTree.removeFirst(tree, old), entry, account)
    accounts = HashMap.set(accounts, account, entry)
  }
  return ((performance.now() - started) * 1e6) / beats
}

/** What any structure has to do at least: find the account, and keep a new value for it. Nothing is sorted. */
const inMap = (size) => {
  const accounts = new Map()
  for (let n = 0; n < size; n++) accounts.set(uid(n), { at: start + n, rank: n })
  const started = performance.now()
  for (let n = 0; n < beats; n++) {
    const account = turn(n, size)
    accounts.set(account, { at: start + 13_000 + n, rank: accounts.get(account).rank })
  }
  return ((performance.now() - started) * 1e6) / beats
}

const rows = []
for (const size of sizes) {
  const state = armed(size)
  beat(state, size)
  const costs = { beat: [], fire: [], tree: [], map: [] }
  for (let round = 0; round < rounds; round++) {
    costs.beat.push(beat(state, size))
    costs.fire.push(fire(state, size))
    costs.tree.push(inTree(size))
    costs.map.push(inMap(size))
  }
  for (const [what, name] of [
    ["beat", "a beat"],
    ["fire", "a firing, all at once"],
    ["tree", "for comparison: a beat's deadline alone, in Effect's RedBlackTree"],
    ["map", "for comparison: a new value in a mutable Map, nothing sorted"]
  ]) {
    rows.push([size.toLocaleString("en-US"), name, median(costs[what]), range(costs[what])])
  }
}
printTable(
  `Nanoseconds each; ${rounds} rounds of ${beats.toLocaleString("en-US")} beats, Node ${process.versions.node}`,
  ["armed accounts", "what", "median", "range"],
  rows
)
