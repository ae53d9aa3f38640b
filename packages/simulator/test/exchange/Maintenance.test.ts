/**
 * Release windows, in which countdowns run on, pause, or fire at the end. Compared with a model that lives from tick to
 * tick: it has the ticks that are left, and asks at each tick whether a window is open.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { limit } from "../support/Orders.js"

/** A tick is 500 ms. Instants of the model are ticks after the start. */
const tick = 500
const start = 1_700_000_000_000
const instant = (ticks: number) => start + ticks * tick

type Timer = Venue.Venue["maintenanceTimer"]

type Action =
  | { readonly what: "beat"; readonly seconds: number }
  | { readonly what: "declare"; readonly after: number; readonly length: number }

const span = FastCheck.record({ after: FastCheck.integer({ min: -6, max: 20 }), length: FastCheck.nat(30) })
const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  {
    weight: 3,
    arbitrary: FastCheck.record({
      what: FastCheck.constant("beat" as const),
      seconds: FastCheck.constantFrom(0, 5, 5, 6, 10)
    })
  },
  { weight: 2, arbitrary: span.map((span) => ({ what: "declare" as const, ...span })) }
)
const wait = FastCheck.oneof(FastCheck.constantFrom(0, 1, 10, 12, 20), FastCheck.nat(14))
const script = FastCheck.array(FastCheck.record({ wait, action }), { minLength: 1, maxLength: 25, size: "max" })
const timer = FastCheck.constantFrom<Array<Timer>>("runs", "pauses", "fires-at-end")
const boundary = FastCheck.constantFrom("fire" as const, "beat" as const)
/** Windows that are scheduled from the start. */
const scheduled = FastCheck.array(
  span.map(({ after, length }) => ({ from: after, to: after + length + 1 })),
  { maxLength: 3 }
)

interface Window {
  readonly from: number
  readonly to: number
}

/** The countdown as the exchange shows it: the deadline and the firing that it expects, without windows to come. */
type Shown = readonly [deadline: number, firesAt: number] | undefined

class Model {
  now = 0
  windows: Array<Window>
  wasOpen: number | undefined
  left: number | undefined
  /** The tick at which nothing was left. */
  over: number | undefined
  readonly told: Array<string> = []

  readonly timer: Timer

  constructor(timer: Timer, windows: ReadonlyArray<Window>) {
    this.timer = timer
    this.windows = windows.map(({ from, to }) => ({ from: Math.max(0, from), to }))
    this.look()
  }

  isOpen(at = this.now): boolean {
    return this.windows.some(({ from, to }) => from <= at && at < to)
  }

  /** Windows that touch are one. */
  end(): number {
    let end = this.now
    while (this.isOpen(end)) end++
    return end
  }

  pass(): void {
    if (this.left !== undefined && !(this.timer === "pauses" && this.isOpen())) this.left--
    this.now++
    if (this.left === 0) this.over = this.now
    this.look()
  }

  /** The work of one tick: first the edge of a window, then the firing. */
  look(): void {
    if (this.isOpen() && this.wasOpen === undefined) {
      this.wasOpen = this.now
      this.told.push(`${this.now} begun ${this.now} ${this.end()}`)
    }
    if (!this.isOpen() && this.wasOpen !== undefined) {
      this.told.push(`${this.now} ended ${this.wasOpen} ${this.now}`)
      this.wasOpen = undefined
    }
    if (this.left === undefined || this.left > 0 || (this.timer !== "runs" && this.isOpen())) return
    // A paused countdown ends when its window does, although nothing is left of it.
    this.told.push(`${this.now} fired ${this.timer === "pauses" ? this.now : this.over}`)
    this.left = undefined
  }

  do(action: Action): void {
    if (action.what === "declare") {
      const from = Math.max(this.now, this.now + action.after)
      const to = this.now + action.after + action.length
      this.told.push(`${this.now} scheduled ${from} ${to}`)
      this.windows.push({ from, to })
      this.look()
    } else if (action.seconds > 0) {
      const deadline = this.alone(action.seconds)[0]
      this.told.push(`${this.now} ${this.left === undefined ? "armed" : "refreshed"} ${deadline}`)
      this.left = (action.seconds * 1_000) / tick
    } else {
      if (this.left !== undefined) this.told.push(`${this.now} closed -`)
      this.left = undefined
    }
  }

