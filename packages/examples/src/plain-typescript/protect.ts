// For an app that does not use Effect: an async function that arms the switch, an `AbortSignal` that says when it is
// lost, and `await using` (or `release`) to turn it off. All of Effect is in this file, and none of it gets out.
// Run: `pnpm example plain-typescript`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
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
}

export interface Protection extends AsyncDisposable {
  /** Aborted when the switch is lost; its `reason` is an `Error` that says why and what to do. */
  readonly lost: AbortSignal
  /** Rejects unless the switch is armed and more than so many ms are left. The gate to put before each order. */
  readonly ensureArmed: (marginMillis?: number) => Promise<void>
  /** Turns the switch off: `"Disarmed"`, or what else could be proven. Bounded in time, and safe to call twice. */
  readonly release: () => Promise<string>
}

/** Resolves when the switch is armed and the venue has said so; rejects with the venue's refusal. */
export const protect = async (options: Options): Promise<Protection> => {
  const { account, apiKey, baseUrl, countdownSeconds, passphrase, secretKey } = options
  const runtime = ManagedRuntime.make(
    Heartbeat.layer({ countdown: `${countdownSeconds ?? 10} seconds` }).pipe(
      Layer.provide(CountdownCancelAll.layer),
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
  )
  /** Rejects with the typed error itself, which is an `Error` with a `_tag`, and not with a wrapper around it. */
  const run = async <A, E>(effect: Effect.Effect<A, E, Heartbeat.Heartbeat>): Promise<A> => {
    const exit = await runtime.runPromiseExit(effect)
    if (Exit.isSuccess(exit)) return exit.value
    throw Cause.squash(exit.cause)
  }

  const heartbeat = await run(Heartbeat.Heartbeat)
  const lost = new AbortController()
  runtime.runFork(Effect.catchAll(heartbeat.awaitLost, (error) => Effect.sync(() => lost.abort(error))))
  const release = async (): Promise<string> => {
    await runtime.dispose()
    const status = await Effect.runPromise(heartbeat.status)
    return status._tag === "Released" ? status.outcome._tag : status._tag
  }
  return {
    lost: lost.signal,
    ensureArmed: (marginMillis = 0) => run(heartbeat.ensureArmed({ margin: marginMillis })),
    release,
    [Symbol.asyncDispose]: async () => void (await release())
  }
}
