// For an app that does not use Effect: `protect(options, body)` arms the switch, runs an async function, and releases
// the switch by how that function ended. An `AbortSignal` reports a lost switch. Effect stays inside this file.
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
  /** The account's name in logs and errors; each account needs one of its own. */
  readonly account?: string
  /** Where the venue is: `https://api.bitget.com`, or a simulator. */
  readonly baseUrl: string
  /** Whole seconds, 5 to 60. Default 10. */
  readonly countdownSeconds?: number
  /** Called once the switch is released: with `"Disarmed"`, or with what else could be proven. */
  readonly onReleased?: (outcome: string) => void
}

export interface Protection {
  /**
   * Aborted when the switch is lost while the body runs; its `reason` is an `Error` that says why and what to do. The
   * release at the end of the body does not abort it.
   */
  readonly lost: AbortSignal
  /** Rejects unless the switch is armed and more than so many ms are left. The gate to put before each order. */
  readonly ensureArmed: (marginMillis?: number) => Promise<void>
}

/** Rejects with the typed error itself, which is an `Error` with a `_tag`, and not with a wrapper around it. */
const run = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/**
 * Arms the switch, runs `body` once the exchange has acknowledged that, and releases the switch when `body` has ended:
 * bounded in time, and before the promise settles. Resolves and rejects as `body` does; rejects without calling it when
 * the switch cannot be armed. A body that is asked to stop returns: a rejection counts as a failure.
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
      // A body that resolves leaves its orders. After one that rejects the exchange cancels them in 5 s.
      release: Release.cancelOnFailure,
      onTransition: ({ to }) => Effect.sync(() => (to._tag === "Released" ? onReleased?.(to.outcome._tag) : undefined))
    })
    const lost = new AbortController()
    // Its scope closes with the body and before the release, which ends `awaitLost` too.
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
