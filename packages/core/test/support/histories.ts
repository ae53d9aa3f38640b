/**
 * Random histories of one account at a simulated exchange with several machines, and the rules of the window
 * as inequalities over the whole list of writes. Both share only the types of its input with the fire window.
 */
import * as FireWindow from "@effect-deadman/core/FireWindow"
import { assert } from "@effect/vitest"
import * as fc from "fast-check"

/** Small numbers, so that equal instants and values at the edge of an inequality are frequent. */
const horizon = 12
export const triggerLatency = 2
export const stampTolerance = 2
export const assumptions = { triggerLatency, stampTolerance }

/** One write, with the events before and during it. All times in ms. */
export interface Step {
  /** Before it is sent: awake, then suspended, then the wall clock is set. */
  readonly idle: number
  readonly suspended: number
  readonly wallStep: number
  readonly countdown: number
  readonly end: "acknowledged" | "refused" | "unresolved"
  /** From the send until an answered write is applied, and from there to the answer. */
  readonly out: number
  readonly back: number
  /** Suspend of the host while it is in flight. */
  readonly suspendedInFlight: number
  /** From the send until an unresolved write is applied; `undefined` is never. */
  readonly late: number | undefined
  /** The time from the deadline to the firing. */
  readonly lag: number
  /** The clocks of the machines that accept and complete it, relative to the slowest. */
  readonly accepts: number
  readonly completes: number
  readonly stamped: boolean
  /** At equal instants: an unresolved write is applied before the others, and a firing comes before the write. */
  readonly first: boolean
  readonly firesFirst: boolean
  /** The acknowledgement up to which the owner compares the book. */
  readonly reconcile: "last" | "one before" | undefined
  /** Before this write another heartbeat takes over, in this process or another. Used by the property of hand-overs. */
  readonly takeover: "same process" | "other process" | undefined
  /** The number of acknowledgements since the record that a process leaves when it ends here. */
  readonly recordAge: number
}

export const mostly = <A>(usual: A, weight: number, unusual: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: unusual })

/** A step, with some of its fields drawn otherwise. */
export const stepWith = (fields?: { readonly [K in keyof Step]?: fc.Arbitrary<Step[K]> }): fc.Arbitrary<Step> =>
  fc.record<Step>({
    idle: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 })),
    suspended: mostly(0, 6, fc.integer({ min: 1, max: 25 })),
    wallStep: mostly(0, 2, fc.integer({ min: -30, max: 40 })),
    countdown: fc.constantFrom(0, 5, 7, 10, 15, 20, 30, 30),
    end: fc.constantFrom("acknowledged", "acknowledged", "acknowledged", "unresolved", "refused"),
    out: fc.integer({ min: 0, max: 3 }),
    back: fc.integer({ min: 0, max: 3 }),
    suspendedInFlight: mostly(0, 9, fc.integer({ min: 1, max: 25 })),
    late: mostly<number | undefined>(undefined, 1, fc.integer({ min: 0, max: horizon })),
    lag: fc.integer({ min: 0, max: triggerLatency }),
    accepts: fc.integer({ min: 0, max: stampTolerance }),
    completes: fc.integer({ min: 0, max: stampTolerance }),
    stamped: mostly(true, 4, fc.constant(false)),
    first: fc.boolean(),
    firesFirst: fc.boolean(),
    reconcile: mostly<Step["reconcile"]>(undefined, 3, fc.constantFrom("last", "one before")),
    takeover: mostly<Step["takeover"]>(undefined, 3, fc.constantFrom("same process", "other process")),
    recordAge: fc.integer({ min: 0, max: 2 }),
    ...fields
  })

export const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(stepWith(), { minLength: 2, maxLength: 9 })

interface Reading extends FireWindow.Reading {
  readonly jumped: number
}

/** A write as the host sees it. */
export interface Write extends Step {
  readonly id: number
  readonly sent: Reading
  readonly ended: Reading
  /** The clock of the heartbeat before, when this write is the first of another on the same clock. */
  readonly left: Reading
  readonly stamps: FireWindow.Stamps | undefined
  /** By the exchange's true clock: when it was sent, reached the exchange, and was applied. */
  readonly sentAt: number
  readonly reachedAt: number
  readonly appliedAt: number | undefined
}

