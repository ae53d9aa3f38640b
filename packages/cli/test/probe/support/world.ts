/** A measurement and the simulated exchange in one program under virtual time. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { Progress } from "../../../src/probe/progress.js"

const uid = Simulator.demoUid

/** The first account, with a key for demo trading. */
export const accounts: ReadonlyArray<Exchange.Account> = [{ uid, keys: [{ ...Exchange.testKey(uid), demo: true }] }]

export const client = (baseUrl: string, timeout?: BitgetClient.Options["timeout"]) => {
  const { key, passphrase, secret = "" } = Exchange.testKey(uid)
  return BitgetClient.layer({ baseUrl, demoTrading: true, timeout }).pipe(
    Layer.provide(
      Credentials.layer({
        account: "demo",
        apiKey: Redacted.make(key),
        passphrase: Redacted.make(passphrase),
        secretKey: Redacted.make(secret)
      })
    )
  )
}

export type World = BitgetClient.BitgetClient | Simulator.Simulator | HttpClient.HttpClient | VirtualTime.VirtualTime

export const run = <A, E>(
  program: Effect.Effect<A, E, World>,
  options: { readonly simulator?: Simulator.Options; readonly seed?: number }
): A => {
  const exchange = Simulator.layer({ accounts, journalSize: 100, ...options.simulator })
  const { exit } = VirtualTime.run(
    program.pipe(
      Effect.provide(Layer.provideMerge(client("https://bitget.simulator"), exchange)),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
      Effect.withRandom(Random.make(options.seed ?? 1))
    ),
    { maxTime: "1 hour", maxSteps: 2_000_000, start: 1_700_000_000_000 }
  )
  if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  return exit.value
}

/** Progress, kept. */
export const listen = () => {
  const heard: Array<Progress> = []
  return { heard, tell: (progress: Progress) => Effect.sync(() => void heard.push(progress)) }
}
