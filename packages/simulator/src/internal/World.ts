/**
 * The simulator's one mutable place: the state of the exchange, the requests under way and the journal, moved along the
 * clock. All of it is synchronous. Whoever looks at it moves it to now first (`pump`), so that no result depends on the
 * order in which fibers wake; sleepers only see to it that pushes come by themselves.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Exchange from "../Exchange.js"
import type * as Journal from "../Journal.js"
import * as Protocol from "../Protocol.js"
import * as Heap from "./Heap.js"

/** What the client gets in the end. */
export type Outcome =
  | {
      readonly _tag: "Answer"
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Reset" }

/** A request as the client hands it over. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  readonly ip?: string | undefined
}

/** A request under way: `outcome` once there is one, and who wants to hear of it. */
export interface Pending {
  outcome: Outcome | undefined
  listener: ((outcome: Outcome) => void) | undefined
  readonly record: Mutable<Journal.RequestRecord>
}

export type Mutable<A> = { -readonly [K in keyof A]: A[K] }

interface Task extends Heap.Ranked {
  readonly run: (at: number) => void
}

export class World {
  state: Exchange.State
  readonly journal: Journal.Journal
  readonly clock: () => number
  /** Called with the instant of the next thing to do, whenever it may have moved to the front. */
  onDue: ((at: number) => void) | undefined
  readonly listeners = new Set<(entry: Journal.Entry) => void>()
  private tasks: Heap.Heap<Task> = undefined
  private rank = 0
  private ids = 0
  private pumping = false

  constructor(state: Exchange.State, journal: Journal.Journal, clock: () => number) {
    this.state = state
    this.journal = journal
    this.clock = clock
  }

  /** Does everything that is due, and says what time it is (venue ms). */
  pump(): number {
    const now = this.clock()
    // What runs below may look at the world itself; it is on its way to `now` already.
    if (this.pumping) return this.state.now
    this.pumping = true
    try {
      while (this.tasks !== undefined && this.tasks.item.at <= now) {
        const task = this.tasks.item
        this.tasks = Heap.pop(this.tasks)
        task.run(task.at)
      }
      if (now > this.state.now) {
        const [state, outputs] = Exchange.advance(this.state, now)
        this.state = state
        this.record(outputs)
      }
    } finally {
      this.pumping = false
    }
    this.announce()
    return now
  }

  /** When there is something to do next, by itself. */
  due(): number | undefined {
    const task = this.tasks?.item.at ?? Infinity
    const exchange = Exchange.nextDue(this.state) ?? Infinity
    const at = Math.min(task, exchange)
    return at === Infinity ? undefined : at
  }

  step(event: Exchange.Event): ReadonlyArray<Exchange.Output> {
    const now = this.pump()
    const [state, outputs] = Exchange.step(this.state, event, now)
    this.state = state
    this.record(outputs)
    this.announce()
    return outputs
  }

  note(entry: Journal.Entry): void {
    this.journal.append(entry)
    this.tell(entry)
  }

  send(request: Outgoing): Pending {
    const now = this.pump()
    const key = request.headers["access-key"]
    const known = key === undefined ? undefined : Option.getOrUndefined(HashMap.get(this.state.keys, key))
    const endpoint = Protocol.endpointOf(request.path)
    const record: Mutable<Journal.RequestRecord> = {
      _tag: "Request",
      id: ++this.ids,
      copyOf: undefined,
      account: known?.uid,
      endpoint: endpoint?.name ?? "unknown",
      method: request.method,
      body: endpoint === undefined ? "" : request.body.slice(0, 200),
      sentAt: now,
      arrivedAt: undefined,
      appliedAt: undefined,
      answeredAt: undefined,
      receivedAt: undefined,
      abortedAt: undefined,
      status: undefined,
      code: undefined,
      faults: []
    }
    this.note(record)
    const pending: Pending = { outcome: undefined, listener: undefined, record }
    this.arrive(request, pending, now)
    this.announce()
    return pending
  }

  /** The client gives up; what is under way stays under way. */
  abort(pending: Pending): void {
    pending.listener = undefined
    if (pending.outcome !== undefined) return
    pending.record.abortedAt = this.pump()
    this.tell(pending.record)
  }

  private arrive(request: Outgoing, pending: Pending, at: number): void {
    pending.record.arrivedAt = at
    this.at(at, this.state.venue.timeToApply, (now) => this.apply(request, pending, at, now))
  }

  private apply(request: Outgoing, pending: Pending, acceptedAt: number, now: number): void {
    const [state, response, outputs] = Protocol.handle(
      this.state,
      { ...request, id: pending.record.id, acceptedAt },
      now
    )
    this.state = state
    this.record(outputs)
    pending.record.code = response.code
    if (response.applied) pending.record.appliedAt = now
    this.at(now, this.state.venue.timeToComplete, (at) => {
      pending.record.answeredAt = at
      this.deliver(pending, { _tag: "Answer", ...response }, at)
    })
  }

  private deliver(pending: Pending, outcome: Outcome, at: number): void {
    if (pending.record.abortedAt !== undefined) return
    if (outcome._tag === "Answer") {
      pending.record.receivedAt = at
      pending.record.status = outcome.status
    }
    pending.outcome = outcome
    this.tell(pending.record)
    pending.listener?.(outcome)
  }

  /** Now, when there is nothing to wait for; else as soon as the clock is there. */
  private at(now: number, delay: number, run: (at: number) => void): void {
    if (delay <= 0) run(now)
    else this.tasks = Heap.insert(this.tasks, { at: now + delay, rank: this.rank++, run })
  }

  private announce(): void {
    if (this.onDue === undefined) return
    const at = this.due()
    if (at !== undefined) this.onDue(at)
  }

  private tell(entry: Journal.Entry): void {
    for (const listener of this.listeners) listener(entry._tag === "Request" ? { ...entry } : entry)
  }

  private record(outputs: ReadonlyArray<Exchange.Output>): void {
    for (const output of outputs) {
      const entry = entryOf(output)
      if (entry !== undefined) this.note(entry)
    }
  }
}

const entryOf = (output: Exchange.Output): Journal.Entry | undefined => {
  switch (output._tag) {
    case "Switch":
    case "Maintenance":
      return output
    case "Placed": {
      const { account, at, by, order } = output
      const { category, clientOid, orderId, orderType, posSide, price, qty, reduceOnly, side, symbol, timeInForce } =
        order
      return {
        _tag: "Placed",
        account,
        at,
        orderId,
        order: {
          category,
          symbol,
          side,
          orderType,
          qty,
          price,
          timeInForce,
          clientOid,
          posSide,
          reduceOnly
        } as Exchange.NewOrder,
        by
      }
    }
    case "Cancelled":
      return {
        _tag: "Cancelled",
        account: output.account,
        at: output.at,
        orderId: output.order.orderId,
        cause: output.cause,
        by: output.by
      }
    case "Filled":
      return {
        _tag: "Filled",
        account: output.account,
        at: output.at,
        orderId: output.order.orderId,
        qty: output.qty,
        price: output.price
      }
    case "Refused":
      return undefined
  }
}
