import * as VenueError from "@effect-deadman/core/VenueError"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Advice from "../src/check/advice.js"
import * as Check from "../src/check/check.js"
import * as Deadman from "./support/deadman.js"

const { uid } = Deadman
const key = Exchange.testKey(uid)

const variables = {
  BITGET_BASE_URL: "http://127.0.0.1",
  BITGET_API_KEY: key.key,
  BITGET_SECRET_KEY: key.secret ?? "",
  BITGET_PASSPHRASE: key.passphrase
}

const diagnose = (given?: Readonly<Record<string, string>>, options = { arm: false }) =>
  Check.diagnose(options, () => Effect.void).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ ...variables, ...given })))),
    Effect.provide(Logger.remove(Logger.defaultLogger))
  )

const account = (given?: Partial<Exchange.Account>, keys?: Partial<Exchange.ApiKey>) =>
  Simulator.layer({ accounts: [{ uid, keys: [{ ...key, ...keys }], ...given }] })

const short = (findings: ReadonlyArray<Advice.Finding>) =>
  findings.map(({ subject, verdict }) => `${verdict} ${subject}`)

/** The last finding, as the part of it that matters. */
const fault = (findings: ReadonlyArray<Advice.Finding>) => {
  const failed = findings.filter(({ verdict }) => verdict === "failed")
  assert.lengthOf(failed, 1)
  return { subject: failed[0]?.subject, code: failed[0]?.code, advice: failed[0]?.advice ?? "" }
}

