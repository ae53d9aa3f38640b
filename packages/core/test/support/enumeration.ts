/**
 * Enumerates the possible histories of a few writes: every instant at which the exchange may have acted on each.
 */
import * as FireWindow from "@effect-deadman/core/FireWindow"
import * as fc from "fast-check"

export const at = (time: number, wall: number = time): FireWindow.Reading => ({ mono: time, wall })

interface Write {
  readonly gap: number
  readonly countdown: number
  readonly end: "acknowledged" | "refused" | "unresolved"
  readonly took: number
}

interface Placed extends Write {
  readonly id: number
  readonly sent: number
  readonly ended: number
}

export const horizon = 6
export const triggerLatency = 1
export const assumptions = { triggerLatency, stampTolerance: 0 }

export const place = (writes: ReadonlyArray<Write>): ReadonlyArray<Placed> => {
  let now = 0
  return writes.map((write, id) => {
    const sent = now + write.gap
    now = sent + write.took
    return { ...write, id, sent, ended: now }
  })
}

export const fold = (writes: ReadonlyArray<Placed>, from = FireWindow.empty(assumptions)): FireWindow.FireWindow =>
  writes.reduce((window, { countdown, end, ended, id, sent }) => {
    const flying = FireWindow.sent(window, { id, at: at(sent), countdown, horizon })
    return end === "acknowledged"
      ? FireWindow.acknowledged(flying, id, at(ended), undefined).window
      : end === "refused"
        ? FireWindow.refused(flying, id)
        : FireWindow.unresolved(flying, id)
  }, from)

/** Every instant at which the exchange may have acted on a write; `undefined` is never. */
export const applications = (write: Placed): ReadonlyArray<number | undefined> => {
  const instants: Array<number | undefined> = []
  if (write.end === "refused") return [undefined]
  const last = write.end === "acknowledged" ? write.ended : write.sent + horizon
  for (let instant = write.sent; instant <= last; instant++) instants.push(instant)
  if (write.end === "unresolved") instants.push(undefined)
  return instants
}

export const product = <A>(lists: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<ReadonlyArray<A>> =>
  lists.reduce<ReadonlyArray<ReadonlyArray<A>>>(
    (rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])),
    [[]]
  )

/**
 * The deadlines that pass when the exchange acts on the writes at the given instants. Of two at one instant, the one
 * sent first comes first. With `"last"`, an unanswered one comes last.
 */
export const deadlines = (
  writes: ReadonlyArray<Placed>,
  instants: ReadonlyArray<number | undefined>,
  unanswered: "in order" | "last" = "in order"
) => {
  const order = (write: Placed) => write.id + (write.end === "unresolved" && unanswered === "last" ? 1_000 : 0)
  const acts = writes
    .flatMap((write, index) => {
      const instant = instants[index]
      return instant === undefined ? [] : [{ instant, write }]
    })
    .sort((a, b) => a.instant - b.instant || order(a.write) - order(b.write))
  const fires: Array<{ readonly at: number; readonly by: number }> = []
  acts.forEach(({ instant, write }, index) => {
    if (write.countdown === 0) return
    const deadline = instant + write.countdown
    const next = acts[index + 1]
    if (next === undefined || next.instant > deadline) fires.push({ at: deadline, by: instant })
  })
  return fires
}

export const writes: fc.Arbitrary<ReadonlyArray<Write>> = fc.array(
  fc.record<Write>({
    gap: fc.integer({ min: 0, max: 4 }),
    countdown: fc.constantFrom(0, 5, 7, 10),
    end: fc.constantFrom("acknowledged", "acknowledged", "refused", "unresolved"),
    took: fc.integer({ min: 0, max: 3 })
  }),
  { minLength: 1, maxLength: 4 }
)
