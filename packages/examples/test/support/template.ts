/** Runs a template as a process, against its own served exchange. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as BotProcess from "../../src/demo/BotProcess.js"

export const uid = "1000001"

export const credentials = (uid: string, prefix = "BITGET"): Record<string, string> => {
  const key = Exchange.testKey(uid)
  return {
    [`${prefix}_API_KEY`]: key.key,
    [`${prefix}_SECRET_KEY`]: key.secret ?? "",
    [`${prefix}_PASSPHRASE`]: key.passphrase
  }
}

export const start = Effect.fnUntraced(function* (
  path: string,
  options: { readonly env?: Record<string, string>; readonly args?: ReadonlyArray<string> } = {}
) {
  const { url } = yield* Server.Server
  const lines: Array<string> = []
  const template = yield* BotProcess.start(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url)), {
    env: { BITGET_BASE_URL: url, ...credentials(uid), PRICE: "50000", QTY: "0.01", ...options.env },
    args: options.args,
    onLine: (line) => lines.push(line)
  })
  return { ...template, text: () => lines.join("\n") }
})

export const exchange = Server.layer({ accounts: [{ uid }] })
