/** The templates as processes over loopback, to their end. */
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../core/test/support/patience.js"
import { own, placings } from "./support/journal.js"
import * as Template from "./support/template.js"

const { exchange, uid } = Template

const transitions = (account: string) =>
  Effect.map(own(account, "Switch"), (entries) => entries.map((entry) => entry.transition))

const armed = (account: string) =>
  until(
    "armed",
    Effect.map(transitions(account), (all) => all.length > 0)
  )

describe.concurrent("quickstart", () => {
  it.live("is protected while it runs, and turns the switch off when it is stopped", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("quickstart.js")
      yield* until(
        "it trades",
        Effect.sync(() => template.text().includes("trading, protected"))
      )
      assert.strictEqual((yield* Simulator.countdown(uid))._tag, "Armed")
      yield* template.kill("SIGINT")
      assert.strictEqual(yield* template.ended, "exit code 0")
      assert.strictEqual((yield* Simulator.countdown(uid))._tag, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )
})

describe.concurrent("market-maker", () => {
  it.live("when stopped with a quote in flight, it leaves no quote open without a switch, and logs its steps", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("market-maker/main.js")
      yield* until(
        "a quote in flight",
        Effect.map(placings(uid), (sent) => sent.length > 0)
      )
      yield* template.kill("SIGTERM")
      assert.strictEqual(yield* template.ended, "exit code 0", template.text())
      yield* until(
        "no quote in flight",
        Effect.map(placings(uid), (sent) => sent.every(({ appliedAt }) => appliedAt !== undefined))
      )
      assert.isTrue(
        (yield* Simulator.openOrders(uid)).length === 0 || (yield* Simulator.countdown(uid))._tag === "Armed",
        template.text()
      )
      assert.match(template.text(), /reconciled[^]*armed[^]*cancelling the quotes/)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Server.layer({ accounts: [{ uid }], faults: ["delay-request;by=300ms;endpoint=place-order;times=1"] })
      )
    )
  )
})

describe.concurrent("graceful-shutdown", () => {
  const cases = [
    { ending: "done", exit: "exit code 0", says: /Disarm/, last: "closed", seconds: undefined },
    { ending: "SIGTERM", exit: "exit code 0", says: /Disarm/, last: "closed", seconds: undefined },
    { ending: "failure", exit: "exit code 1", says: /CancellingSoon/, last: "refreshed", seconds: 5 },
    { ending: "defect", exit: "exit code 1", says: /CancellingSoon/, last: "refreshed", seconds: 5 }
  ] as const
  for (const { ending, exit, last, says, seconds } of cases) {
    it.live(`${ending}: ${says.source}`, () =>
      Effect.gen(function* () {
        const template = yield* Template.start("graceful-shutdown.js", {
          env: ending === "SIGTERM" ? {} : { ENDING: ending }
        })
        yield* armed(uid)
        if (ending === "SIGTERM") {
          yield* until(
            "it says that it is armed",
            Effect.sync(() => template.text().includes("armed"))
          )
          yield* template.kill("SIGTERM")
        }
        assert.strictEqual(yield* template.ended, exit, template.text())
        assert.match(template.text(), says)
        const writes = yield* own(uid, "Switch")
        assert.strictEqual(writes.at(-1)?.transition, last)
        const state = yield* Simulator.countdown(uid)
        assert.strictEqual(state._tag === "Armed" ? state.seconds : undefined, seconds)
      }).pipe(Effect.scoped, Effect.provide(exchange))
    )
  }
})

describe.concurrent("watchdog", () => {
  it.live(
    "when market data stops, beats are withheld, the exchange cancels, and the process names the reason of its end",
    () =>
      Effect.gen(function* () {
        const template = yield* Template.start("watchdog.js", { env: { FEED_SECONDS: "2" } })
        assert.strictEqual(yield* template.ended, "exit code 1")
        assert.match(template.text(), /was not alive/)
        assert.match(template.text(), /market data \(last kick \d+ ms ago, 1000 ms allowed\)/)
        yield* until(
          "its order is cancelled",
          Effect.map(own(uid, "Cancelled"), (cancels) => cancels.length === 1)
        )
        assert.strictEqual((yield* own(uid, "Cancelled"))[0]?.cause, "countdown")
        // The release sets it once more, to cancel an order that was in flight at the firing.
        yield* until(
          "the switch has fired last",
          Effect.map(transitions(uid), (seen) => seen.at(-1) === "fired")
        )
        assert.notInclude(yield* transitions(uid), "closed")
      }).pipe(
        Effect.scoped,
        // Delays beats, but not a "0": one sent after the loss would save the order and fail this test.
        Effect.provide(Server.layer({ accounts: [{ uid }], faults: ["delay-request;by=500ms;countdown=on"] }))
      )
  )

  it.live("when stopped after an order without a clear answer, it leaves the switch armed to cancel it", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("watchdog.js", { env: { FEED_SECONDS: "60" } })
      yield* until(
        "its order in the book",
        Effect.map(placings(uid), (sent) => sent[0]?.appliedAt !== undefined)
      )
      yield* template.kill("SIGTERM")
      yield* template.ended
      yield* until(
        "the book is empty",
        Effect.map(Simulator.openOrders(uid), (open) => open.length === 0)
      )
      assert.strictEqual((yield* own(uid, "Cancelled"))[0]?.cause, "countdown")
      assert.notInclude(yield* transitions(uid), "closed")
    }).pipe(
      Effect.scoped,
      Effect.provide(Server.layer({ accounts: [{ uid }], faults: ["drop-answer;endpoint=place-order;times=1"] }))
    )
  )
})

describe.concurrent("many-accounts", () => {
  it.live(
    "without any account that can be armed, it ends with exit code 1 and names the missing variables of each",
    () =>
      Effect.gen(function* () {
        const template = yield* Template.start("many-accounts.js", { env: { ACCOUNTS: "NOKEYS" } })
        assert.strictEqual(yield* template.ended, "exit code 1", template.text())
        assert.match(template.text(), /NOKEYS is left out: .*NOKEYS\.API_KEY/)
      }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("one refused account does not disturb the others, and the end turns all switches off", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("many-accounts.js", {
        env: {
          ACCOUNTS: "MAIN,CLOSED,HEDGE",
          ...Template.credentials("1000001", "MAIN"),
          ...Template.credentials("1000002", "HEDGE"),
          ...Template.credentials("1000003", "CLOSED")
        }
      })
      // Each has one arming and one beat.
      for (const account of ["1000001", "1000002"]) {
        yield* until(
          `a beat of ${account}`,
          Effect.map(transitions(account), (all) => all.includes("refreshed"))
        )
      }
      assert.match(template.text(), /CLOSED is left out: .*40301/)
      assert.deepStrictEqual(yield* transitions("1000003"), [])
      yield* template.kill("SIGTERM")
      assert.strictEqual(yield* template.ended, "exit code 0")
      for (const account of ["1000001", "1000002"]) {
        assert.deepStrictEqual((yield* transitions(account)).slice(-1), ["closed"])
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Server.layer({
          accounts: [{ uid: "1000001" }, { uid: "1000002" }, { uid: "1000003", countdownAccess: false }]
        })
      )
    )
  )
})
