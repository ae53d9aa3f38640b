/**
 * The live page: shows the server's events, sends each button to the control API, and shows the same call as a command.
 */
import * as Drawing from "../../timeline/drawing.js"
import * as AccountCard from "./account.js"
import * as Bots from "./bots.js"
import * as Control from "./control.js"
import { h, keyed, set, setText, showsScroll } from "./dom.js"
import * as Events from "./events.js"
import { JournalCopy } from "./journalCopy.js"
import * as Time from "./time.js"
import * as Timeline from "./timeline.js"

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

let state: Control.State | undefined
let receivedAt = 0
const journal = new JournalCopy()
let orders = 0

/** The exchange's time: the server's last, advanced at the clock's speed. */
const now = (): number =>
  state === undefined ? 0 : state.clock.now + (performance.now() - receivedAt) * state.clock.speed

// ---------------------------------------------------------------------------------------------------------------------
// Actions
// ---------------------------------------------------------------------------------------------------------------------

type Method = "POST" | "PUT" | "DELETE"

const act = async (method: Method, path: string, body?: unknown): Promise<unknown> => {
  const { curl, data, message, ok } = await Control.call(method, path, body)
  setText(element("curl"), curl)
  setText(element("call"), "The last button made this call of the control API.")
  setText(element("problem"), message)
  set(element("problem"), { hidden: ok })
  if (!ok) throw new Error(message)
  return data
}

/** Makes a call whose result is not needed: the new state arrives as an event, and `act` shows a failure. */
const run = (method: Method, path: string, body?: unknown): void => {
  act(method, path, body).catch(() => undefined)
}

const accountPath = (uid: string): string => `/_sim/accounts/${encodeURIComponent(uid)}`
const ordersPath = (uid: string): string => `${accountPath(uid)}/orders`

/** The requests of this page, which are not those of another bot. */
const own = new Set<number>()
let sending = 0

const beat = async (uid: string, countdown: string, call: typeof act): Promise<void> => {
  sending++
  try {
    const data = await call("POST", `${accountPath(uid)}/beat`, { countdown })
    own.add((data as { readonly request: number }).request)
  } catch {
    // The page shows the failure.
  }
  sending--
}

/** A demo bot leaves the command of the last button alone. */
const byBot: typeof act = async (method, path, body) => (await Control.call(method, path, body)).data

const deeds: Bots.Deeds = {
  beat: (uid) => void beat(uid, Bots.countdown, byBot),
  place: (uid, quote) => void byBot("POST", ordersPath(uid), { symbol: "BTCUSDT", qty: "0.01", ...quote })
}

const actions: AccountCard.Actions = {
  beat: (uid, countdown) => void beat(uid, countdown, act),
  bot: (uid) => {
    if (Bots.stop(uid)) return
    Bots.start(uid)
    // Its first beat is the call of the button.
    Bots.run(state?.accounts ?? [], now(), { ...deeds, beat: (uid) => void beat(uid, Bots.countdown, act) })
  },
  place: (uid) => {
    const price = String(50_000 - 50 * (orders++ % 20))
    run("POST", ordersPath(uid), { symbol: "BTCUSDT", side: "buy", qty: "0.01", price })
  },
  cancel: (uid, orderId) => run("DELETE", `${ordersPath(uid)}/${encodeURIComponent(orderId)}`)
}

/** Lets the bots of this page do what is due on the exchange's clock. */
const runBots = (): void => Bots.run(state?.accounts ?? [], now(), deeds)

/** For how long a bot that has beaten counts as one that beats, in ms. */
const beatsWithin = 12_000

const others = new Set<string>()

/** Looks which accounts have a bot that is not of this page. */
const lookForOthers = (): void => {
  // The answer to a beat of this page says which request it was.
  if (sending > 0) return
  others.clear()
  const since = now() - beatsWithin
  for (const entry of journal.entries) {
    if (entry._tag !== "Request" || entry.endpoint !== "countdown-cancel-all" || entry.sentAt < since) continue
    if (entry.account !== undefined && entry.copyOf === undefined && !own.has(entry.id)) others.add(entry.account)
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

const catchUp = async (total: number): Promise<void> => {
  const { data, ok } = await Control.call("GET", `/_sim/journal?after=${Math.max(0, total - 1_000)}`)
  if (ok) journal.takeOlder((data as { readonly entries: ReadonlyArray<Control.Entry> }).entries)
}

const announceFirings = (fresh: ReadonlyArray<Control.Entry>): void => {
  for (const entry of fresh) {
    if (entry._tag !== "Switch" || entry.transition !== "fired") continue
    setText(element("news"), `The switch of account ${entry.account} has fired.`)
    // A bot that went on would arm the switch over an empty book.
    Bots.stop(entry.account)
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
      ? `Maintenance, ${Math.ceil((window.to - now()) / 1_000)} s`
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
  setText(
    element("healthy"),
    state.maintenance
      ? "Maintenance: the exchange refuses every request."
      : "No faults: all requests and answers arrive."
  )
  set(element("heal"), { disabled: state.faults.length === 0 })
  const hidden = state.faults.filter(({ fault }) => fault !== "partition").length
  setText(element("more"), hidden === 0 ? "More" : `More (${hidden})`)
}

const showAccounts = (): void => {
  if (state === undefined) return
  const at = now()
  lookForOthers()
  const shown = (account: Control.Account): AccountCard.Shown => ({
    account,
    now: at,
    gone: journal.gone(account.uid, at),
    lastBeat: journal.lastBeat(account.uid)?.at,
    botRuns: Bots.runs(account.uid),
    otherBot: others.has(account.uid)
  })
  keyed(
    element("accounts"),
    state.accounts,
    (account) => account.uid,
    (account) => AccountCard.make(account.uid, actions),
    (card, account) => AccountCard.update(card, shown(account), actions)
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
    entries: journal.entries,
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
      journal.clear()
      if (next.journal.total > 0) void catchUp(next.journal.total)
    }
    state = next
    receivedAt = performance.now()
    showState()
    showAccounts()
    Events.show(element("log"), journal)
    set(element("quiet"), { hidden: journal.entries.some((entry) => entry._tag === "Request") })
  },
  entries: (fresh, skipped) => {
    journal.take(fresh)
    announceFirings(fresh)
    setText(element("skipped"), skipped > 0 ? `${skipped} more entries arrived than this page shows.` : "")
  }
})

const drawing = new CSSStyleSheet()
drawing.replaceSync(Drawing.style)
document.adoptedStyleSheets = [drawing]
setText(element("base"), location.origin)
setText(element("curl"), Control.curlOf("GET", "/_sim/state"))
showsScroll(element("table"), element("table-box"))
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
element("more").addEventListener("click", () => {
  const open = element("more").getAttribute("aria-expanded") !== "true"
  set(element("more"), { "aria-expanded": String(open) })
  set(element("rest"), { "data-open": open })
})
element("instants").addEventListener("click", () => {
  const every = element("instants").getAttribute("aria-pressed") !== "true"
  set(element("instants"), { "aria-pressed": String(every) })
  set(element("table"), { "data-instants": every })
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
  b: () => firstAccount((uid) => actions.beat(uid, Bots.countdown)),
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
