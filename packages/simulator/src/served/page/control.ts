/**
 * Calls of the control API, each with the command that does the same from a terminal, and what the server tells by itself.
 */

export interface Switch {
  readonly _tag: "Armed" | "Closed" | "Fired"
  readonly seconds?: number
  readonly deadline?: number
  readonly at?: number
  readonly orders?: number
}

export interface Order {
  readonly orderId: string
  readonly symbol: string
  readonly side: string
  readonly qty: string
  readonly price: string
  readonly category: string
  readonly createdTime: number
}

export interface Account {
  readonly uid: string
  readonly mode: string
  readonly switch: Switch
  readonly openOrders: number
  readonly orders: ReadonlyArray<Order>
}

export interface ActiveFault {
  readonly id: number
  readonly fault: string
  readonly seen: number
  readonly acted: number
}

export type Mode = "real" | "scaled" | "manual" | "auto"

export interface State {
  readonly startedAt: number
  readonly clock: {
    readonly now: number
    readonly mode: Mode
    readonly speed: number
    readonly holds: ReadonlyArray<{ readonly name: string }>
  }
  readonly maintenance: boolean
  readonly windows: ReadonlyArray<{ readonly from: number; readonly to: number }>
  readonly faults: ReadonlyArray<ActiveFault>
  readonly accounts: ReadonlyArray<Account>
  readonly journal: { readonly total: number; readonly dropped: number }
}

/** An entry of the journal, as far as the page reads it. */
export interface Entry {
  readonly _tag: string
  readonly id?: number
  readonly at?: number
  readonly account?: string
  readonly transition?: "armed" | "refreshed" | "closed" | "fired"
  readonly deadline?: number
  readonly seconds?: number
  readonly from?: number
  readonly endpoint?: string
  readonly method?: string
  readonly body?: string
  readonly sentAt?: number
  readonly arrivedAt?: number
  readonly appliedAt?: number
  readonly answeredAt?: number
  readonly receivedAt?: number
  readonly abortedAt?: number
  readonly status?: number
  readonly code?: string
  readonly faults?: ReadonlyArray<string>
  readonly fault?: string
  readonly change?: "added" | "removed" | "over"
  readonly cause?: string
  readonly orderId?: string
  readonly name?: string
  readonly phase?: string
  readonly window?: { readonly from: number; readonly to: number }
}

const tokenKey = "effect-deadman-token"

/** A token comes once in the address, is kept for this tab, and leaves the address. */
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

/** A link of the page to something behind the same guard. */
export const link = withToken

export interface Call {
  readonly curl: string
  readonly ok: boolean
  readonly message: string
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const curlOf = (method: string, path: string, body: unknown): string => {
  const parts = ["curl"]
  if (method !== "GET") parts.push("-X", method)
  if (token !== null) parts.push("-H", `'authorization: Bearer '"$SIM_TOKEN"`)
  if (body !== undefined) parts.push("--json", quoted(JSON.stringify(body)))
  parts.push(quoted(location.origin + path))
  return parts.join(" ")
}

/** Makes a call and says how it went; it does not throw. */
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

/** Listens for as long as the page is open, also across restarts of the server. */
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
    // The browser tries again by itself, unless the server has answered with an error.
    if (source.readyState !== EventSource.CLOSED) return
    setTimeout(() => listen(listener), 1_000)
  })
}
