import { setTimeout } from "node:timers/promises"
import { protect } from "./protect.js"

const env = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === "") throw new Error(`Set ${name}.`)
  return value
}

const stop = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)))

const main = (): Promise<void> =>
  protect(
    {
      apiKey: env("BITGET_API_KEY"),
      secretKey: env("BITGET_SECRET_KEY"),
      passphrase: env("BITGET_PASSPHRASE"),
      baseUrl: process.env["BITGET_BASE_URL"] ?? "https://api.bitget.com",
      onReleased: (outcome) => console.log("released:", outcome)
    },
    async ({ ensureArmed, lost }) => {
      console.log("armed")
      const signal = AbortSignal.any([stop.signal, lost])
      while (!signal.aborted) {
        const paused = await ensureArmed(3_000).then(
          () => undefined,
          (error: Error) => error
        )
        if (paused !== undefined) console.warn("paused:", paused.message)
        // Your trading. Let its errors reject, because they choose the release. Do not pass the signal to an order: it
        // must settle before this function returns.
        else console.log("trading, protected")
        await setTimeout(2_000, undefined, { signal }).catch(() => undefined)
      }
      lost.throwIfAborted()
    }
  )

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
