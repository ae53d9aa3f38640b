/**
 * The faults in force: adding and removing them, and which of them act on a request.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Fault from "./Fault.js"
import { print, stage } from "./Fault.js"
import type { Active, Passage, Request, State } from "./model.js"
import * as Random from "./Random.js"

/**
 * The most faults that a network takes. Each request meets all of them, so that their number bounds its cost.
 *
 * @since 0.1.0
 * @category constants
 */
export const mostFaults = 1_000

/**
 * A fault that does not fit, because the network has {@link mostFaults} already.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyFaults extends Schema.TaggedError<TooManyFaults>("@effect-deadman/simulator/TooManyFaults")(
  "TooManyFaults",
  { most: Schema.Number }
) {
  override get message(): string {
    return (
      `The network has ${this.most} faults, and takes no more: remove some first. A fault that is to act on several ` +
      `accounts or endpoints names them all: account=1000001,1000002.`
    )
  }
}

/**
 * The state with one fault more, and the fault's place in it. It does not check {@link mostFaults}.
 *
 * @since 0.1.0
 * @category faults
 */
export const add = (state: State, fault: Fault.Fault, now: number): readonly [Active, State] => {
  const text = print(fault)
  let twin = 0
  const taken = new Set(state.faults.map((active) => active.stream))
  while (taken.has(`${text}#${twin}`)) twin++
  const active: Active = {
    id: state.nextId,
    fault,
    text,
    since: now,
    seen: 0,
    acted: 0,
    stream: `${text}#${twin}`
  }
  return [active, { ...state, faults: [...state.faults, active], nextId: state.nextId + 1 }]
}

/**
 * The state without the fault of this id; without a change when there is none.
 *
 * @since 0.1.0
 * @category faults
 */
export const remove = (state: State, id: number): State => ({
  ...state,
  faults: state.faults.filter((active) => active.id !== id)
})

/**
 * The state without any fault.
 *
 * @since 0.1.0
 * @category faults
 */
export const heal = (state: State): State => (state.faults.length === 0 ? state : { ...state, faults: [] })

/**
 * The faults that will never act again: those that have acted as often as they may, and those whose span has ended.
 *
 * @since 0.1.0
 * @category faults
 */
export const over = (state: State, now: number): ReadonlyArray<Active> =>
  state.faults.filter((active) => {
    const { times } = active.fault.on
    return (times !== undefined && active.acted >= times) || endOf(active) <= now
  })

/**
 * The instant from which a fault does not act any more: `Infinity` for one without an end.
 *
 * @since 0.1.0
 * @category faults
 */
export const endOf = (active: Active): number => active.since + (active.fault.on.to ?? Infinity)

const endsWith = (path: string, end: string): boolean => path === end || path.endsWith(`/${end.replace(/^\//, "")}`)

const selects = (active: Active, request: Request, now: number): boolean => {
  const { on } = active.fault
  // What no account sends, such as the synchronizing of a clock, uses no count up that does not name it.
  const counts = on.after !== undefined || on.times !== undefined
  if (counts && request.account === undefined && on.endpoint === undefined) return false
  if (on.account !== undefined && (request.account === undefined || !on.account.includes(request.account))) return false
  if (on.endpoint !== undefined && !on.endpoint.some((end) => endsWith(request.endpoint, end))) return false
  if (on.countdown !== undefined) {
    if (request.countdown === undefined) return false
    if (on.countdown === "on" ? request.countdown === "0" : request.countdown !== on.countdown) return false
  }
  const age = now - active.since
  return !(on.from !== undefined && age < on.from) && !(on.to !== undefined && age >= on.to)
}

export const streamOf = (active: Active, passage: Passage, what: string): string =>
  `${active.stream}/${passage.account ?? ""}/${what}`

/** The faults of one moment that act on this passage, and the state with their counters moved. */
export const consult = (
  state: State,
  passage: Passage,
  now: number,
  moment: "departure" | "arrival" | "answer",
  copy = 0
): readonly [ReadonlyArray<Active>, State] => {
  const acting: Array<Active> = []
  let moved = false
  const faults = state.faults.map((active) => {
    const at = stage(active.fault.act)
    const applies = at === moment || (at === "both ways" && moment !== "arrival")
    // Only one can answer at the door: those behind it have had no part in it.
    const late = moment === "arrival" && acting.length > 0
    const spared = moment === "answer" && passage.spared?.includes(active.id) === true
    if (!applies || late || spared || !selects(active, passage, now)) return active
    moved = true
    const { on } = active.fault
    const seen = active.seen + 1
    const spent = on.times !== undefined && active.acted >= on.times
    const drawn =
      on.probability === undefined ||
      Random.uniform(
        state.seed,
        streamOf(active, passage, copy === 0 ? `${moment}?` : `${moment} ${copy}?`),
        passage.ordinal
      ) < on.probability
    if (spent || seen <= (on.after ?? 0) || !drawn) return { ...active, seen }
    const acted = { ...active, seen, acted: active.acted + 1 }
    acting.push(acted)
    return acted
  })
  return [acting, moved ? { ...state, faults } : state]
}
