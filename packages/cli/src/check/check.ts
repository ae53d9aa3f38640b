/** The program of the command `check`. */
import * as BaseUrl from "@effect-deadman/core/BaseUrl"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as ConfigError from "effect/ConfigError"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as exitCodes from "../exitCodes.js"
import { explain } from "../explain.js"
import * as Advice from "./advice.js"

/** The calls that the exchange still allows, by the header of its last answer. */
interface Budget {
  remaining: number | undefined
}

/** The client of the environment, over an HTTP client that notes the rest of the budget. */
const layerOf = (budget: Budget) =>
  BitgetClient.layerConfig.pipe(
    Layer.provide(Credentials.layerConfig),
    Layer.provide(
      Layer.effect(
        HttpClient.HttpClient,
        Effect.map(
          HttpClient.HttpClient,
          HttpClient.tap(({ headers }) =>
            Effect.sync(() => {
              const text = headers["x-mbx-used-remain-limit"]
              budget.remaining = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
            })
          )
        )
      )
    )
  )

const Settings = Schema.Struct({ uid: Schema.String, accountMode: Schema.String })

/**
 * Arms the switch and turns it off again. The release tells the outcome.
 */
const armed = Effect.gen(function* () {
  let outcome: string | undefined
  const onTransition = ({ to }: HeartbeatStatus.Transition) =>
    Effect.sync(() => {
      if (to._tag === "Released") outcome = to.outcome._tag
    })
  const exit = yield* Effect.either(
    Effect.scoped(
      Heartbeat.make({
        countdown: "60 seconds",
        requestTimeout: "5 seconds",
        releaseTimeout: "30 seconds",
        onTransition
      })
    )
  )
  if (Either.isLeft(exit)) {
    const error = exit.left
    const refusal = error._tag === "ArmTimeout" && error.cause !== undefined ? error.cause : error
    if (VenueError.isVenueError(refusal)) return Advice.ofError(refusal)
    return { verdict: "failed", subject: "access", found: error.message, code: exitCodes.of(error) } as const
  }
  return outcome === "Disarmed"
    ? ({ verdict: "ok", subject: "access", found: "the switch was armed for 60 s and turned off again" } as const)
    : ({
        verdict: "failed",
        subject: "access",
        found: `the switch was armed, and the exchange did not confirm that it is off (${outcome ?? "unknown"})`,
        advice: "It may cancel all orders within the next 60 s. Run the command again to turn it off.",
        code: exitCodes.codes.unavailable
      } as const)
}).pipe(Effect.provide(BitgetCountdown.layer))

/** Looks at everything, tells each finding as soon as it is known, and stops at the first failure. */
export const diagnose = Effect.fnUntraced(function* (
  options: { readonly arm: boolean },
  tell: (finding: Advice.Finding) => Effect.Effect<void>
) {
  const findings: Array<Advice.Finding> = []
  const found = (finding: Advice.Finding) => {
    findings.push(finding)
    return tell(finding)
  }
  const budget: Budget = { remaining: undefined }
  const client: Either.Either<
    Context.Context<BitgetClient.BitgetClient | ServerClock.ServerClock>,
    ConfigError.ConfigError
  > = yield* Effect.either(Layer.build(layerOf(budget)))
  if (Either.isLeft(client)) {
    const why = explain(Cause.fail(client.left))
    yield* found({ verdict: "failed", subject: "variables", found: why, code: exitCodes.codes.usage })
    return findings
  }
  const calls = Effect.gen(function* () {
    const { baseUrl, clock, execute } = yield* BitgetClient.BitgetClient
    const { demoTrading = false } = yield* Effect.orDie(BitgetClient.config)
    yield* found(Advice.environment(baseUrl, demoTrading, baseUrl === BaseUrl.venue))

    yield* clock.sync
    yield* found(Advice.clock((yield* clock.offset) ?? 0, (yield* clock.uncertainty) ?? 0))

    const { data } = yield* execute({ method: "GET", path: "/api/v3/account/settings", response: Settings })
    const { remaining } = budget
    yield* found({ verdict: "ok", subject: "key", found: "key, signature, passphrase and address are accepted" })
    yield* found(Advice.account(data.uid, data.accountMode))

    // Changes nothing: no order has this name. A read would not show whether the key may write.
    const answer = yield* Effect.either(
      execute({
        method: "POST",
        path: "/api/v3/trade/cancel-order",
        body: { clientOid: `check${Crypto.randomBytes(12).toString("hex")}` },
        response: Schema.Unknown
      })
    )
    yield* found(Advice.writing(Either.isLeft(answer) ? answer.left : undefined))
    yield* found(Advice.rate(remaining))

    if (options.arm && Advice.exitCode(findings) === 0) yield* Effect.flatMap(armed, found)
    else if (!options.arm) {
      yield* found({
        verdict: "warning",
        subject: "access",
        found: "not known: only arming shows whether the exchange has opened the countdown to this account",
        advice: "Use deadman check --arm --yes while no other program holds the switch of this account."
      })
    }
  })
  yield* Effect.provide(calls, client.right).pipe(Effect.catchAll((error) => found(Advice.ofError(error))))
  return findings
}, Effect.scoped)

/** Runs the check and prints the findings. Fails with the exit code of the first failure. */
export const check = (options: { readonly arm: boolean }): Effect.Effect<void, exitCodes.Ending> =>
  Effect.gen(function* () {
    const findings = yield* diagnose(options, (finding) => Console.log(Advice.text(finding)))
    const code = Advice.exitCode(findings)
    if (code !== 0) return yield* new exitCodes.Ending({ code, message: "" })
  }).pipe(Effect.provide(FetchHttpClient.layer), Effect.provide(Logger.remove(Logger.defaultLogger)))