  /** What the switch would do if no further window began, as it is or after a beat. */
  alone(seconds?: number): readonly [deadline: number, firesAt: number] {
    const future = new Model(this.timer, [])
    future.windows = [{ from: 0, to: this.end() }]
    future.now = this.now
    future.wasOpen = this.wasOpen
    future.left = seconds === undefined ? this.left : (seconds * 1_000) / tick
    future.over = this.over
    while (future.left !== undefined) future.pass()
    const [firesAt, , deadline] = future.told.at(-1)!.split(" ")
    return [Number(deadline), Number(firesAt)]
  }

  shown(): Shown {
    return this.left === undefined ? undefined : this.alone()
  }
}

const ticksOf = (at: number) => (at - start) / tick

const toldBy = (outputs: ReadonlyArray<Exchange.Output>): ReadonlyArray<string> =>
  outputs.map((output) => {
    const at = ticksOf(output.at)
    switch (output._tag) {
      case "Maintenance":
        // A window that was declared with the start has the beginning that it was given.
        return `${at} ${output.phase} ${Math.max(0, ticksOf(output.window.from))} ${ticksOf(output.window.to)}`
      case "Switch":
        return `${at} ${output.transition} ${output.deadline === undefined ? "-" : ticksOf(output.deadline)}`
      default:
        return `${at} ${output._tag}`
    }
  })

const eventOf = (action: Action, now: number): Exchange.Event =>
  action.what === "beat"
    ? { _tag: "SetCountdown", account: "1", seconds: action.seconds }
    : {
        _tag: "Maintenance",
        window: { from: instant(now + action.after), to: instant(now + action.after + action.length) }
      }

const begin = (timer: Timer, windows: ReadonlyArray<Window>, boundary?: "fire" | "beat") =>
  Exchange.make({
    accounts: [{ uid: "1" }],
    venue: {
      boundary: boundary ?? "fire",
      maintenanceTimer: timer,
      maintenance: windows.map(({ from, to }) => ({ from: instant(from), to: instant(to) }))
    },
    now: start
  })

const shown = (state: Exchange.State): Shown => {
  const armed = Exchange.countdown(state, "1")
  if (armed._tag !== "Armed") return undefined
  assert.strictEqual(armed.remaining, Math.max(0, armed.deadline - state.now))
  return [ticksOf(armed.deadline), ticksOf(armed.firesAt)]
}

