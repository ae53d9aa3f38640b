/**
 * The simulator's one mutable place: the state of the exchange, the requests under way and the journal, moved along the
 * clock. All of it is synchronous. Each access moves it to now first (`pump`), so no result depends on the order in
 * which fibers wake. Sleepers only make pushes come in time.
 */
import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Exchange from "../exchange/Exchange.js"
import * as Fault from "../network/Fault.js"
import type * as Journal from "../journal/Journal.js"
import * as Network from "../network/Network.js"
import * as Protocol from "../exchange/Protocol.js"
import { declaredAccount, entryOf } from "../journal/entries.js"
import { Tasks } from "./tasks.js"
import type { Party } from "@effect-deadman/virtual-time"

/** The end of a request, as the client sees it. */
export type Outcome =
  | {
      readonly _tag: "Answer"
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      /** The body as it was sent, when only a part of it has arrived. */
      readonly whole?: string | undefined
    }
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Reset" }

/** A request as the client sends it. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  readonly ip?: string | undefined
  /** The party of virtual time that sends it. */
  readonly sender?: Party | undefined
}

/** A request under way: its outcome, once there is one, and its listener. */
export interface Pending {
  outcome: Outcome | undefined
  listener: ((outcome: Outcome) => void) | undefined
  readonly record: Mutable<Journal.RequestRecord>
  readonly sender?: Party | undefined
}

export type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** A request, or a copy of it, on its way. `own` are the faults of its header, which replace the network's. */
interface Flight {
  readonly request: Outgoing
  readonly pending: Pending
  own: ReadonlyArray<Network.Active> | undefined
  passage: Network.Passage | undefined
  readonly copy: number
  /** One for the request and its copies: whether an answer that is not lost has left. */
  readonly answer: { left: boolean }
}

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A request with this header meets only the faults that it names, separated by `|`. */
const faultHeader = "x-simulator-fault"
const mostInHeader = 10

const readFaults = (text: string): Either.Either<ReadonlyArray<Fault.Fault>, string> => {
  const parts = text.split("|", mostInHeader + 1)
  return parts.length > mostInHeader
    ? Either.left(`The header ${faultHeader} names more than ${mostInHeader} faults: name fewer.`)
    : Either.mapLeft(Either.all(parts.map((part) => Fault.parse(part))), (error) => error.message)
}

const ownFaults = (
  network: Network.State,
  faults: ReadonlyArray<Fault.Fault>,
  now: number
): ReadonlyArray<Network.Active> =>
  faults.reduce((state, fault) => Network.add(state, fault, now)[1], Network.heal(network)).faults

/** A copy, because a part of a string keeps the whole in memory, and the journal holds thousands. */
const beginning = (body: string): string =>
  body.length <= 200 ? body : Buffer.from(body.slice(0, 200), "utf16le").toString("utf16le")

const countdownIn = (body: string): string | undefined => /"countdown"\s*:\s*"([^"]*)"/.exec(body)?.[1]

export class World {
  state: Exchange.State
  network: Network.State
  readonly journal: Journal.Journal
  readonly clock: () => number
  /** Receives the instant at which something is due next, whenever it may have become earlier. */
  onDue: ((at: number) => void) | undefined
  readonly listeners = new Set<(entry: Journal.Entry) => void>()
  /** Receive each output of the exchange, with the whole order. */
  readonly watchers = new Set<(output: Exchange.Output) => void>()
  /** The parties of virtual time that have sent requests of an account. */
  readonly senders = new Map<string, Set<Party>>()
  /** When the exchange was made or last reset. */
  startedAt = 0
  /** The requests that wait to be overtaken, and how long after that they arrive, in ms. */
  private readonly held = new Map<Flight, number>()
  private readonly tasks = new Tasks()
  private ids = 0
  private pumping = false
  /** When the next fault's span ends. */
  private nextEnd = Infinity

  constructor(state: Exchange.State, network: Network.State, journal: Journal.Journal, clock: () => number) {
    this.state = state
    this.network = network
    this.journal = journal
    this.clock = clock
    this.begin()
  }

