import { setTimeout } from "node:timers/promises"
import { protect } from "./protect.js"

const env = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === "") throw new Error(`Set ${name}.`)
  return value
}

const stop = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)))

const main = async (): Promise<void> => {
  await using protection = await protect({
    apiKey: env("BITGET_API_KEY"),
    secretKey: env("BITGET_SECRET_KEY"),
    passphrase: env("BITGET_PASSPHRASE"),
    baseUrl: process.env["BITGET_BASE_URL"] ?? "https://api.bitget.com"
  })
  console.log("armed")
  const signal = AbortSignal.any([stop.signal, protection.lost])
  while (!signal.aborted) {
    try {
      await protection.ensureArmed(3_000)
      // Your trading. Hand the signal to your own calls too: fetch(url, { signal }).
      console.log("trading, protected")
    } catch (error) {
      console.warn("paused:", error instanceof Error ? error.message : error)
    }
    await setTimeout(2_000, undefined, { signal }).catch(() => undefined)
  }
  if (protection.lost.aborted) throw protection.lost.reason
  console.log("released:", await protection.release())
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
