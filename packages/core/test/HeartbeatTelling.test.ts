/** The reports of a heartbeat: log lines, metrics, and the end of its doubts. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Port from "./support/port.js"
import { acknowledged, collecting, inWorld, lost, stamped, unsent } from "./support/port.js"
import * as World from "./support/world.js"

const times = (writes: ReadonlyArray<string>) => writes.map((write) => Number(write.split(" ")[0]))

/** The metrics of one account by name, and by the values of their other tags. */
const metricsOf = (account: string) =>
  new Map(
    Metric.unsafeSnapshot()
      .filter(({ metricKey }) => metricKey.tags.some(({ key, value }) => key === "account" && value === account))
      .map(({ metricKey, metricState }) => [
        [metricKey.name, ...metricKey.tags.filter(({ key }) => key !== "account").map(({ value }) => value)].join(" "),
        metricState as unknown as { readonly count?: number; readonly max?: number; readonly value?: number }
      ])
  )

describe("the log", () => {
  for (const [endpoint, line] of [
    ["https://exchange.example", "INFO armed: 20 s, account desk-7, https://exchange.example"],
    [undefined, "INFO armed: 20 s, account desk-7"]
  ] as const) {
    it(`says in one line that it is armed, with countdown, account and endpoint: ${endpoint ?? "no endpoint"}`, () => {
      const { lines, logger } = collecting()
      inWorld(
        Port.port((n) => (n === 0 ? lost : acknowledged), { account: "desk-7", endpoint }).service,
        Effect.gen(function* () {
          yield* World.open({ countdown: "20 seconds" })
          assert.deepStrictEqual(lines, [line])
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(lines, [line])
        }),
        logger
      )
    })
  }

  it("does not say so after an acquisition that failed", () => {
    const { lines, logger } = collecting()
    inWorld(Port.port(() => Port.refused).service, Effect.asVoid(Effect.flip(Effect.scoped(Heartbeat.make()))), logger)
    assert.deepStrictEqual(lines, [])
  })
})

describe("a manual beat that fails", () => {
  it("is tried again as soon as the pace allows, not at the next interval", () => {
    const { service, writes } = Port.port((n) => (n === 1 || n === 2 ? unsent : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ countdown: "60 seconds", release: () => "LetExpire" })
        yield* Effect.sleep("4950 millis")
        yield* Effect.flip(heartbeat.beat)
        assert.strictEqual((yield* heartbeat.status)._tag, "Jeopardy")
        yield* Effect.sleep("2500 millis")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
        yield* Effect.sleep("20 seconds")
      })
    )
    assert.deepStrictEqual(times(writes), [0, 5_000, 6_000, 7_000, 25_000])
  })
})

describe("metrics", () => {
  it("lateness counts from the plan, waiting for pace and liveness included", () => {
    const account = "lateness-test"
    const { service, writes } = Port.port(() => acknowledged, { account })
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({
          countdown: "20 seconds",
          interval: "3 seconds",
          release: () => "LetExpire",
          liveness: Effect.sleep("400 millis")
        })
        // Sent at 2.85 s and answered at 2.9 s, so the beat of 3 s waits for the pace until 3.9 s.
        yield* Effect.sleep("2400 millis")
        yield* heartbeat.beat
        yield* Effect.sleep("1900 millis")
      })
    )
    assert.deepStrictEqual(times(writes), [0, 2_850, 4_300])
    const { count, max } = metricsOf(account).get("deadman_beat_lateness_ms")!
    assert.deepStrictEqual([count, max], [1, 1_300])
  })

  it("the earliest-fire gauge is 0 once that has passed, after the release, and when nothing is armed any more", () => {
    const account = "gauge-test"
    const gauge = () => metricsOf(account).get("deadman_earliest_fire_seconds")?.value
    inWorld(
      Port.port((n, setting) => (n < 2 || setting !== "10" ? acknowledged : unsent), { account }).service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ release: () => "LetExpire" })
        assert.strictEqual(gauge(), 9.95)
        yield* Effect.sleep("3100 millis")
        assert.strictEqual(gauge(), 9.95)
        yield* Effect.sleep("3 seconds")
        assert.strictEqual(gauge(), 6.95, "a write that failed, too")
        yield* Effect.sleep("4 seconds")
        assert.isAbove(gauge()!, 0)
        yield* Effect.sleep("3 seconds")
        assert.strictEqual(gauge(), 0, "passed")
        yield* close
        assert.strictEqual(gauge(), 0)
      })
    )
    for (const release of ["Disarm", "LetExpire", "CancelSoon"] as const) {
      inWorld(
        Port.port(() => acknowledged, { account }).service,
        Effect.gen(function* () {
          const { close } = yield* World.open({ release: () => release })
          assert.strictEqual(gauge(), 9.95)
          yield* close
          assert.strictEqual(gauge(), 0, "released: nothing counts any more")
        })
      )
    }
    for (const abandon of ["Disarm", "LetExpire"] as const) {
      inWorld(
        Port.port((_, setting) => (setting === "off" ? acknowledged : lost), { account }).service,
        Effect.gen(function* () {
          yield* Effect.flip(Effect.scoped(Heartbeat.make({ abandon, armTimeout: "1500 millis" })))
          assert.strictEqual(gauge(), 0, "given up")
        })
      )
    }
  })
})

