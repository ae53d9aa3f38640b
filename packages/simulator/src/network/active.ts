/**
 * The faults in force: adds and removes them, and selects those that act on a request.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Fault from "./Fault.js"
import { print, stage } from "./Fault.js"
import type { Active, Passage, Request, State } from "./model.js"
import * as Random from "./Random.js"

/**
 * The largest number of faults of a network. It bounds the cost of a request, because each is compared with all faults.
 *
 * @since 0.1.0
 * @category constants
 */
export const mostFaults = 1_000

/**
 * The network has {@link mostFaults} faults already.
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
      `The network has ${this.most} faults and accepts no more: remove some first. To act on several ` +
      `accounts or endpoints, name all of them in one fault: account=1000001,1000002.`
    )
  }
}

/**
 * Adds a fault. Returns the fault in force and the next state. Does not check {@link mostFaults}.
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
 * Removes the fault with this id, if there is one.
 *
 * @since 0.1.0
 * @category faults
 */
export const remove = (state: State, id: number): State => ({
  ...state,
  faults: state.faults.filter((active) => active.id !== id)
})

/**
 * Removes all faults.
 *
 * @since 0.1.0
 * @category faults
 */
export const heal = (state: State): State => (state.faults.length === 0 ? state : { ...state, faults: [] })

/**
 * The faults that cannot act again, because they have acted `times` times or their span has ended.
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
 * The instant from which a fault no longer acts, `Infinity` without an end.
 *
 * @since 0.1.0
 * @category faults
 */
export const endOf = (active: Active): number => active.since + (active.fault.on.to ?? Infinity)

const endsWith = (path: string, end: string): boolean => path === end || path.endsWith(`/${end.replace(/^\//, "")}`)

const selects = (active: Active, request: Request, now: number): boolean => {
  const { on } = active.fault
  // A request without an account, such as one for the time, counts only when the fault names its endpoint.
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

/** The faults that act on this passage at one moment, and the state with their counters. */
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
    // Only the first fault answers an arrival, so the others do not act.
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
