/**
 * Calls of the control API, each with the same call as a curl command, and the server's stream of events.
 */
import type * as Journal from "../../journal/Journal.js"
import type * as Models from "../models.js"

export type State = typeof Models.State.Type
export type Account = State["accounts"][number]
export type Order = typeof Models.Order.Type
export type ActiveFault = typeof Models.ActiveFault.Type
export type Entry = Journal.Entry

const tokenKey = "effect-deadman-token"

/** Takes the token out of the address, and keeps it for this tab. */
const readToken = (): string | null => {
  const given = new URLSearchParams(location.hash.slice(1)).get("token")
  if (given !== null) {
    sessionStorage.setItem(tokenKey, given)
    history.replaceState(null, "", location.pathname)
  }
  return sessionStorage.getItem(tokenKey)
}

const token = readToken()

const withToken = (path: string): string =>
  token === null ? path : `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`

/** A link that carries the token. */
export const link = withToken

export interface Call {
  readonly curl: string
  readonly ok: boolean
  readonly message: string
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export const curlOf = (method: string, path: string, body?: unknown): string => {
  const parts = ["curl"]
  if (method !== "GET") parts.push("-X", method)
  if (token !== null) parts.push("-H", `'authorization: Bearer '"$SIM_TOKEN"`)
  if (body !== undefined) parts.push("--json", quoted(JSON.stringify(body)))
  parts.push(quoted(location.origin + path))
  return parts.join(" ")
}

/** Makes a call. Does not throw: a failure is in the result. */
export const call = async (
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown
): Promise<Call & { readonly data: unknown }> => {
  const curl = curlOf(method, path, body)
  try {
    const response = await fetch(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const data: unknown = text === "" ? null : JSON.parse(text)
    const message = (data as { readonly message?: string } | null)?.message ?? ""
    return { curl, ok: response.ok, message: response.ok ? "" : message || `HTTP ${response.status}`, data }
  } catch (error) {
    return { curl, ok: false, message: `The server does not answer: ${String(error)}`, data: null }
  }
}

export interface Listener {
  readonly state: (state: State) => void
  readonly entries: (entries: ReadonlyArray<Entry>, skipped: number) => void
  readonly connected: (connected: boolean) => void
}

/** Listens until the page closes, also across restarts of the server. */
export const listen = (listener: Listener): void => {
  const source = new EventSource(withToken("/_sim/live"))
  source.addEventListener("open", () => listener.connected(true))
  let accounts = new Map<string, Account>()
  source.addEventListener("state", (event) => {
    const state = JSON.parse(event.data as string) as State
    accounts = new Map(state.accounts.map((account) => [account.uid, account]))
    listener.state(state)
  })
  source.addEventListener("changes", (event) => {
    const { uids, ...changed } = JSON.parse(event.data as string) as State & { readonly uids: ReadonlyArray<string> }
    const known = new Map([...accounts, ...changed.accounts.map((account) => [account.uid, account] as const)])
    accounts = new Map(uids.flatMap((uid) => (known.has(uid) ? [[uid, known.get(uid) as Account] as const] : [])))
    listener.state({ ...changed, accounts: [...accounts.values()] })
  })
  source.addEventListener("entries", (event) => {
    const { entries, skipped } = JSON.parse(event.data as string) as { entries: Array<Entry>; skipped: number }
    listener.entries(entries, skipped)
  })
  source.addEventListener("error", () => {
    listener.connected(false)
    // The browser reconnects by itself unless the server has answered with an error.
    if (source.readyState !== EventSource.CLOSED) return
    setTimeout(() => listen(listener), 1_000)
  })
}
