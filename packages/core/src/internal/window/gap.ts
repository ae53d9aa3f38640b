/**
 * The verdict of an acknowledgement on the time before it, and the gap that stays open.
 *
 * @internal
 */
import {
  type Acknowledged,
  type Assumptions,
  elapsedAtLeast,
  elapsedAtMost,
  type FireWindow,
  type Gap,
  type Pending,
  type Reading,
  type Stamps,
  type Verdict
} from "./models.js"

/**
 * The acknowledgement under judgement.
 *
 * @internal
 */
export interface Answer {
  readonly write: Pending
  readonly at: Reading
  readonly stamps: Stamps | undefined
}

/**
 * The verdict on the time since the base, and the gap that stays. `earliest` is the early edge at the answer.
 *
 * @internal
 */
export const judge = (
  before: FireWindow,
  answer: Answer,
  earliest: number
): { readonly verdict: Verdict; readonly gap: Gap | undefined } => {
  const { acknowledged: last, assumptions, gap, predecessor } = before
  const recent = shortestOf(last === undefined ? before.pending : [last, ...before.pending])
  const earlier = gap?.shortest ?? predecessor?.shortestCountdown ?? Infinity
  const shortest = Math.min(earlier, recent)
  const base: Gap["base"] | undefined =
    gap?.base ?? last ?? (predecessor && { stamps: inOrder(predecessor), sent: undefined, answered: undefined })
  // Nothing was armed before that could have fired.
  if (base === undefined) return { verdict: "held", gap: undefined }
  if (heldFor(base, answer, assumptions, shortest) && !claimsLess(base, answer, assumptions)) {
    return { verdict: "held", gap: undefined }
  }
  const step = last === undefined ? "open" : stepVerdict(before, last, answer, recent, earliest)
  const settled = gap === undefined || (!gap.confirmed && settles(base, last, answer, assumptions))
  if (step === "held" && settled) return { verdict: "held", gap: undefined }
  const extended: Gap = {
    // The other process had its answer before this window's first write left.
    base: base.answered === undefined ? { ...base, answered: answer.write.sent } : base,
    shortest,
    ...(step === "held" && gap !== undefined
      ? { upTo: gap.upTo, end: gap.end }
      : { upTo: answer.write.id, end: { sent: answer.write.sent, answered: answer.at, stamps: answer.stamps } }),
    confirmed: gap !== undefined || step !== "contradicted"
  }
  return { verdict: step === "fired" ? "fired" : "open", gap: extended }
}

/**
 * The shortest countdown among the writes that start one, ms.
 *
 * @internal
 */
export const shortestOf = (writes: ReadonlyArray<{ readonly countdown: number }>): number =>
  writes.reduce((least, { countdown }) => (countdown === 0 ? least : Math.min(least, countdown)), Infinity)

/** The verdict between two consecutive acknowledgements. Here the host's clocks are evidence, too. */
const stepVerdict = (
  before: FireWindow,
  last: Acknowledged,
  answer: Answer,
  shortest: number,
  earliest: number
): Verdict | "contradicted" => {
  const { assumptions } = before
  if (heldFor(last, answer, assumptions, shortest)) {
    return earliest <= 0 && claimsLess(last, answer, assumptions) ? "contradicted" : "held"
  }
  const passed = atTheVenue(last, answer, assumptions)
  const impossible = passed !== undefined && !agree(last, answer, assumptions)
  if (earliest > 0) return impossible ? "contradicted" : "held"
  const fired =
    passed !== undefined &&
    !impossible &&
    before.pending.length === 0 &&
    passed.least > last.countdown + assumptions.triggerLatency
  return fired ? "fired" : "open"
}

/**
 * Whether an answer removes the doubt about the one before it, which was the only reason for the gap. That one claimed
 * more time than the host's clocks, and has no stamps any more: the answer has to agree with the clocks since the base.
 * Or it claimed less time: the answer, perhaps of another machine, has to agree with it.
 */
const settles = (
  base: Gap["base"],
  last: Acknowledged | undefined,
  answer: Answer,
  assumptions: Assumptions
): boolean =>
  last?.stamps === undefined
    ? agree(base, answer, assumptions)
    : agree(last, answer, assumptions) && !claimsLess(last, answer, assumptions)

/**
 * Whether the stamps claim less time than the host's clocks may have measured. Either the wall clock was set forward, or
 * the host was suspended and one machine of the exchange has a wrong clock.
 */
const claimsLess = (from: Gap["base"], answer: Answer, assumptions: Assumptions): boolean => {
  const passed = atTheVenue(from, answer, assumptions)
  return (
    passed !== undefined && from.answered !== undefined && passed.most < elapsedAtMost(from.answered, answer.write.sent)
  )
}

/** Whether the stamps prove that less time than the shortest countdown has passed since the base. */
const heldFor = (from: Gap["base"], answer: Answer, assumptions: Assumptions, shortest: number): boolean => {
  const passed = atTheVenue(from, answer, assumptions)
  return passed !== undefined && passed.most < shortest
}

/**
 * Whether the time between two writes by the exchange's stamps can be the time by the host's clocks.
 *
 * @internal
 */
export const agree = (from: Gap["base"], answer: Answer, assumptions: Assumptions): boolean => {
  const passed = atTheVenue(from, answer, assumptions)
  return passed !== undefined && (from.sent === undefined || passed.least <= elapsedAtMost(from.sent, answer.at))
}

/**
 * The time at the exchange between its actions on two writes, by its own stamps, in ms. `undefined` where the stamps
 * are no evidence: one is missing, or they claim less time than the host's monotonic clock measured.
 */
const atTheVenue = (
  from: Gap["base"],
  { stamps: to, write }: Answer,
  { stampTolerance }: Assumptions
): { readonly least: number; readonly most: number } | undefined => {
  if (from.stamps === undefined || to === undefined) return undefined
  const most = to.completedAt - from.stamps.acceptedAt + stampTolerance
  const surely = from.answered === undefined ? 0 : elapsedAtLeast(from.answered, write.sent)
  return most < surely ? undefined : { least: to.acceptedAt - from.stamps.completedAt - stampTolerance, most }
}

/**
 * Drops stamps that completed before they were accepted.
 *
 * @internal
 */
export const inOrder = (stamps: Stamps | undefined): Stamps | undefined =>
  stamps !== undefined && stamps.acceptedAt <= stamps.completedAt ? stamps : undefined
