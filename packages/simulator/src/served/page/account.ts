/**
 * One account as a card: its countdown as a ring that each beat refills, its state, its open orders, and its buttons.
 */
import type { Account, Order } from "./control.js"
import { h, keyed, set, setText } from "./dom.js"
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
  readonly botRuns: boolean
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
      h("div", { class: "title" }, h("h2", {}, uid), h("span", { class: "state", role: "status" })),
      h("p", { class: "why" }),
      h(
        "div",
        { class: "row" },
        button("Start demo bot", () => actions.bot(uid), { class: "bot primary", "data-do": "bot" }),
        button("Beat once", () => actions.beat(uid, "10"), { "data-do": "beat" }),
        button("Disarm", () => actions.beat(uid, "0"), { "data-do": "disarm" }),
        button("Place order", () => actions.place(uid), { "data-do": "place" })
      )
    ),
    h("ul", { class: "orders", "aria-label": `Open orders of ${uid}` }),
    h("p", { class: "none" }, "No open orders.")
  )

const orderItem =
  (uid: string, actions: Actions) =>
  (order: Order): HTMLElement =>
    h(
      "li",
      {},
      h("span", { class: `side ${order.side}` }, order.side),
      h("span", { class: "what" }, `${order.qty} ${order.symbol}`),
      h("span", { class: "price" }, order.price === "" ? "market" : `@ ${order.price}`),
      h("span", { class: "age" }),
      button("Cancel", () => actions.cancel(uid, order.orderId), {
        class: "quiet",
        "aria-label": `Cancel order ${order.orderId}`
      })
    )

const states = { Armed: "armed", Closed: "off", Fired: "fired" } as const

export const update = (card: Element, { account, botRuns, now }: Shown, actions: Actions): void => {
  const find = (selector: string) => card.querySelector(selector) as Element
  const { switch: state } = account
  const total = state._tag === "Armed" ? state.seconds * 1_000 : 1
  const remaining = state._tag === "Armed" ? Math.max(0, state.deadline - now) : 0
  const share = Math.min(1, remaining / total)
  const urgency = state._tag !== "Armed" ? "" : share > 0.5 ? "calm" : share > 0.25 ? "soon" : "urgent"
  set(card, { "data-state": states[state._tag], "data-urgency": urgency })
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
  const bot = find(".bot")
  setText(bot, botRuns ? "Stop demo bot" : "Start demo bot")
  set(bot, { "aria-pressed": String(botRuns) })
  keyed(
    find(".orders"),
    account.orders,
    (order) => order.orderId,
    orderItem(account.uid, actions),
    (item, order) => {
      const age = item.querySelector(".age")
      if (age !== null) setText(age, Time.ago(now - order.createdTime))
    }
  )
  set(find(".none"), { hidden: account.orders.length > 0 })
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
