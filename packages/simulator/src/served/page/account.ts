/**
 * One account as a card: its countdown as a ring that each beat refills, its state, its orders, and its buttons. An order
 * that is no longer open stays in the list for a minute, struck through.
 */
import type { Account, Order } from "./control.js"
import { h, keyed, set, setText } from "./dom.js"
import { endings } from "./events.js"
import type { Gone, Named } from "./journalCopy.js"
import * as Time from "./time.js"

const radius = 54
const around = 2 * Math.PI * radius

/** The buttons of an account. */
export interface Actions {
  readonly beat: (uid: string, countdown: string) => void
  readonly bot: (uid: string) => void
  readonly place: (uid: string) => void
  readonly cancel: (uid: string, orderId: string) => void
}

export interface Shown {
  readonly account: Account
  readonly now: number
  readonly gone: ReadonlyArray<Gone>
  /** When the switch was last armed or refilled. */
  readonly lastBeat: number | undefined
  readonly botRuns: boolean
  /** Whether a bot beats that is not of this page. */
  readonly otherBot: boolean
}

const button = (label: string, action: () => void, attributes: Readonly<Record<string, string>> = {}) => {
  const element = h("button", { type: "button", ...attributes }, label)
  element.addEventListener("click", action)
  return element
}

export const make = (uid: string, actions: Actions): HTMLElement =>
  h(
    "article",
    { class: "card account", "aria-label": `Account ${uid}` },
    h(
      "div",
      { class: "dial" },
      h(
        "svg",
        { class: "ring", viewBox: "0 0 128 128", "aria-hidden": "true" },
        h("circle", { class: "track", cx: "64", cy: "64", r: String(radius) }),
        h("circle", {
          class: "arc",
          cx: "64",
          cy: "64",
          r: String(radius),
          transform: "rotate(-90 64 64)",
          "stroke-dasharray": String(around)
        })
      ),
      h("div", { class: "reading" }, h("span", { class: "left" }), h("span", { class: "unit" }))
    ),
    h(
      "div",
      { class: "facts" },
      h(
        "div",
        { class: "title" },
        h("h2", {}, uid),
        h("span", { class: "state", role: "status" }),
        h("span", { class: "last" }, h("span", { class: "ago" }), h("span", { class: "by" }))
      ),
      h("p", { class: "why" })
    ),
    h(
      "div",
      { class: "row" },
      button("Start demo bot", () => actions.bot(uid), { class: "bot", "data-do": "bot" }),
      button("Beat once", () => actions.beat(uid, "10"), { "data-do": "beat", title: "Arms or refills the switch" }),
      button("Disarm", () => actions.beat(uid, "0"), { "data-do": "disarm", title: "Turns the switch off" }),
      button("Place order", () => actions.place(uid), { "data-do": "place" })
    ),
    h("ul", { class: "orders", "aria-label": `Orders of ${uid}`, tabindex: "0" }),
    h("p", { class: "none" }, "No open orders.")
  )

/** A row of the list: an order that is open, or one that was. */
interface Row {
  readonly orderId: string
  readonly order: Named
  readonly since: number
  readonly gone: Gone | undefined
}

const rowsOf = (open: ReadonlyArray<Order>, gone: ReadonlyArray<Gone>): ReadonlyArray<Row> => {
  const isOpen = new Set(open.map(({ orderId }) => orderId))
  return [
    ...open.map((order): Row => ({ orderId: order.orderId, order, since: order.createdTime, gone: undefined })),
    ...gone
      .filter(({ orderId }) => !isOpen.has(orderId))
      .map((gone): Row => ({ orderId: gone.orderId, order: gone.order, since: gone.placedAt, gone }))
    // Where it was while it was open.
  ].sort((a, b) => a.since - b.since || (a.orderId < b.orderId ? -1 : 1))
}

