/**
 * The live page: shows the server's events, sends each button to the control API, and shows the same call as a command.
 */
import * as Drawing from "../../timeline/drawing.js"
import * as AccountCard from "./account.js"
import * as Control from "./control.js"
import { h, keyed, set, setText } from "./dom.js"
import * as Log from "./log.js"
import * as Time from "./time.js"
import * as Timeline from "./timeline.js"

/** The demo bot beats every 3 s with a countdown of 10 s, as the exchange recommends. */
const beatEvery = 3_000
const countdown = "10"

/** The number of entries to keep, which is more than a minute at the exchange's rate limit. */
const kept = 2_000

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

let state: Control.State | undefined
let receivedAt = 0
let entries: Array<Control.Entry> = []
const places = new Map<string, number>()
const bots = new Map<string, number>()
let orders = 0

/** The exchange's time: the server's last, advanced at the clock's speed. */
const now = (): number =>
  state === undefined ? 0 : state.clock.now + (performance.now() - receivedAt) * state.clock.speed

// ---------------------------------------------------------------------------------------------------------------------
// Actions
// ---------------------------------------------------------------------------------------------------------------------

const act = async (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> => {
  const { curl, data, message, ok } = await Control.call(method, path, body)
  setText(element("curl"), curl)
  setText(element("problem"), message)
  set(element("problem"), { hidden: ok })
  if (!ok) throw new Error(message)
  return data
}

/** Makes a call whose result is not needed: the new state arrives as an event, and `act` shows a failure. */
const run = (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): void => {
  act(method, path, body).catch(() => undefined)
}

const accountPath = (uid: string): string => `/_sim/accounts/${encodeURIComponent(uid)}`

const actions: AccountCard.Actions = {
  beat: (uid, countdown) => run("POST", `${accountPath(uid)}/beat`, { countdown }),
  bot: (uid) => {
    if (bots.delete(uid)) return
    bots.set(uid, -Infinity)
    runBots()
  },
  place: (uid) => {
    const price = String(50_000 - 50 * (orders++ % 20))
    run("POST", `${accountPath(uid)}/orders`, { symbol: "BTCUSDT", side: "buy", qty: "0.01", price })
  },
  cancel: (uid, orderId) => run("DELETE", `${accountPath(uid)}/orders/${encodeURIComponent(orderId)}`)
}

/** Lets the bots of this page beat on the exchange's clock. */
const runBots = (): void => {
  const at = now()
  for (const [uid, next] of bots) {
    if (at < next) continue
    bots.set(uid, at + beatEvery)
    actions.beat(uid, countdown)
  }
}

const isOn = (fault: string): Control.ActiveFault | undefined => state?.faults.find((active) => active.fault === fault)

const toggleFault = (fault: string): void => {
  const active = isOn(fault)
  if (active === undefined) run("POST", "/_sim/faults", { fault })
  else run("DELETE", `/_sim/faults/${active.id}`)
}

const advance = (ms: number): void => run("POST", "/_sim/clock/advance", { ms })

// ---------------------------------------------------------------------------------------------------------------------
// Display
// ---------------------------------------------------------------------------------------------------------------------

const takeEntry = (entry: Control.Entry): void => {
  if (entry._tag === "Request" && entry.id !== undefined) {
    const place = places.get(String(entry.id))
    if (place !== undefined) {
      entries[place] = entry
      return
    }
    places.set(String(entry.id), entries.length)
  }
  entries.push(entry)
}

const forget = (): void => {
  entries = entries.slice(-kept)
  places.clear()
  entries.forEach((entry, index) => {
    if (entry._tag === "Request") places.set(String(entry.id), index)
  })
}

const catchUp = async (total: number): Promise<void> => {
  const { data, ok } = await Control.call("GET", `/_sim/journal?after=${Math.max(0, total - 1_000)}`)
  if (!ok) return
  const newer = entries
  entries = []
  places.clear()
  for (const entry of (data as { entries: Array<Control.Entry> }).entries) takeEntry(entry)
  const known = new Set(entries.map((entry) => JSON.stringify(entry)))
  for (const entry of newer) if (entry._tag === "Request" || !known.has(JSON.stringify(entry))) takeEntry(entry)
}

const announceFirings = (fresh: ReadonlyArray<Control.Entry>): void => {
  for (const entry of fresh) {
    if (entry._tag !== "Switch" || entry.transition !== "fired") continue
    setText(element("news"), `The switch of account ${entry.account} has fired.`)
    // A bot that goes on would arm the switch over an empty book.
    bots.delete(entry.account ?? "")
  }
}

const showClock = (): void => {
  if (state === undefined) return
  const { clock } = state
  setText(element("now"), Time.clock(now()))
  const held = clock.holds.map((hold) => hold.name).join(", ")
  setText(
    element("pace"),
    clock.mode === "scaled" ? `${clock.speed} times as fast` : held === "" ? "" : `held by ${held}`
  )
}

const showState = (): void => {
  if (state === undefined) return
  const mode = element("mode") as HTMLSelectElement
  if (document.activeElement !== mode) mode.value = state.clock.mode
  const broken = state.faults.length > 0 || state.maintenance
  set(document.body, { "data-broken": broken })
  for (const button of document.querySelectorAll<HTMLElement>("[data-fault]")) {
    set(button, { "aria-pressed": String(isOn(button.dataset["fault"] ?? "") !== undefined) })
  }
  const window = state.windows[0]
  set(element("maintenance"), { "aria-pressed": String(state.maintenance) })
  setText(
    element("maintenance"),
    state.maintenance && window !== undefined
      ? `Maintenance, ${Math.ceil((window.to - now()) / 1_000)} s left`
      : "Maintenance, 15 s"
  )
  keyed(
    element("faults"),
    state.faults,
    (fault) => String(fault.id),
    (fault) => {
      const remove = h("button", { type: "button", class: "quiet", "aria-label": `Remove ${fault.fault}` }, "Remove")
      remove.addEventListener("click", () => run("DELETE", `/_sim/faults/${fault.id}`))
      return h("li", {}, h("code", {}, fault.fault), h("span", { class: "count" }), remove)
    },
    (item, fault) => {
      const count = item.querySelector(".count")
      if (count !== null) setText(count, `acted ${fault.acted} of ${fault.seen}`)
    }
  )
  set(element("healthy"), { hidden: state.faults.length > 0 })
  set(element("heal"), { disabled: state.faults.length === 0 })
}

const showAccounts = (): void => {
  if (state === undefined) return
  const at = now()
  keyed(
    element("accounts"),
    state.accounts,
    (account) => account.uid,
    (account) => AccountCard.make(account.uid, actions),
    (card, account) => AccountCard.update(card, { account, now: at, botRuns: bots.has(account.uid) }, actions)
  )
}

let drawnAt = 0
const calm = matchMedia("(prefers-reduced-motion: reduce)")

const frame = (time: number): void => {
  requestAnimationFrame(frame)
  if (state === undefined || time - drawnAt < (calm.matches ? 500 : 60)) return
  drawnAt = time
  showClock()
  showAccounts()
  Timeline.draw(document.getElementById("timeline") as unknown as SVGElement, {
    entries,
    accounts: state.accounts.slice(0, 8),
    faults: state.faults,
    now: now()
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------------------------------------------------

Control.listen({
  connected: (connected) => {
    set(document.body, { "data-connected": String(connected) })
    setText(element("connection"), connected ? "live" : "reconnecting")
  },
  state: (next) => {
    const first = state === undefined || state.startedAt !== next.startedAt
    const emptied = state !== undefined && next.journal.total < state.journal.total
    if (first || emptied) {
      entries = []
      places.clear()
      if (next.journal.total > 0) void catchUp(next.journal.total)
    }
    state = next
    receivedAt = performance.now()
    showState()
    showAccounts()
    Log.show(element("log"), entries)
    set(element("quiet"), { hidden: entries.some((entry) => entry._tag === "Request") })
  },
  entries: (fresh, skipped) => {
    for (const entry of fresh) takeEntry(entry)
    if (entries.length > 2 * kept) forget()
    announceFirings(fresh)
    setText(element("skipped"), skipped > 0 ? `${skipped} more entries arrived than this page shows.` : "")
  }
})

const drawing = new CSSStyleSheet()
drawing.replaceSync(Drawing.style)
document.adoptedStyleSheets = [drawing]
setText(element("base"), location.origin)
setInterval(runBots, 100)
requestAnimationFrame(frame)

// ---------------------------------------------------------------------------------------------------------------------
// Buttons and keys
// ---------------------------------------------------------------------------------------------------------------------

for (const button of document.querySelectorAll<HTMLElement>("[data-fault]")) {
  button.addEventListener("click", () => toggleFault(button.dataset["fault"] ?? ""))
}
for (const button of document.querySelectorAll<HTMLElement>("[data-advance]")) {
  button.addEventListener("click", () => advance(Number(button.dataset["advance"])))
}
element("heal").addEventListener("click", () => run("DELETE", "/_sim/faults"))
element("maintenance").addEventListener("click", () => run("POST", "/_sim/maintenance", { for: 15_000 }))
element("mode").addEventListener("change", (event) =>
  run("PUT", "/_sim/clock", { mode: (event.target as HTMLSelectElement).value })
)
element("custom").addEventListener("submit", (event) => {
  event.preventDefault()
  const field = element("custom-fault") as HTMLInputElement
  act("POST", "/_sim/faults", { fault: field.value }).then(
    () => (field.value = ""),
    () => field.select()
  )
})
element("copy").addEventListener("click", () => {
  void navigator.clipboard.writeText(element("curl").textContent ?? "").then(() => {
    setText(element("copy"), "Copied")
    setTimeout(() => setText(element("copy"), "Copy"), 1_200)
  })
})
for (const anchor of document.querySelectorAll<HTMLAnchorElement>("a[data-guarded]")) {
  anchor.href = Control.link(anchor.getAttribute("href") ?? "")
}

const themes = ["auto", "light", "dark"]
const showTheme = (theme: string): void => {
  set(document.documentElement, { "data-theme": theme === "auto" ? undefined : theme })
  setText(element("theme"), `Theme: ${theme}`)
}
showTheme(localStorage.getItem("theme") ?? "auto")
element("theme").addEventListener("click", () => {
  const theme = themes[(themes.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % themes.length] ?? "auto"
  localStorage.setItem("theme", theme)
  showTheme(theme)
})

const firstAccount = (use: (uid: string) => void): void => {
  const uid = state?.accounts[0]?.uid
  if (uid !== undefined) use(uid)
}

const keys: Readonly<Record<string, () => void>> = {
  s: () => firstAccount(actions.bot),
  b: () => firstAccount((uid) => actions.beat(uid, countdown)),
  o: () => firstAccount(actions.place),
  c: () => toggleFault("partition"),
  h: () => run("DELETE", "/_sim/faults"),
  ".": () => advance(1_000)
}
document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return
  const does = keys[event.key]
  if (does === undefined) return
  event.preventDefault()
  does()
})