  /** Notes all that a replay needs. */
  private begin(): void {
    const { now, venue } = this.state
    this.startedAt = now
    const accounts = Exchange.accounts(this.state).map((account) => declaredAccount(account.declared))
    this.note({ _tag: "Start", at: now, seed: this.network.seed, venue, accounts })
    for (const active of this.network.faults) this.note({ _tag: "Fault", at: now, change: "added", fault: active.text })
    this.nextEnd = Math.min(Infinity, ...this.network.faults.map(Network.endOf))
  }

  /** Does everything that is due, and returns the time (ms of the exchange's clock). */
  pump(): number {
    const now = this.clock()
    // A task may access the world, which is on its way to `now` already.
    if (this.pumping) return this.state.now
    this.pumping = true
    try {
      while (this.tasks.next <= now) {
        const task = this.tasks.take()!
        if (task.at >= this.nextEnd) this.endFaults(task.at)
        task.run(task.at)
      }
      // A release window that began before the exchange was made is due at its start.
      if (now > this.state.now || (Exchange.nextDue(this.state) ?? Infinity) <= now) {
        const [state, outputs] = Exchange.advance(this.state, now)
        this.state = state
        this.record(outputs)
      }
      if (now >= this.nextEnd) this.endFaults(now)
    } finally {
      this.pumping = false
    }
    this.announce()
    return now
  }

  /** When something is due next: whole ms, because the clock reads no fractions. */
  due(): number | undefined {
    const at = Math.min(this.tasks.next, Exchange.nextDue(this.state) ?? Infinity)
    return at === Infinity ? undefined : Math.ceil(at)
  }

  step(event: Exchange.Event): ReadonlyArray<Exchange.Output> {
    const now = this.pump()
    const [state, outputs] = Exchange.step(this.state, event, now)
    this.state = state
    if (event._tag === "AddAccount") {
      // What was due happened first, so it is in the journal before the account.
      this.record(outputs)
      if (!outputs.some((output) => output._tag === "Refused")) {
        this.note({ _tag: "Account", at: now, account: declaredAccount(event.account) })
      }
    } else this.record(outputs)
    this.announce()
    return outputs
  }

  addFault(fault: Fault.Fault): Either.Either<Network.Active, Network.TooManyFaults> {
    const at = this.pump()
    const { mostFaults } = Network
    if (this.network.faults.length >= mostFaults) return Either.left(new Network.TooManyFaults({ most: mostFaults }))
    const [active, network] = Network.add(this.network, fault, at)
    this.network = network
    this.nextEnd = Math.min(this.nextEnd, Network.endOf(active))
    this.note({ _tag: "Fault", at, change: "added", fault: active.text })
    return Either.right(active)
  }

  /** Removes the faults that will never act again, and notes when they ended. */
  private endFaults(now: number): void {
    for (const active of Network.over(this.network, now)) {
      this.network = Network.remove(this.network, active.id)
      this.note({ _tag: "Fault", at: Math.min(now, Network.endOf(active)), change: "over", fault: active.text })
    }
    this.nextEnd = Math.min(Infinity, ...this.network.faults.map(Network.endOf))
  }

  removeFault(id: number): void {
    const at = this.pump()
    const active = this.network.faults.find((active) => active.id === id)
    if (active === undefined) return
    this.network = Network.remove(this.network, id)
    this.note({ _tag: "Fault", at, change: "removed", fault: active.text })
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
    const record = this.open(request, known?.uid, endpoint, now, undefined)
    const { sender } = request
    if (sender !== undefined && known !== undefined) {
      const senders = this.senders.get(known.uid)
      if (senders === undefined) this.senders.set(known.uid, new Set([sender]))
      else senders.add(sender)
    }
    const pending: Pending = { outcome: undefined, listener: undefined, record, sender }
    const own = request.headers[faultHeader]
    const faults = own === undefined ? undefined : readFaults(own)
    if (faults?._tag === "Left") {
      const body = JSON.stringify({ code: "simulator", msg: faults.left, requestTime: now, data: null })
      this.deliver(pending, { _tag: "Answer", status: 400, headers: { "content-type": "application/json" }, body }, now)
    } else {
      this.depart(
        {
          request,
          pending,
          own: faults === undefined ? undefined : ownFaults(this.network, faults.right, now),
          passage: undefined,
          copy: 0,
          answer: { left: false }
        },
        now
      )
    }
    this.announce()
    return pending
  }

