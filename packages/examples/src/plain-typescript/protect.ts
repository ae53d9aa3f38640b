// For an app without Effect: `protect(options, body)` arms the switch, runs an async function, and chooses the release by
// the result of that function. An `AbortSignal` reports a lost switch. Effect stays inside this file.
// Run: `pnpm example plain-typescript`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

export interface Options {
  readonly apiKey: string
  readonly secretKey: string
  readonly passphrase: string
  /** The account's name in logs and errors. Unique per account. */
  readonly account?: string
  /** The address of the exchange: `https://api.bitget.com`, or a simulator. */
  readonly baseUrl: string
  /** Whole seconds, 5 to 60. Default 10. */
  readonly countdownSeconds?: number
  /** Called after the release, with `"Disarmed"` or the outcome that could be proven instead. */
  readonly onReleased?: (outcome: string) => void
}

export interface Protection {
  /**
   * Aborted when the switch is lost while the body runs. Its `reason` is an `Error` that says why and what to do. The
   * release at the end of the body does not abort it.
   */
  readonly lost: AbortSignal
  /** Rejects unless the switch is armed and more than `marginMillis` (ms) are left. Call it before each order. */
  readonly ensureArmed: (marginMillis?: number) => Promise<void>
}

/** Rejects with the typed error itself, an `Error` with a `_tag`, instead of Effect's wrapper. */
const run = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/**
 * Arms the switch, runs `body` after the acknowledgement, and releases the switch when `body` has ended. The release is
 * bounded in time and ends before the promise settles. Resolves and rejects as `body` does. Rejects without a call of
 * `body` when the switch cannot be armed. To stop on purpose, return: a rejection counts as a failure.
 */
export const protect = <A>(options: Options, body: (protection: Protection) => Promise<A>): Promise<A> => {
  const { account, apiKey, baseUrl, countdownSeconds, onReleased, passphrase, secretKey } = options
  const exchange = BitgetCountdown.layer.pipe(
    Layer.provide(BitgetClient.layer({ baseUrl })),
    Layer.provide(
      Credentials.layer({
        account,
        apiKey: Redacted.make(apiKey),
        secretKey: Redacted.make(secretKey),
        passphrase: Redacted.make(passphrase)
      })
    ),
    Layer.provide(FetchHttpClient.layer)
  )
  const program = Effect.gen(function* () {
    const heartbeat = yield* Heartbeat.make({
      countdown: `${countdownSeconds ?? 10} seconds`,
      // After a body that resolves the orders stay. After one that rejects the exchange cancels them in 5 s.
      release: Release.cancelOnFailure,
      onTransition: ({ to }) => Effect.sync(() => (to._tag === "Released" ? onReleased?.(to.outcome._tag) : undefined))
    })
    const lost = new AbortController()
    // Its scope closes with the body, before the release, because the release ends `awaitLost` too.
    const watch = Effect.catchAll(heartbeat.awaitLost, (error) => Effect.sync(() => lost.abort(error)))
    return yield* Effect.scoped(
      Effect.zipRight(
        Effect.forkScoped(watch),
        Effect.tryPromise({
          try: () =>
            body({
              lost: lost.signal,
              ensureArmed: (marginMillis = 0) => run(heartbeat.ensureArmed({ margin: marginMillis }))
            }),
          catch: (error) => error
        })
      )
    )
  })
  return run(program.pipe(Effect.scoped, Effect.provide(exchange)))
}
