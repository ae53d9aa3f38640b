/** The parts of a plan's exchange that both stacks share: accounts, options, and records in the log. */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as Exchange from "@effect-deadman/simulator/Exchange"
import type { Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"

export const own = "1000001"
export const bystander = "1000002"

/** The wall clock of the world when a run begins. */
export const startOfWorld = 1_700_000_000_000

export const latency = ([min, max]: readonly [number, number]) =>
  min === max ? ({ _tag: "Constant", millis: min } as const) : ({ _tag: "Uniform", min, max } as const)

export const order = (reduceOnly: boolean): Exchange.NewOrder => ({
  category: "USDT-FUTURES",
  symbol: "BTCUSDT",
  side: "buy",
  orderType: "limit",
  qty: "0.01",
  price: "50000",
  reduceOnly: reduceOnly ? "yes" : "no"
})

/** The options of the exchange as the simulator takes them. */
export const venueOptions = (plan: Plan, venueStart: number) => {
  const { maintenance, spares, stamps: _, wrongMachine: __, ...venue } = plan.venue
  return {
    ...venue,
    sparedOrders: spares ? (["reduceOnly"] as const) : [],
    listStaleness: plan.evidence?.listStaleness ?? 0,
    maintenance:
      maintenance === undefined ? [] : [{ from: venueStart + maintenance.from, to: venueStart + maintenance.to }]
  }
}

/** The text of a setting on the wire, by the campaign's own code. */
export const wireOf = (setting: CountdownCancelAll.Setting): string => (setting === "off" ? "0" : String(setting))

const whichAccount = (uid: string): "own" | "bystander" => (uid === own ? "own" : "bystander")

/** Records a change of the switch, from the machine or its journal. */
export const noteSwitch = (
  recorder: Recorder,
  venueStart: number,
  { account, at, deadline, transition }: Extract<Exchange.Output, { readonly _tag: "Switch" }>
): void =>
  recorder.add({
    _tag: "Switched",
    account: whichAccount(account),
    at: at - venueStart,
    transition,
    deadline: deadline === undefined ? undefined : deadline - venueStart
  })

/** Records an order that was placed or cancelled. Remembers which ones a firing spares. */
export const noteOrder = (
  recorder: Recorder,
  plan: Plan,
  venueStart: number,
  change: { readonly account: string; readonly at: number } & (
    | { readonly _tag: "Placed"; readonly order: { readonly reduceOnly?: "yes" | "no" | undefined } }
    | { readonly _tag: "Cancelled"; readonly cause: string }
  ),
  order: string
): void => {
  const placed = change._tag === "Placed"
  if (placed && plan.venue.spares && change.order.reduceOnly === "yes") recorder.spared.add(order)
  const at = change.at - venueStart
  const what = placed ? "placed" : "cancelled"
  const cause = placed ? undefined : change.cause
  recorder.add(
    recorder.spared.has(order)
      ? { _tag: "Spared", at, what, order, cause }
      : { _tag: "Ordered", account: whichAccount(change.account), at, what, order, cause }
  )
}
