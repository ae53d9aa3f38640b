/** A bot on a real socket: plain `fetch` and a signature, without code of the simulator. */
import { demoKeys, type Keys, signedHeaders } from "./Bot.js"

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly code: string | undefined
  readonly data: unknown
}

export const call = async (
  url: string,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  options?: {
    readonly keys?: Keys
    readonly timestamp?: number
    readonly headers?: Record<string, string>
    readonly signal?: AbortSignal
  }
): Promise<Reply> => {
  const text = body === undefined ? "" : JSON.stringify(body)
  const signed = signedHeaders(options?.keys ?? demoKeys, options?.timestamp ?? Date.now(), method, path, text)
  const response = await fetch(url + path, {
    method,
    headers: { ...signed, ...options?.headers },
    ...(method === "POST" ? { body: text } : {}),
    ...(options?.signal === undefined ? {} : { signal: options.signal })
  })
  const answer = await response.text()
  const json = (answer.startsWith("{") ? JSON.parse(answer) : {}) as { code?: string; data?: unknown }
  return { status: response.status, headers: response.headers, text: answer, code: json.code, data: json.data }
}

export const beat = (url: string, countdown: string, options?: Parameters<typeof call>[4]) =>
  call(url, "POST", "/api/v3/trade/countdown-cancel-all", { countdown }, options)