  /** Runs a task after a delay (ms), in the order of time. */
  later(delay: number, run: (at: number) => void): void {
    this.at(this.pump(), Math.max(1, delay), run)
    this.announce()
  }

  /** Starts again with this exchange and this network. Requests under way are lost. */
  reset(state: Exchange.State, network: Network.State): void {
    this.state = state
    this.network = network
    this.tasks.clear()
    this.held.clear()
    this.journal.clear()
    this.begin()
    this.announce()
  }

  /** The client stops waiting. The request stays under way. */
  abort(pending: Pending, at = this.pump()): void {
    pending.listener = undefined
    if (pending.outcome !== undefined) return
    pending.record.abortedAt = at
    this.tell(pending.record)
  }

  private open(
    request: Outgoing,
    account: string | undefined,
    endpoint: Protocol.Endpoint | undefined,
    now: number,
    copyOf: number | undefined
  ): Mutable<Journal.RequestRecord> {
    const record: Mutable<Journal.RequestRecord> = {
      _tag: "Request",
      id: ++this.ids,
      copyOf,
      account,
      endpoint: endpoint?.name ?? "unknown",
      method: request.method,
      body: endpoint === undefined ? "" : beginning(request.body),
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
    return record
  }

  private depart(flight: Flight, now: number): void {
    const { pending, request } = flight
    const query = request.path.indexOf("?")
    const meta: Network.Request = {
      account: pending.record.account,
      endpoint: query === -1 ? request.path : request.path.slice(0, query),
      countdown: pending.record.endpoint === "countdown-cancel-all" ? countdownIn(request.body) : undefined
    }
    const [departure, network] = Network.depart(this.networkOf(flight), meta, now)
    flight.passage = departure.passage
    this.met(flight, departure.acted)
    this.keepNetwork(flight, network, now)
    switch (departure._tag) {
      case "Refused":
      case "Reset": {
        const outcome: Outcome = { _tag: departure._tag }
        return this.at(now, departure.after, (at) => this.deliver(pending, outcome, at))
      }
      case "Lost":
        return
      case "Sent": {
        const [first, ...copies] = departure.arrivals
        // Copies depart first, because the arrival of the request may change what decides about them.
        const flights = copies.map((arrival, index): readonly [Network.Arrival, Flight] => {
          const endpoint = Protocol.endpointOf(request.path)
          const record = this.open(request, pending.record.account, endpoint, now, pending.record.id)
          record.faults = pending.record.faults
          return [arrival, { ...flight, pending: { outcome: undefined, listener: undefined, record }, copy: index + 1 }]
        })
        for (const [arrival, copy] of [[first, flight] as const, ...flights]) {
          this.at(now, arrival.after, (at) =>
            arrival.hold === undefined ? this.arrive(copy, at) : this.hold(copy, arrival.hold, arrival.lag, at)
          )
        }
      }
    }
  }

  /** Holds a request until a later one of the account has arrived, for at most `longest` ms. */
  private hold(flight: Flight, longest: number, lag: number, at: number): void {
    this.held.set(flight, lag)
    this.at(at, longest, (at) => {
      if (this.held.delete(flight)) this.arrive(flight, at)
    })
  }

  private arrive(flight: Flight, at: number): void {
    // Only what the client or a proxy sends again arrives twice, and neither does so once it has the answer.
    if (flight.copy > 0 && flight.answer.left) return
    const passage = flight.passage!
    const [door, network] = Network.arrive(this.networkOf(flight), passage, at, flight.copy)
    this.met(flight, door.acted)
    this.keepNetwork(flight, network, at)
    if (door._tag === "Exchange") {
      flight.pending.record.arrivedAt = at
      const { timeToApply } = this.state.venue
      if (timeToApply > 0) this.tell(flight.pending.record)
      this.at(at, timeToApply, (now) => this.apply(flight, at, now))
    } else if (door._tag === "Gateway") {
      const answer = this.replyOf(door.reply, at)
      flight.pending.record.code = answer.code
      this.leave(flight, answer, at)
    }
    for (const [held, lag] of this.held) {
      const overtaken = held.passage!.account === passage.account && held.passage!.ordinal < passage.ordinal
      if (overtaken && this.held.delete(held)) this.at(at, lag, (at) => this.arrive(held, at))
    }
  }

  private apply(flight: Flight, acceptedAt: number, now: number): void {
    if (flight.copy > 0 && flight.answer.left) return
    const record = flight.pending.record
    const { body, headers, ip, method, path } = flight.request
    const request: Protocol.Request = { method, path, headers, body, ip, id: record.id, acceptedAt }
    const [state, response, outputs] = Protocol.handle(this.state, request, now)
    this.state = state
    this.record(outputs)
    record.code = response.code
    if (response.applied) record.appliedAt = now
    const { timeToComplete } = state.venue
    if (timeToComplete > 0) this.tell(record)
    this.at(now, timeToComplete, (at) => this.leave(flight, response, at))
  }

  private leave(flight: Flight, response: Answered, now: number): void {
    const record = flight.pending.record
    record.answeredAt = now
    // No client waits for the response to a copy.
    if (flight.copy > 0) return this.tell(record)
    const [answer, network] = Network.answer(this.networkOf(flight), flight.passage!, now)
    this.met(flight, answer.acted)
    this.keepNetwork(flight, network, now)
    if (answer._tag === "Lost") return this.tell(record)
    // An answer that takes no time is told once, with its delivery.
    if (answer.after > 0) this.tell(record)
    if (answer._tag === "Reset") {
      return this.at(now, answer.after, (at) => this.deliver(flight.pending, { _tag: "Reset" }, at))
    }
    flight.answer.left = true
    const { body, headers, status } = answer.replace === undefined ? response : this.replyOf(answer.replace, now)
    const outcome: Outcome = {
      _tag: "Answer",
      status,
      headers,
      ...(answer.keep === undefined || answer.keep >= body.length
        ? { body }
        : { body: body.slice(0, answer.keep), whole: body })
    }
    this.at(now, answer.after, (at) => this.deliver(flight.pending, outcome, at))
  }

  private replyOf(reply: Network.Reply, now: number): Answered & { readonly code: string | undefined } {
    return reply._tag === "Code"
      ? Protocol.refusal(this.state.venue, reply.code, now)
      : {
          status: reply.status,
          headers: { "content-type": reply.contentType },
          body: reply.body,
          code: undefined
        }
  }

  private deliver(pending: Pending, outcome: Outcome, at: number): void {
    if (pending.record.abortedAt !== undefined || pending.sender?.isCrashed() === true) return
    if (outcome._tag === "Answer") {
      pending.record.receivedAt = at
      pending.record.status = outcome.status
    }
    pending.outcome = outcome
    this.tell(pending.record)
    pending.listener?.(outcome)
  }

  private met(flight: Flight, acted: ReadonlyArray<string>): void {
    if (acted.length === 0) return
    const record = flight.pending.record
    record.faults = [...record.faults, ...acted.filter((fault) => !record.faults.includes(fault))]
  }

  private networkOf(flight: Flight): Network.State {
    return flight.own === undefined ? this.network : { ...this.network, faults: flight.own }
  }

  private keepNetwork(flight: Flight, network: Network.State, now: number): void {
    if (flight.own === undefined) {
      this.network = network
      if (network.faults.length > 0) this.endFaults(now)
    } else {
      flight.own = network.faults
      this.network = { ...network, faults: this.network.faults }
    }
  }

  /** Runs a task now, or after a delay (ms). */
  private at(now: number, delay: number, run: (at: number) => void): void {
    if (delay <= 0) run(now)
    else this.tasks.add(now + delay, run)
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
      for (const watcher of this.watchers) watcher(output)
      const entry = entryOf(output)
      if (entry !== undefined) this.note(entry)
    }
  }
}

/** Gives the drivers in this package the world behind a `Simulator`. No public module exports the tag. */
export class WorldTag extends Context.Tag("@effect-deadman/simulator/internal/World")<WorldTag, World>() {}