export interface History {
  readonly writes: ReadonlyArray<Write>
  /** Whether the switch fired after the exchange applied the one write and before it applied the other. */
  readonly firedBetween: (from: Write, to: Write) => boolean
  /** Whether the exchange applied the one write after the other. */
  readonly appliedAfter: (write: Write, other: Write) => boolean
}

/** Plays the steps. With `takeovers` another process has its own host, and both restart their count of jumps. */
export const play = (steps: ReadonlyArray<Step>, takeovers: boolean): History => {
  let now = 1_000_000
  let host: Reading = { mono: 50, wall: 7_000_000, jumped: 0 }
  const pass = (awake: number, suspended: number, wallStep: number) => {
    now += awake + suspended
    // A running heartbeat reads its clocks between the end of a suspend and a jump of the wall clock.
    for (const { mono, wall } of [
      { mono: awake, wall: awake },
      { mono: 0, wall: suspended },
      { mono: 0, wall: wallStep }
    ]) {
      host = { mono: host.mono + mono, wall: host.wall + wall, jumped: host.jumped + Math.max(0, wall - mono) }
    }
  }
  const writes = steps.map((step, id): Write => {
    const { accepts, back, completes, end, out, suspended, suspendedInFlight, takeover, wallStep } = step
    pass(step.idle, suspended, wallStep)
    const left = host
    if (takeovers && takeover !== undefined) {
      const elsewhere = takeover === "other process"
      host = { mono: elsewhere ? 10 * id : host.mono, wall: elsewhere ? 0 : host.wall, jumped: 0 }
    }
    const sentAt = now
    const sent = host
    pass(out, 0, 0)
    const reached = now
    pass(back, suspendedInFlight, 0)
    // Accepted and completed on different machines, some time before and after the write is applied.
    const stamps = step.stamped
      ? { acceptedAt: reached - (out >> 1) + accepts, completedAt: reached + (back >> 1) + completes }
      : undefined
    const late = step.late === undefined ? undefined : sentAt + step.late
    const appliedAt = end === "acknowledged" ? reached : end === "refused" ? undefined : late
    return { ...step, id, sent, ended: host, left, stamps, sentAt, reachedAt: reached, appliedAt }
  })
  return { writes, ...exchange(writes) }
}

/** The writes that the exchange applies, in that order. */
export const inOrderOfApplication = (writes: ReadonlyArray<Write>): ReadonlyArray<Write> => {
  const rank = (write: Write) => (write.end === "acknowledged" ? 1 : write.first ? 0 : 2)
  return writes
    .filter((write) => write.appliedAt !== undefined)
    .sort((a, b) => a.appliedAt! - b.appliedAt! || rank(a) - rank(b) || a.id - b.id)
}

/** The exchange: one countdown, restarted by each write that it applies. */
const exchange = (writes: ReadonlyArray<Write>): Omit<History, "writes"> => {
  const applied = inOrderOfApplication(writes)
  const place = new Map(applied.map((write, index) => [write.id, index]))
  // Whether it fired between the write at an index and the next.
  const fires = applied.map((write, index) => {
    const next = applied[index + 1]
    const firesAt = write.appliedAt! + write.countdown + write.lag
    return write.countdown > 0 && (next === undefined || firesAt < next.appliedAt! + (next.firesFirst ? 1 : 0))
  })
  return {
    firedBetween: (from, to) => fires.slice(place.get(from.id)!, place.get(to.id)).includes(true),
    appliedAfter: (write, other) => (place.get(write.id) ?? -1) > place.get(other.id)!
  }
}

/** `base`, and the writes before `write` (by default all) that the exchange may have applied after it. */
export const mayCount = (writes: ReadonlyArray<Write>, base: Write, write?: Write): ReadonlyArray<Write> =>
  writes.filter(
    (other) =>
      (write === undefined || other.id < write.id) &&
      (other.end === "unresolved"
        ? other.id > base.id || base.sent.mono - other.sent.mono <= horizon
        : other.end === "acknowledged" && other.id >= base.id)
  )

const atMost = (from: Reading, to: Reading): number =>
  Math.max(to.mono - from.mono + to.jumped - from.jumped, to.wall - from.wall)