const orderItem =
  (uid: string, actions: Actions) =>
  ({ order, orderId }: Row): HTMLElement =>
    h(
      "li",
      {},
      h("span", { class: `side ${order.side}` }, order.side),
      h("span", { class: "what" }, `${order.qty} ${order.symbol} ${order.price ? `@ ${order.price}` : "market"}`),
      h("span", { class: "age" }),
      h("span", { class: "end" }),
      button("Cancel", () => actions.cancel(uid, orderId), {
        class: "quiet",
        "aria-label": `Cancel order ${orderId}`
      })
    )

const updateOrder =
  (now: number) =>
  (item: Element, { gone, since }: Row): void => {
    const find = (selector: string) => item.querySelector(selector) as Element
    set(item, { "data-end": gone?.how })
    setText(find(".age"), Time.ago(now - (gone?.at ?? since)))
    setText(find(".end"), gone === undefined ? "" : endings[gone.how])
    set(find("button"), { hidden: gone !== undefined })
  }

const states = { Armed: "armed", Closed: "off", Fired: "fired" } as const

/** Swells the ring once, when a beat refills it. */
const pulse = (ring: Element): void => {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return
  ring.animate([{ transform: "scale(1.05)", filter: "brightness(1.25)" }, { transform: "scale(1)" }], {
    duration: 600,
    easing: "ease-out"
  })
}

export const update = (card: Element, shown: Shown, actions: Actions): void => {
  const { account, botRuns, gone, lastBeat, now, otherBot } = shown
  const find = (selector: string) => card.querySelector(selector) as Element
  const { switch: state } = account
  const total = state._tag === "Armed" ? state.seconds * 1_000 : 1
  const remaining = state._tag === "Armed" ? Math.max(0, state.deadline - now) : 0
  const share = Math.min(1, remaining / total)
  const urgency = state._tag !== "Armed" ? "" : share > 0.5 ? "calm" : share > 0.25 ? "soon" : "urgent"
  const beat = state._tag === "Armed" ? String(state.armedAt) : card.getAttribute("data-beat")
  const known = card.getAttribute("data-beat")
  if (known !== null && beat !== known) pulse(find(".ring"))
  set(card, { "data-state": states[state._tag], "data-urgency": urgency, "data-beat": beat ?? "" })
  set(find(".arc"), { "stroke-dashoffset": (around * (1 - share)).toFixed(2) })
  const [left, unit] =
    state._tag === "Armed"
      ? [(remaining / 1_000).toFixed(1), `of ${state.seconds} s`]
      : state._tag === "Fired"
        ? ["0", "fired"]
        : ["–", "not armed"]
  setText(find(".left"), left)
  setText(find(".unit"), unit)
  setText(find(".state"), states[state._tag])
  setText(find(".why"), describe(account, now))
  const at = lastBeat ?? (state._tag === "Armed" ? state.armedAt : undefined)
  setText(find(".ago"), at === undefined ? "" : `last beat ${Time.agoExactly(now - at)}`)
  setText(find(".by"), otherBot && at !== undefined ? ", from your bot" : "")
  const bot = find(".bot")
  setText(bot, botRuns ? "Stop demo bot" : "Start demo bot")
  set(bot, {
    class: botRuns || otherBot ? "bot" : "bot primary",
    "aria-pressed": String(botRuns),
    title: otherBot
      ? "A bot beats for this account already, and two overwrite each other's countdown"
      : "Beats every 3 s, and places four orders"
  })
  const rows = rowsOf(account.orders, gone)
  keyed(find(".orders"), rows, (row) => row.orderId, orderItem(account.uid, actions), updateOrder(now))
  set(find(".none"), { hidden: rows.length > 0 })
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

const describe = ({ openOrders, switch: state }: Account, now: number): string => {
  switch (state._tag) {
    case "Armed":
      return `Without another beat, ${openOrders === 0 ? "everything open" : plural(openOrders, "open order")} will be cancelled.`
    case "Fired":
      return `The exchange cancelled ${plural(state.orders, "order")} ${Time.ago(now - state.at)} and closed the switch. Only a new beat arms it again.`
    case "Closed":
      return "The switch is off. If the bot dies, its orders stay open."
  }
}