describe("one machine of the exchange whose clock is wrong", () => {
  for (const onUncertain of ["lose", "verify"] as const) {
    it(`60 s ahead in a single answer, does not end a live heartbeat: the next answer decides (${onUncertain})`, () => {
      const { service, writes } = Port.port((n) => stamped(n === 2 ? 60_000 : 0))
      inWorld(
        service,
        Effect.gen(function* () {
          const { heartbeat } = yield* World.open({ onUncertain, release: () => "LetExpire" })
          const seen = yield* World.collect(heartbeat)
          yield* Effect.sleep("20 seconds")
          assert.deepStrictEqual(seen.tags(), ["Armed", "MayHaveFired", "Armed"])
          yield* heartbeat.ensureArmed()
        })
      )
      assert.deepStrictEqual(times(writes).slice(0, 5), [0, 3_000, 6_000, 7_050, 10_050], "asked at once")
    })
  }
})

describe("markReconciled", () => {
  /** Beats that are answered at 3, 20 and 40 s, and lost in between; no stamps prove anything. */
  const astray = () =>
    Port.port(() =>
      Effect.clockWith((clock) => {
        const now = clock.unsafeCurrentTimeMillis()
        return now < 5_000 || (now > 20_000 && now < 22_000) || now > 40_000 ? acknowledged : lost
      })
    )

  const lastOf = (heartbeat: Heartbeat.Heartbeat) =>
    Effect.map(heartbeat.status, (status) => {
      assert(status._tag !== "Released" && status.lastAcknowledged !== undefined)
      return { id: status.lastAcknowledged.id, tag: status._tag }
    })

  it("is refused when the switch may have fired again since the acknowledgement that was compared", () => {
    inWorld(
      astray().service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ onUncertain: "verify", release: () => "LetExpire" })
        yield* Effect.sleep("22 seconds")
        const compared = yield* lastOf(heartbeat)
        assert.strictEqual(compared.tag, "MayHaveFired")
        yield* Effect.sleep("23 seconds")
        const error = yield* Effect.flip(heartbeat.markReconciled(compared))
        assert.strictEqual(error._tag, "ReconciliationOutdated")
        assert.match(error.message, /status\.lastAcknowledged/)
        assert.strictEqual((yield* lastOf(heartbeat)).tag, "MayHaveFired")
        yield* heartbeat.markReconciled(yield* lastOf(heartbeat))
        assert.strictEqual((yield* lastOf(heartbeat)).tag, "Armed")
      })
    )
  })

  it("is refused while the switch may be firing, because no acknowledgement proves that it runs", () => {
    inWorld(
      astray().service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ onUncertain: "verify", release: () => "LetExpire" })
        for (const seconds of [15, 18]) {
          yield* Effect.sleep(`${seconds} seconds`)
          const last = yield* lastOf(heartbeat)
          assert.strictEqual(last.tag, "MayHaveFired")
          assert.strictEqual((yield* Effect.flip(heartbeat.markReconciled(last)))._tag, "ReconciliationOutdated")
        }
      })
    )
  })

  it("is refused for an acknowledgement that this heartbeat never had", () => {
    inWorld(
      astray().service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ onUncertain: "verify", release: () => "LetExpire" })
        yield* Effect.sleep("22 seconds")
        const { id } = yield* lastOf(heartbeat)
        for (const wrong of [id + 1, 10_000, NaN]) {
          assert.isTrue(Exit.isFailure(yield* Effect.exit(heartbeat.markReconciled({ id: wrong }))))
        }
        assert.strictEqual((yield* lastOf(heartbeat)).tag, "MayHaveFired")
      })
    )
  })
})

describe("the order of provide and scoped", () => {
  it("the wrong order closes the client first, and the warning says so", () => {
    const { lines, logger } = collecting()
    let isOpen = true
    const client = Effect.acquireRelease(Effect.succeed(Port.port(() => (isOpen ? acknowledged : lost)).service), () =>
      Effect.sync(() => (isOpen = false))
    )
    inWorld(
      Port.port(() => acknowledged).service,
      Effect.gen(function* () {
        // The heartbeat belongs to the outer scope, the client to the inner one.
        const outer = yield* Scope.make()
        yield* Heartbeat.make().pipe(
          Effect.provideService(Scope.Scope, outer),
          Effect.provideServiceEffect(CountdownCancelAll.CountdownCancelAll, client),
          Effect.scoped
        )
        yield* Scope.close(outer, Exit.void)
      }),
      logger
    )
    assert.match(lines.at(-1)!, /unconfirmed.*Last failure: .*provide it outside of the heartbeat's scope/)
  })
})