describe("release windows", () => {
  it("(2) a countdown runs on, pauses or fires at the end of a window, as a model says that counts ticks", () => {
    const met = new Map<string, number>()
    FastCheck.assert(
      FastCheck.property(script, timer, scheduled, (script, timer, windows) => {
        let state = begin(timer, windows)
        const model = new Model(timer, windows)
        const outputs: Array<Exchange.Output> = []
        const doUntil = (now: number, event?: Exchange.Event) => {
          const [next, happened] =
            event === undefined ? Exchange.advance(state, instant(now)) : Exchange.step(state, event, instant(now))
          state = next
          outputs.push(...happened)
          assert.deepStrictEqual(toldBy(outputs), model.told)
          assert.deepStrictEqual(shown(state), model.shown())
          assert.strictEqual(Exchange.inMaintenance(state), model.isOpen())
        }
        for (const { action, wait } of script) {
          for (let n = 0; n < wait; n++) model.pass()
          doUntil(model.now)
          model.do(action)
          doUntil(model.now, eventOf(action, model.now))
        }
        for (let n = 0; n < 500; n++) model.pass()
        doUntil(model.now)
        for (const line of model.told) {
          const [at, what, deadline] = line.split(" ")
          if (what !== "fired") continue
          const key = `${timer} ${at === deadline ? "at its deadline" : "later"}`
          met.set(key, (met.get(key) ?? 0) + 1)
        }
      }),
      { numRuns: 300 }
    )
    for (const key of ["runs at its deadline", "pauses at its deadline", "fires-at-end later"]) {
      assert.isAbove(met.get(key) ?? 0, 20, key)
    }
  })

  it("an advance in steps from one due instant to the next equals one in a single jump", () => {
    FastCheck.assert(
      FastCheck.property(script, timer, scheduled, boundary, (script, timer, windows, boundary) => {
        let state = begin(timer, windows, boundary)
        let now = 0
        for (const { action, wait } of script) {
          now += wait
          state = Exchange.step(state, eventOf(action, now), instant(now))[0]
        }
        const end = instant(now + 500)
        const [jumped, once] = Exchange.advance(state, end)
        const outputs: Array<Exchange.Output> = []
        for (let next = Exchange.nextDue(state); next !== undefined && next <= end; next = Exchange.nextDue(state)) {
          // While the exchange holds its timers, no deadline is the next one.
          if (Exchange.inMaintenance(state) && timer !== "runs") assert.isUndefined(Exchange.nextDeadline(state))
          const [after, happened] = Exchange.advance(state, next)
          assert.isNotEmpty(happened, "nextDue names an instant at which something happens")
          outputs.push(...happened)
          state = after
        }
        assert.deepStrictEqual(outputs, once)
        assert.deepStrictEqual(Exchange.snapshot(Exchange.advance(state, end)[0]), Exchange.snapshot(jumped))
      }),
      { numRuns: 200 }
    )
  })

  it("(3) an order that enters the book at the end of a window is in it when the switch fires there", () => {
    for (const [timer, from] of [
      ["pauses", 10],
      ["fires-at-end", 9]
    ] as const) {
      const to = 18
      let state = Exchange.make({
        accounts: [{ uid: "1" }],
        venue: {
          maintenanceTimer: timer,
          maintenance: [{ from: instant(from), to: instant(to) }],
          placingLatency: 1_000
        },
        now: start
      })
      const step = (event: Exchange.Event, at: number) => (state = Exchange.step(state, event, instant(at))[0])
      step({ _tag: "SetCountdown", account: "1", seconds: 5 }, 0)
      step({ _tag: "PlaceOrder", account: "1", order: limit }, to - 2)
      step({ _tag: "Tick" }, to)
      assert.deepInclude(Exchange.countdown(state, "1"), { _tag: "Fired", at: instant(to), orders: 1 }, timer)
      assert.isEmpty(Exchange.openOrders(state, "1"), timer)
    }
  })

  it("while timers are held, a sweep neither fires a switch nor moves its firing away from the end of the window", () => {
    const window = { from: start + 4_300, to: start + 7_300 }
    const fired = (timer: Timer, at: number) => {
      const venue = { maintenanceTimer: timer, maintenance: [window], sweepPeriod: 1_000 }
      const armed = Exchange.step(
        Exchange.make({ accounts: [{ uid: "1" }], venue, now: start }),
        { _tag: "SetCountdown", account: "1", seconds: 5 },
        start + at
      )[0]
      const expected = Exchange.countdown(Exchange.advance(armed, window.from)[0], "1")
      const [end] = Exchange.advance(armed, start + 20_000)
      const now = Exchange.countdown(end, "1")
      assert(expected._tag === "Armed" && now._tag === "Fired")
      assert.strictEqual(expected.firesAt, now.at)
      return [now.deadline - start, now.at - start]
    }
    assert.deepStrictEqual(fired("runs", 0), [5_000, 5_000])
    assert.deepStrictEqual(fired("runs", 100), [5_100, 6_000])
    assert.deepStrictEqual(fired("fires-at-end", 100), [5_100, 7_300])
    assert.deepStrictEqual(fired("fires-at-end", 2_200), [7_200, 8_000])
    assert.deepStrictEqual(fired("pauses", 100), [8_100, 9_000])
  })

  it("a window that is declared at the very end of another continues it, and one that is over already changes nothing", () => {
    for (const boundary of ["fire", "beat"] as const) {
      for (const timer of ["runs", "pauses", "fires-at-end"] as const) {
        let state = begin(timer, [{ from: 0, to: 10 }], boundary)
        const declare = (from: number, to: number, at: number) =>
          (state = Exchange.step(
            state,
            { _tag: "Maintenance", window: { from: instant(from), to: instant(to) } },
            instant(at)
          )[0])
        state = Exchange.step(state, { _tag: "SetCountdown", account: "1", seconds: 6 }, instant(1))[0]
        declare(-5, 10, 10)
        declare(10, 10, 10)
        // Under the boundary "beat" it ends after the events of its last instant.
        assert.strictEqual(Exchange.inMaintenance(state), boundary === "beat")
        declare(10, 20, 10)
        declare(30, 32, 10)
        const [end] = Exchange.advance(state, instant(100))
        const at = { runs: 13, pauses: 34, "fires-at-end": 20 }[timer]
        assert.deepInclude(Exchange.countdown(end, "1"), { _tag: "Fired", at: instant(at) }, `${boundary} ${timer}`)
        assert.isFalse(Exchange.inMaintenance(end))
      }
    }
  })
})