describe("deadman check", () => {
  it.live("finds nothing wrong, and sends nothing to the switch", () =>
    Effect.gen(function* () {
      const findings = yield* diagnose()
      assert.deepStrictEqual(short(findings), [
        "warning variables",
        "ok clock",
        "ok key",
        "ok account",
        "ok permission",
        "ok rate",
        "warning access"
      ])
      assert.strictEqual(Advice.exitCode(findings), 0)
      assert.deepStrictEqual(yield* Deadman.entries("Switch"), [])
    }).pipe(Effect.provide(account()))
  )

  it.live("with --arm arms the switch and turns it off again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(short(yield* diagnose({}, { arm: true })).slice(-2), ["ok rate", "ok access"])
      assert.deepStrictEqual(yield* Deadman.switches, ["armed", "closed"])
    }).pipe(Effect.provide(account()))
  )

  it.live("with --arm finds an account for which the endpoint is not open", () =>
    Effect.gen(function* () {
      const { advice, code, subject } = fault(yield* diagnose({}, { arm: true }))
      assert.deepStrictEqual([subject, code], ["access", 77])
      assert.include(advice, "business development")
    }).pipe(Effect.provide(account({ countdownAccess: false })))
  )

  const faults: ReadonlyArray<
    readonly [
      name: string,
      subject: string,
      code: number,
      advice: string,
      layer: ReturnType<typeof account>,
      given?: Readonly<Record<string, string>>
    ]
  > = [
    ["an unknown key", "key", 77, "deleted", account(), { BITGET_API_KEY: "another" }],
    ["a wrong secret", "signature", 77, "BITGET_SECRET_KEY", account(), { BITGET_SECRET_KEY: "another" }],
    ["a wrong passphrase", "passphrase", 77, "BITGET_PASSPHRASE", account(), { BITGET_PASSPHRASE: "another" }],
    ["an address that is not allowed", "address", 77, "whitelist", account({}, { ipWhitelist: ["10.0.0.1"] })],
    ["a key that may only read", "permission", 77, "read and write", account({}, { permission: "read" })],
    [
      "a live key in demo trading",
      "environment",
      77,
      "BITGET_DEMO_TRADING",
      account(),
      { BITGET_DEMO_TRADING: "true" }
    ],
    ["a classic account", "account", 77, "unified", account({ mode: "classic" })],
    ["a missing variable", "variables", 64, "", account(), { BITGET_PASSPHRASE: "" }],
    ["a base URL that is none", "variables", 64, "", account(), { BITGET_BASE_URL: "bitget" }]
  ]
  for (const [name, subject, code, advice, layer, given] of faults) {
    it.live(`finds ${name}`, () =>
      Effect.gen(function* () {
        const found = fault(yield* diagnose(given))
        assert.deepStrictEqual([found.subject, found.code], [subject, code])
        assert.include(found.advice, advice)
      }).pipe(Effect.provide(layer))
    )
  }

  it.live("has its own advice for every group of the code table, and says the code", () =>
    Effect.gen(function* () {
      const advices = new Map<string, Set<string>>()
      for (const { codes, error } of VenueError.groups) {
        for (const code of codes) {
          // An exchange of its own, whose rate limit is fresh.
          const findings = yield* Effect.gen(function* () {
            const { network } = yield* Simulator.Simulator
            yield* network.addUntilRemoved(`code;code=${code};endpoint=settings`)
            return yield* diagnose()
          }).pipe(Effect.provide(account()))
          const { advice } = fault(findings)
          assert.include(findings.at(-1)?.found, code)
          advices.set(error._tag, (advices.get(error._tag) ?? new Set()).add(advice))
        }
      }
      assert.strictEqual(advices.size, 11)
      // Both mean that the exchange has to come back first.
      const own = [...advices].filter(([tag]) => tag !== "OutcomeUnknown").map(([, texts]) => [...texts])
      const all = own.flat()
      assert.strictEqual(new Set(all).size, all.length)
      for (const text of all) assert.match(text, /^[A-Z].*\.$/)
    })
  )

  const network: ReadonlyArray<readonly [fault: string, subject: string]> = [
    ["refuse-connection", "network"],
    ["drop-answer", "network"],
    ["empty-body", "network"],
    ["status;status=502", "network"]
  ]
  for (const [kind, subject] of network) {
    it.live(`finds what is in the way: ${kind}`, () =>
      Effect.gen(function* () {
        const { network } = yield* Simulator.Simulator
        yield* network.addUntilRemoved(`${kind};endpoint=settings`)
        const found = fault(yield* diagnose({ BITGET_TIMEOUT: "200 millis" }))
        assert.deepStrictEqual([found.subject, found.code], [subject, 69])
      }).pipe(Effect.provide(account()))
    )
  }

  const clocks: ReadonlyArray<readonly [offset: number, uncertainty: number, verdict: Advice.Finding["verdict"]]> = [
    [0, 10, "ok"],
    [-900, 10, "ok"],
    [1_200, 10, "warning"],
    [-60_000, 10, "warning"],
    [1_200, 300, "ok"]
  ]
  for (const [offset, uncertainty, verdict] of clocks) {
    it(`a clock that is ${offset} ms off, give or take ${uncertainty}, is ${verdict}`, () =>
      assert.strictEqual(Advice.clock(offset, uncertainty).verdict, verdict))
  }

  it("judges the mode of the account", () => {
    const modes = ["unified", "hybrid", "upgrading", "switching", "classic"]
    assert.deepStrictEqual(
      modes.map((mode) => Advice.account("1", mode).verdict),
      ["ok", "warning", "warning", "warning", "failed"]
    )
  })

  Deadman.proves(
    "as a command prints the findings, and ends with the code of the first failure",
    Effect.gen(function* () {
      const good = yield* Deadman.start([Deadman.node, Deadman.bin, "check"])
      const bad = yield* Deadman.start([Deadman.node, Deadman.bin, "check"], { env: { BITGET_SECRET_KEY: "x" } })
      const unsure = yield* Deadman.start([Deadman.node, Deadman.bin, "check", "--arm"])
      assert.deepStrictEqual([yield* good.ended, yield* bad.ended, yield* unsure.ended], [0, 77, 64])
      assert.match(good.text(), /^ok {7}permission/m)
      assert.match(bad.text(), /^failed {3}signature .*\n +do +Set BITGET_SECRET_KEY/m)
      assert.include(unsure.text(), "--yes")
      assert.deepStrictEqual(yield* Deadman.entries("Switch"), [])
    })
  )
})
