/**
 * The promises with real runners, a real PostgreSQL and a served exchange whose journal is the judge. Each scenario has
 * its own runners, database and exchange; two run at a time.
 */
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import type * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import { until } from "../../../core/test/support/patience.js"
import * as Proxy from "../../../core/test/support/proxy.js"
import { type Postgres, postgres } from "../../../examples/src/fleet/postgres.js"
import * as Stage from "../support/stage.js"
import { fired, last, owned, owns, says, since, writes } from "../support/stage.js"

const count = 12

describe.concurrent("runners", () => {
  const scope = Effect.runSync(Scope.make())
  let server: Postgres
  let databases = 0

  beforeAll(async () => {
    server = await Effect.runPromise(Scope.extend(postgres, scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  /** An empty database of its own. */
  const database = Effect.gen(function* () {
    const name = `scenario_${databases++}`
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(`CREATE DATABASE ${name}`)
    return Redacted.make(Redacted.value(server.url).replace(/\/postgres$/, `/${name}`))
  }).pipe((self) => Effect.suspend(() => Effect.provide(self, PostgresClient.layer({ url: server.url }))))

  type Needs = Scope.Scope | Simulator.Simulator
  /** So that the scenarios do not starve each other. */
  const turns = Effect.unsafeMakeSemaphore(2)
  const live = <E>(promise: string, body: Effect.Effect<void, E, Needs | Server.Server>) =>
    it.live(
      promise,
      () => body.pipe(Effect.scoped, Effect.provide(Stage.layer(count)), turns.withPermits(1)),
      1_800_000
    )

  /** In a database of the server that all share. */
  const scenario = <E>(
    promise: string,
    body: (stage: Stage.Stage, url: Redacted.Redacted) => Effect.Effect<void, E, Needs>
  ) =>
    live(
      promise,
      Effect.gen(function* () {
        const url = yield* database
        yield* body(yield* Stage.make({ url, accounts: Stage.accounts(count) }), url)
      })
    )

  /** With a server of its own, which can be taken away. */
  const outage = <E>(promise: string, body: (stage: Stage.Stage, server: Postgres) => Effect.Effect<void, E, Needs>) =>
    live(
      promise,
      Effect.gen(function* () {
        const server = yield* postgres
        yield* body(yield* Stage.make({ url: server.url, accounts: Stage.accounts(count) }), server)
      })
    )

  const trio = (stage: Stage.Stage) =>
    Effect.gen(function* () {
      const runners = yield* Effect.all([stage.start("anna"), stage.start("bert"), stage.start("carl")], {
        concurrency: 3
      })
      yield* stage.steady(...runners)
      return runners
    })

  const noFiring = Effect.gen(function* () {
    assert.deepStrictEqual(yield* fired, [])
  })

  /** The accounts that were taken over are held with proof. */
  const heldBy = (accounts: ReadonlyArray<string>, ...living: ReadonlyArray<Stage.Runner>) => {
    for (const account of accounts) {
      const owner = living.find((runner) => owns(runner, account))
      assert.strictEqual(owner && last(owner, account)?.continuity, "Held", `${account} at ${owner?.name}`)
    }
  }

  /** Two more beats of every account, counted from now. */
  const beaten = (accounts: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const from = (yield* writes).length
      yield* until(
        "two more beats of every account",
        Effect.map(writes, (all) =>
          accounts.every((uid) => all.slice(from).filter(({ account }) => account === uid).length >= 2)
        )
      )
    })

  scenario(
    "three that start at once on an empty database all run; kill -9 of one and SIGTERM of the next: the others hold the " +
      "accounts, proven; a release turns off; a twin and another countdown are refused by name",
    (stage) =>
      Effect.gen(function* () {
        const [anna, bert, carl] = yield* trio(stage)
        const strangers = Effect.gen(function* () {
          const twin = yield* stage.start("carl")
          const other = yield* stage.start("dora", { options: { countdown: "59 seconds" } })
          const shards = yield* stage.start("emil", { shards: 60 })
          yield* stage.wait("refused", () => [twin, other, shards].every((runner) => says(runner, "failed")()))
          const errors = [twin, other, shards].map((it) => it.lines.find(({ kind }) => kind === "failed"))
          assert.deepStrictEqual(
            errors.map((line) => line?.error),
            ["RunnerNameTaken", "SettingsMismatch", "SettingsMismatch"]
          )
          assert.include(errors[1]?.message, "countdown 59000 ms")
          assert.include(errors[2]?.message, "shardsPerGroup 60")
        })

        const ofAnna = owned(anna!, stage.accounts)
        yield* anna!.signal("SIGKILL")
        yield* Effect.all([stage.steady(bert!, carl!), strangers], { concurrency: 2 })
        heldBy(ofAnna, bert!, carl!)

        const ofBert = owned(bert!, stage.accounts)
        yield* bert!.signal("SIGTERM")
        assert.strictEqual(yield* bert!.ended, "code 0")
        yield* stage.steady(carl!)
        heldBy(ofBert, carl!)

        // Bert has signed off, so that nothing but the owner's own beats can arrive. Anna has not.
        const released = [ofBert[0]!, ofAnna[0]!]
        for (const account of released) yield* carl!.write(`release ${account}\n`)
        const outcome = (account: string) =>
          carl!.lines.find((line) => line.kind === "released" && line.account === account)?.outcome
        yield* stage.wait("released", () => released.every((account) => outcome(account) !== undefined))
        assert.strictEqual(outcome(released[1]!), "DisarmUnconfirmed")
        assert.isTrue(["Disarmed", "DisarmUnconfirmed"].includes(outcome(released[0]!) ?? ""))
        for (const account of released) {
          assert.strictEqual((yield* Simulator.countdown(account))._tag, "Closed", account)
        }
        yield* stage.judge(released)
        yield* noFiring
      })
  )

  outage("PostgreSQL restarts while runners start: they come up; away, it stops no beat", (stage, server) =>
    Effect.gen(function* () {
      yield* server.stop
      const runners = yield* Effect.all([stage.start("anna"), stage.start("bert")], { concurrency: 2 })
      yield* server.start
      yield* stage.steady(...runners)
      const states = () => runners.flatMap((runner) => stage.accounts.map((account) => last(runner, account)?.state))
      yield* server.stop
      yield* stage.wait("no account is surely owned", () => !states().includes("Owned"))
      yield* beaten(stage.accounts)
      yield* server.start
      yield* stage.steady(...runners)
      yield* stage.judge()
      yield* noFiring
    })
  )

  scenario("two of three are killed at once", (stage) =>
    Effect.gen(function* () {
      const [anna, bert, carl] = yield* trio(stage)
      const lost = [...owned(anna!, stage.accounts), ...owned(bert!, stage.accounts)]
      yield* Effect.all([anna!.signal("SIGKILL"), bert!.signal("SIGKILL")])
      yield* stage.steady(carl!)
      heldBy(lost, carl!)
      yield* stage.judge()
      yield* noFiring
    })
  )

  scenario("a rolling restart of all three", (stage) =>
    Effect.gen(function* () {
      const living = [...(yield* trio(stage))]
      for (let round = 0; round < 3; round++) {
        const leaving = living.shift()!
        yield* leaving.signal("SIGTERM")
        assert.strictEqual(yield* leaving.ended, "code 0")
        living.push(yield* stage.start(leaving.name))
        yield* stage.steady(...living)
      }
      yield* stage.judge()
      yield* noFiring
    })
  )

  scenario("one is stopped and wakes: its accounts are held, it sends one beat an account at most, and no 0", (stage) =>
    Effect.gen(function* () {
      const [anna, bert, carl] = yield* trio(stage)
      const ofAnna = owned(anna!, stage.accounts)
      yield* anna!.signal("SIGSTOP")
      yield* stage.steady(bert!, carl!)
      heldBy(ofAnna, bert!, carl!)
      const wokenAt = Date.now()
      yield* anna!.signal("SIGCONT")
      const isDone = (account: string) => !["Owned", "Doubtful"].includes(last(anna!, account)?.state ?? "")
      yield* stage.wait("the sleeper has heard of it", () => ofAnna.every(isDone))
      for (const account of ofAnna) {
        const epoch = last(bert!, account)?.epoch ?? 0
        const own = since(anna!, wokenAt).filter((line) => line.kind === "write" && line.account === account)
        const again = since(anna!, wokenAt).find((line) => line.account === account && (line.epoch ?? 0) > epoch)
        const late = own.filter(({ saidAt }) => again === undefined || saidAt < again.saidAt)
        assert.isAtMost(late.length, 1, `${account}: beats of the sleeper`)
      }
      yield* stage.judge()
      yield* noFiring
    })
  )

  scenario("one is replaced by a process of its name while it is stopped; when that is gone, it owns again", (stage) =>
    Effect.gen(function* () {
      const first = yield* stage.start("anna")
      yield* stage.steady(first)
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        yield* first.signal("SIGSTOP")
        const second = yield* stage.start("anna")
        yield* stage.steady(second)
        yield* first.signal("SIGCONT")
        const isDone = (account: string) => !["Owned", "Doubtful"].includes(last(first, account)?.state ?? "")
        yield* stage.wait("the sleeper has heard of it", () => stage.accounts.every(isDone))
        yield* second.signal(signal)
        yield* second.ended
        yield* stage.steady(first)
        heldBy(stage.accounts, first)
      }
      yield* beaten(stage.accounts)
      yield* stage.judge()
      yield* noFiring
    })
  )

  scenario("one is stopped in the middle of arming, after the exchange has acted: no 0", (stage) =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const anna = yield* stage.start("anna")
      yield* network.addUntilRemoved("delay-answer;by=1500ms;times=3")
      yield* until(
        "an arming under way",
        Effect.map(writes, (all) => all.some((it) => it.appliedAt !== undefined && it.receivedAt === undefined))
      )
      yield* anna.signal("SIGSTOP")
      const bert = yield* stage.start("bert")
      yield* stage.steady(bert)
      yield* anna.signal("SIGCONT")
      yield* stage.wait("the sleeper starts or fails", () => says(anna, "account")())
      yield* beaten(stage.accounts)
      yield* stage.judge()
      yield* noFiring
    })
  )

  outage("PostgreSQL away for 30 s: no gap, and all come back", (stage, server) =>
    Effect.gen(function* () {
      const runners = yield* trio(stage)
      yield* server.stop
      // Six intervals and more than that.
      for (let beats = 0; beats < 5; beats++) yield* beaten(stage.accounts)
      yield* server.start
      yield* stage.steady(...runners)
      yield* stage.judge()
      yield* noFiring
    })
  )

  outage("PostgreSQL away for longer than `grace`: the switches fire, and the next owner says so", (stage, server) =>
    Effect.gen(function* () {
      const options = { grace: "10 seconds" }
      const runners = yield* Effect.all([stage.start("anna", { options }), stage.start("bert", { options })], {
        concurrency: 2
      })
      yield* stage.steady(...runners)
      yield* server.stop
      yield* until(
        "every switch has fired",
        Effect.map(fired, (all) => all.length === stage.accounts.length)
      )
      yield* server.start
      yield* stage.steady(...runners)
      for (const account of stage.accounts) {
        const owner = runners.find((runner) => owns(runner, account))
        assert.include(["MayHaveFired", "Fired"], owner && last(owner, account)?.continuity)
        assert.isTrue(owner?.lines.some((line) => line.kind === "reconcile" && line.account === account))
      }
      yield* stage.judge()
    })
  )

  /** A way to PostgreSQL that can be cut, and healed. */
  const openWay = (url: Redacted.Redacted) =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(Redacted.value(url))
      const through = new URL(Redacted.value(url))
      through.port = new URL(proxy.url).port
      const treat = (treatment: "hold" | "pass" | "swallow") =>
        Effect.all([proxy.treat("requests", treatment), proxy.treat("answers", treatment)])
      return { database: Redacted.make(through.href), treat }
    })

  for (const treatment of ["hold", "swallow"] as const) {
    scenario(
      `one loses PostgreSQL (${treatment}): another takes over, and it comes back without a restart`,
      (stage, url) =>
        Effect.gen(function* () {
          const { database, treat } = yield* openWay(url)
          const anna = yield* stage.start("anna", { database })
          const bert = yield* stage.start("bert")
          yield* stage.steady(anna, bert)
          const ofAnna = owned(anna, stage.accounts)
          yield* treat(treatment)
          yield* stage.steady(bert)
          heldBy(ofAnna, bert)
          yield* treat("pass")
          const healedAt = Date.now()
          yield* stage.wait("the cut-off one owns accounts again", () =>
            since(anna, healedAt).some(({ kind, state }) => kind === "account" && state === "Owned")
          )
          yield* stage.steady(anna, bert)
          yield* stage.judge()
          yield* noFiring
        })
    )
  }

  scenario("a release while the owner is cut off from PostgreSQL is unconfirmed, because it beats on", (stage, url) =>
    Effect.gen(function* () {
      const { database, treat } = yield* openWay(url)
      const anna = yield* stage.start("anna", { database })
      const bert = yield* stage.start("bert")
      yield* stage.steady(anna, bert)
      const account = owned(anna, stage.accounts)[0]!
      yield* treat("hold")
      yield* bert.write(`release ${account}\n`)
      yield* stage.wait("released", says(bert, "released"))
      assert.strictEqual(bert.lines.find(({ kind }) => kind === "released")?.outcome, "DisarmUnconfirmed")
      const others = stage.accounts.filter((other) => other !== account)
      yield* stage.wait("the other holds the rest", () => others.every((other) => owns(bert, other)))
      yield* treat("pass")
      yield* stage.wait("the cut-off one has heard of it", () => last(anna, account)?.state === "Idle")
      yield* beaten(others)
      yield* stage.judge([account])
      assert.deepStrictEqual(
        (yield* fired).filter((it) => it.account !== account),
        []
      )
    })
  )

  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    scenario(`a release while the owner is gone (${signal}) is unconfirmed`, (stage) =>
      Effect.gen(function* () {
        const [anna, bert, carl] = yield* trio(stage)
        const account = owned(anna!, stage.accounts)[0]!
        yield* anna!.signal(signal)
        yield* bert!.write(`release ${account}\n`)
        yield* stage.wait("released", says(bert!, "released"))
        assert.strictEqual(bert!.lines.find(({ kind }) => kind === "released")?.outcome, "DisarmUnconfirmed")
        yield* stage.wait("the others hold the rest", () =>
          stage.accounts.every((other) => other === account || owns(bert!, other) || owns(carl!, other))
        )
        yield* anna!.signal("SIGCONT")
        yield* beaten(stage.accounts.filter((other) => other !== account))
        yield* stage.judge([account])
        yield* noFiring
      })
    )
  }
})