/** "*held* needs `C2 - A1 + t <` the shortest countdown that may have applied since", of stamps that are possible. */
export const provenHeld = (writes: ReadonlyArray<Write>, base: Write, write: Write): boolean => {
  const [one, two] = [base.stamps, write.stamps]
  if (one === undefined || two === undefined) return false
  if (one.acceptedAt > one.completedAt || two.acceptedAt > two.completedAt) return false
  const claimed = two.completedAt - one.acceptedAt + stampTolerance
  return (
    write.sent.mono - base.ended.mono <= claimed &&
    mayCount(writes, base, write).every(({ countdown }) => countdown === 0 || claimed < countdown)
  )
}

/**
 * The wall clock has measured more time than the stamps claim: it was set forward, or the host was suspended and a machine
 * of the exchange is wrong.
 */
export const wallContradicts = (one: Write, two: Write): boolean =>
  one.stamps !== undefined &&
  two.stamps !== undefined &&
  atMost(one.ended, two.sent) > two.stamps.completedAt - one.stamps.acceptedAt + stampTolerance

/** Of two answers that follow each other, the second holds by the clocks, or by stamps that no clock contradicts. */
export const stepHolds = (writes: ReadonlyArray<Write>, last: Write, write: Write): boolean =>
  inTime(writes, last, write) || (provenHeld(writes, last, write) && !wallContradicts(last, write))

/** The stamps of one answer that prove that it held are the only ones, and the wall clock contradicts them. */
export const isSuspect = (writes: ReadonlyArray<Write>, last: Write, write: Write): boolean =>
  provenHeld(writes, last, write) && !stepHolds(writes, last, write)

/** An answer agrees with the suspect one before it. */
export const corroborates = (writes: ReadonlyArray<Write>, suspect: Write, write: Write): boolean =>
  stepHolds(writes, suspect, write) &&
  areInOrder(suspect, write) &&
  write.stamps!.acceptedAt - suspect.stamps!.completedAt - stampTolerance <= atMost(suspect.sent, write.ended) &&
  write.sent.mono - suspect.ended.mono <= write.stamps!.completedAt - suspect.stamps!.acceptedAt + stampTolerance &&
  !wallContradicts(suspect, write)

const areInOrder = (...writes: ReadonlyArray<Write>): boolean =>
  writes.every(({ stamps }) => stamps !== undefined && stamps.acceptedAt <= stamps.completedAt)

/** The acknowledgement arrived before the early edge, which counts from the sends, by the host's clocks. */
export const inTime = (writes: ReadonlyArray<Write>, last: Write, write: Write): boolean =>
  mayCount(writes, last, write).every(
    (other) =>
      other.countdown === 0 || atMost(other.id < last.id ? last.sent : other.sent, write.ended) < other.countdown
  )

/**
 * "*fired* needs `A2 - C1 - t > countdown + trigger latency`, no unresolved write in between", and that it is possible.
 */
export const provenFired = (writes: ReadonlyArray<Write>, last: Write, write: Write): boolean => {
  const [one, two] = [last.stamps, write.stamps]
  if (one === undefined || two === undefined) return false
  if (one.acceptedAt > one.completedAt || two.acceptedAt > two.completedAt) return false
  const passed = two.acceptedAt - one.completedAt
  return (
    last.countdown > 0 &&
    mayCount(writes, last, write).length === 1 &&
    write.sent.mono - last.ended.mono <= two.completedAt - one.acceptedAt + stampTolerance &&
    passed <= atMost(last.sent, write.ended) + stampTolerance &&
    passed - stampTolerance > last.countdown + triggerLatency
  )
}

/** Enters a write and its end into the window. */
export const enter = (window: FireWindow.FireWindow, write: Write) => {
  const flying = FireWindow.sent(window, { ...write, at: write.sent, horizon: horizon })
  if (write.end === "acknowledged") return FireWindow.acknowledged(flying, write.id, write.ended, write.stamps)
  const ended = write.end === "refused" ? FireWindow.refused : FireWindow.unresolved
  return { window: ended(flying, write.id), verdict: undefined }
}

/** Counts how often each case occurred. */
export const tally = <K extends string>(...kinds: ReadonlyArray<K>) => {
  const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<K, number>
  return {
    count: (kind: K) => void counts[kind]++,
    /** A case that never occurred proves nothing. */
    assertAll: () => kinds.forEach((kind) => assert.isAbove(counts[kind], 0, `never seen: ${kind}`))
  }
}
