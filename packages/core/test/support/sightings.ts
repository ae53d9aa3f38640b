/**
 * Orders and lists of open orders around the random histories of writes. A refused write stands for the request for a
 * list, because it reaches the exchange and changes nothing.
 *
 * The rule of a sighting is stated as inequalities over the whole list of writes. Only the types are shared with the
 * module under test.
 */
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import type * as Sighting from "@effect-deadman/core/Sighting"
import * as fc from "fast-check"
import * as Histories from "./histories.js"

const { mostly, stampTolerance, triggerLatency } = Histories
const cancelLatency = 3
const placingLatency = 2
const maxStaleness = 1
export const assumptions = { ...Histories.assumptions, cancelLatency, placingLatency, maxStaleness }
/** The time that a firing takes until no list shows its orders, ms. */
const settling = triggerLatency + cancelLatency + maxStaleness

/** One order of the account. All times in ms. */
export interface Drawn {
  /** The step after whose sending it is created, and how much later. */
  readonly step: number
  readonly later: number
  readonly placing: number
  /** The clock that stamps its creation, relative to the slowest. */
  readonly stamped: number
  /** From its creation until it is filled, or cancelled by its owner; `undefined` is never. */
  readonly lives: number | undefined
  /** From the start of a firing's cancels until its own. */
  readonly cancel: number
  /** Whether the switch cancels orders of its type. The callers' predicate drops the others. */
  readonly cancelled: boolean
}

export interface Drama {
  readonly steps: ReadonlyArray<Histories.Step>
  readonly orders: ReadonlyArray<Drawn>
  /** Of each list: the age of the book that it shows. */
  readonly stale: ReadonlyArray<number>
  /** Whether a write that comes between the deadline and the trigger is too late to stop the cancels. */
  readonly decides: boolean
  /** The step whose stamps come from a gateway whose clock is far ahead. */
  readonly ahead: number | undefined
}

const oneOf = <A extends string | number>(...values: ReadonlyArray<A>) => fc.constantFrom(...values)
const rarely = {
  suspended: mostly(0, 14, fc.integer({ min: 1, max: 15 })),
  suspendedInFlight: fc.constant(0),
  stamped: mostly<boolean>(true, 14, fc.constant(false)),
  out: oneOf(0, 0, 0, 3),
  back: oneOf(0, 0, 0, 3),
  lag: oneOf(0, 1, triggerLatency, triggerLatency)
}

/** A write before the base, the base, writes of a gap, its end, lists; then more writes and lists. */
const acts = fc.tuple(
  fc.array(
    Histories.stepWith({
      ...rarely,
      end: oneOf("unresolved"),
      countdown: oneOf(0, 5, 5, 7),
      late: fc.integer({ min: 0, max: 9 })
    }),
    { maxLength: 1 }
  ),
  fc.tuple(
    Histories.stepWith({ ...rarely, end: oneOf("acknowledged"), countdown: oneOf(7, 10, 15, 15), idle: oneOf(0, 1) })
  ),
  fc.array(
    Histories.stepWith({
      ...rarely,
      end: oneOf("acknowledged", "unresolved", "unresolved", "refused"),
      countdown: oneOf(7, 10, 10, 15),
      late: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined })
    }),
    { maxLength: 2 }
  ),
  fc.tuple(
    Histories.stepWith({
      ...rarely,
      end: oneOf("acknowledged"),
      countdown: oneOf(10, 15),
      idle: oneOf(4, 7, 8, 10, 11, 11, 15, 16, 16)
    })
  ),
  fc.array(Histories.stepWith({ ...rarely, end: oneOf("refused"), idle: oneOf(0, 2, 4, 5) }), {
    minLength: 1,
    maxLength: 3
  }),
  fc.array(
    Histories.stepWith({
      ...rarely,
      countdown: oneOf(0, 5, 10, 15),
      idle: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 9 }) }, { weight: 1, arbitrary: oneOf(30) }),
      end: oneOf("acknowledged", "unresolved", "refused", "refused")
    }),
    { maxLength: 3 }
  )
)

export const dramas: fc.Arbitrary<Drama> = fc.record({
  steps: acts.map((parts) => parts.flat()),
  orders: fc.array(
    fc.record<Drawn>({
      step: fc.integer({ min: 0, max: 4 }),
      later: fc.integer({ min: 0, max: 10 }),
      placing: oneOf(0, 1, placingLatency, placingLatency),
      stamped: fc.integer({ min: 0, max: stampTolerance }),
      lives: mostly<number | undefined>(undefined, 3, fc.integer({ min: 0, max: 30 })),
      cancel: oneOf(0, 1, cancelLatency, cancelLatency),
      cancelled: mostly<boolean>(true, 5, fc.constant(false))
    }),
    { minLength: 3, maxLength: 6 }
  ),
  stale: fc.array(
    fc.oneof(
      { weight: 14, arbitrary: oneOf(0, maxStaleness) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 9 }) }
    ),
    { minLength: 12, maxLength: 12 }
  ),
  decides: mostly<boolean>(true, 3, fc.constant(false)),
  ahead: mostly<number | undefined>(undefined, 5, fc.integer({ min: 0, max: 6 }))
})

/** An order as the exchange has it, by its true clock; `createdAt` is its stamp. */
interface Order extends Drawn {
  readonly createdAt: number
  readonly inBook: number
  /** When it is gone. */
  readonly gone: number
  /** The firing that cancels it, if any. */
  readonly by: Firing | undefined
}

/** A firing: decided at an instant, its cancels begin later. */
export interface Firing {
  readonly decided: number
  readonly begins: number
  /** Between the application of this write and that of the next. */
  readonly after: Histories.Write
}

export interface Page {
  readonly request: Histories.Write
  readonly stale: boolean
  readonly orders: ReadonlyArray<Order & { readonly sighting: Sighting.Sighting }>
}

const firingsOf = (writes: ReadonlyArray<Histories.Write>, decides: boolean): ReadonlyArray<Firing> => {
  const applied = Histories.inOrderOfApplication(writes)
  return applied.flatMap((write, index) => {
    const next = applied[index + 1]
    const deadline = write.appliedAt! + write.countdown
    const begins = deadline + write.lag
    const decided = decides ? deadline : begins
    const inTime = next !== undefined && decided >= next.appliedAt! + (next.firesFirst ? 1 : 0)
    return write.countdown === 0 || inTime ? [] : [{ decided, begins, after: write }]
  })
}

export interface Played {
  readonly writes: ReadonlyArray<Histories.Write>
  readonly pages: ReadonlyMap<number, Page>
  /** Whether it fired after the exchange applied the one write and before it applied the other. */
  readonly firedBetween: (from: Histories.Write, to: Histories.Write) => boolean
  /** The firings after the exchange applied a write, if it receives no write after `until`. */
  readonly firingsAfter: (from: Histories.Write, until: Histories.Write) => ReadonlyArray<Firing>
}

export const play = ({ ahead, decides, orders: drawn, stale, steps }: Drama): Played => {
  const played = Histories.play(steps, false).writes
  const writes = played.map((write) =>
    write.id === ahead && write.stamps !== undefined
      ? {
          ...write,
          stamps: { acceptedAt: write.stamps.acceptedAt + 40, completedAt: write.stamps.completedAt + 40 }
        }
      : write
  )
  const firings = firingsOf(writes, decides)
  const orders = drawn.map((order): Order => {
    const created = writes[Math.min(order.step, writes.length - 1)]!.sentAt + order.later
    const inBook = created + order.placing
    const by = order.cancelled ? firings.find((firing) => inBook < firing.decided) : undefined
    const gone = Math.min(
      order.lives === undefined ? Infinity : inBook + order.lives,
      by === undefined ? Infinity : by.begins + order.cancel
    )
    return { ...order, createdAt: created + order.stamped, inBook, gone, by }
  })
  const pages = new Map<number, Page>()
  for (const write of writes) {
    if (write.end !== "refused") continue
    const readAt = write.reachedAt - stale[write.id]!
    const listed = orders.filter((order) => order.inBook <= readAt && readAt < order.gone)
    pages.set(write.id, {
      request: write,
      stale: stale[write.id]! > maxStaleness,
      orders: listed.map((order) => ({
        ...order,
        sighting: { createdAt: order.createdAt, listedAt: write.stamps?.acceptedAt ?? NaN, sentAt: write.sent }
      }))
    })
  }
  const place = (write: Histories.Write) => Histories.inOrderOfApplication(writes).indexOf(write)
  return {
    writes,
    pages,
    firedBetween: (from, to) => firings.some(({ after }) => place(after) >= place(from) && place(after) < place(to)),
    firingsAfter: (from, until) => {
      const received = writes.filter((write) => write.id <= until.id)
      const applied = Histories.inOrderOfApplication(received)
      return firingsOf(received, decides).filter(({ after }) => applied.indexOf(after) >= applied.indexOf(from))
    }
  }
}

const isInOrder = (stamps: FireWindow.Stamps | undefined): stamps is FireWindow.Stamps =>
  stamps !== undefined && stamps.acceptedAt <= stamps.completedAt

/** Rules that look right, each without one of the conditions. */
export const naive = [
  "without the latencies",
  "without the trigger latency",
  "without the placing latency",
  "without the unresolved writes from before the base",
  "without the check that stamps are possible",
  "with orders from inside the gap",
  "with the last gap only"
] as const
export type Naive = (typeof naive)[number]

/**
 * The rule of a sighting: `createdAt + placing latency + t <` A1 + the shortest countdown that may have applied since,
 * `listedAt + t >=` C2 + the latencies, requested no sooner than r2 + the latencies, of stamps that are possible.
 */
export const provenHeld = (
  writes: ReadonlyArray<Histories.Write>,
  /** The base, the last doubtful acknowledgement, the one before it, and the last one. */
  gap: {
    readonly base: Histories.Write
    readonly before: Histories.Write
    readonly doubtful: Histories.Write
    readonly last: Histories.Write
  },
  { createdAt, listedAt, sentAt }: Sighting.Sighting,
  rule?: Naive
): boolean => {
  const base = rule === "with the last gap only" ? gap.before : gap.base
  const { doubtful, last } = gap
  const [one, two] = [base.stamps, doubtful.stamps]
  if (!isInOrder(one) || !isInOrder(two)) return false
  const t = stampTolerance
  const counting = Histories.mayCount(writes, base, last).filter(
    ({ countdown, id }) =>
      countdown > 0 && (rule !== "without the unresolved writes from before the base" || id >= base.id)
  )
  const earliest = one.acceptedAt + Math.min(...counting.map(({ countdown }) => countdown))
  const settles =
    rule === "without the latencies" ? 0 : rule === "without the trigger latency" ? settling - triggerLatency : settling
  const placing = rule === "without the placing latency" ? 0 : placingLatency
  return (
    (rule === "with orders from inside the gap" ? createdAt < two.completedAt : createdAt + placing + t < earliest) &&
    sentAt.mono - doubtful.ended.mono >= settles &&
    listedAt + t >= two.completedAt + settles &&
    (rule === "without the check that stamps are possible" ||
      (doubtful.sent.mono - base.ended.mono <= two.completedAt - one.acceptedAt + t &&
        sentAt.mono - base.ended.mono <= listedAt - one.acceptedAt + t))
  )
}
