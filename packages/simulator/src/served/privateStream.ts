/**
 * The private WebSocket, one session per connection: login, subscription to the channel `order`, a push for every
 * placed, filled or cancelled order, text ping and pong, and the documented errors.
 *
 * Partitions of the network act on it too, in one direction or both, and lose the pushes meanwhile. Faults that lose or
 * delay answers act on it only when they name `endpoint=private`, so that pushes do not use up a fault for requests.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Exchange from "../exchange/Exchange.js"
import type * as Fault from "../network/Fault.js"
import * as Network from "../network/Network.js"
import { orderOnWire } from "../exchange/parameters.js"
import * as Signing from "../exchange/signing.js"
import type { World } from "../world/world.js"

export const path = "/v3/ws/private"

/** The part of a WebSocket that a session uses. */
export interface Wire {
  readonly send: (text: string) => void
  readonly close: (code: number, reason: string) => void
  /** Bytes that are not sent yet. */
  readonly backlog: () => number
}

/** The exchange closes connections after two minutes of silence (documented), and those that send too much. */
const silence = 120_000
const messagesPerSecond = 10

/** The most channels in one message, an assumption: each has an answer of its own. */
const channelsPerMessage = 100

/** The largest backlog of a reader, in bytes. */
const longestBacklog = 4_000_000

interface Topic {
  readonly instType: string
  readonly topic: string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Avoids `String` and `JSON.stringify`: one would call a field `toString`, the other throws on deep nesting. */
const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value).slice(0, 100)
    : value === undefined
      ? ""
      : value === null
        ? "null"
        : "(no text)"

const cutting = (kinds: ReadonlyArray<Fault.Kind>) => (active: Network.Active) =>
  kinds.includes(active.fault.act.kind) || active.fault.on.endpoint?.includes("private") === true

const cutsIncoming = cutting(["partition", "partition-request"])
const cutsOutgoing = cutting(["partition", "partition-answer"])

export class Session {
  private readonly world: World
  private readonly wire: Wire
  private account: string | undefined
  private readonly topics = new Map<string, Topic>()
  private readonly watcher = (output: Exchange.Output) => this.watch(output)
  private silent: NodeJS.Timeout
  private second = 0
  private messages = 0

  constructor(world: World, wire: Wire) {
    this.world = world
    this.wire = wire
    this.silent = this.expectLife()
    world.watchers.add(this.watcher)
  }

  end(): void {
    clearTimeout(this.silent)
    this.world.watchers.delete(this.watcher)
  }

  receive(text: string): void {
    this.world.pump()
    if (this.passes(cutsIncoming)._tag !== "Sent") return
    clearTimeout(this.silent)
    this.silent = this.expectLife()
    if (this.tooMany()) {
      this.fail(30006, "Requests too frequent")
      return this.wire.close(1008, "too many messages")
    }
    if (text === "ping") return this.send("pong")
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      return this.fail(30002, "Illegal request: this is no JSON")
    }
    if (!isRecord(message)) return this.fail(30002, "Illegal request")
    const args = Array.isArray(message["args"]) ? (message["args"] as ReadonlyArray<unknown>) : []
    switch (message["op"]) {
      case "login":
        return this.login(args[0])
      case "subscribe":
        return this.each(args, (topic) => this.subscribe(topic))
      case "unsubscribe":
        return this.each(args, (topic) => {
          this.topics.delete(topic.topic)
          this.tell({ event: "unsubscribe", arg: topic })
        })
      default:
        return this.fail(30003, `Invalid op: ${textOf(message["op"])}`)
    }
  }

  private login(arg: unknown): void {
    if (!isRecord(arg)) return this.fail(30016, "Param error")
    const { apiKey, passphrase, sign, timestamp } = arg
    const { keys, now, venue } = this.world.state
    const known = typeof apiKey === "string" ? Option.getOrUndefined(HashMap.get(keys, apiKey)) : undefined
    if (known === undefined) return this.fail(30011, "Invalid ACCESS_KEY")
    if (passphrase !== known.key.passphrase) return this.fail(30012, "Invalid ACCESS_PASSPHRASE")
    const stamp = typeof timestamp === "string" || typeof timestamp === "number" ? String(timestamp) : ""
    if (!/^\d{10}(\d{3})?$/.test(stamp)) return this.fail(30013, "Invalid ACCESS_TIMESTAMP")
    // The exchange's documentation shows both seconds and milliseconds.
    const signedAt = stamp.length === 10 ? Number(stamp) * 1_000 : Number(stamp)
    if (Math.abs(now - signedAt) > venue.timestampWindow) return this.fail(30014, "Request timestamp expired")
    if (typeof sign !== "string" || !Signing.verifies(known.key, `${stamp}GET/user/verify`, sign)) {
      return this.fail(30015, "Invalid signature")
    }
    const account = Exchange.account(this.world.state, known.uid)
    if (account?.declared.mode === "classic") return this.fail(30005, "Login failed: not a unified account")
    this.account = known.uid
    this.tell({ event: "login", code: 0, msg: "" })
  }

  private each(args: ReadonlyArray<unknown>, use: (topic: Topic) => void): void {
    if (args.length === 0 || args.length > channelsPerMessage) return this.fail(30016, "Param error")
    for (const arg of args) {
      const given = isRecord(arg) ? arg : {}
      const topic = { instType: textOf(given["instType"]), topic: textOf(given["topic"]) }
      if (this.account === undefined) this.fail(30004, "User needs to log in", topic)
      else if (topic.instType !== "UTA" || topic.topic !== "order") this.fail(30001, "Channel does not exist", topic)
      else use(topic)
    }
  }

  private subscribe(topic: Topic): void {
    this.topics.set(topic.topic, topic)
    this.tell({ event: "subscribe", arg: topic })
  }

  private watch(output: Exchange.Output): void {
    const arg = this.topics.get("order")
    if (arg === undefined || !("order" in output) || output.account !== this.account) return
    // The book pushes an order, not its acceptance.
    if (output._tag === "Placed" && output.entersAt !== undefined) return
    this.tell({ action: "snapshot", arg, data: [orderOnWire(output.order)], ts: output.at })
  }

  private tell(message: unknown): void {
    const fate = this.passes(cutsOutgoing)
    const text = JSON.stringify(message)
    if (fate._tag === "Reset") this.wire.close(1011, "reset")
    if (fate._tag !== "Sent") return
    if (fate.after > 0) this.world.later(fate.after, () => this.send(text))
    else this.send(text)
  }

  private send(text: string): void {
    if (this.wire.backlog() > longestBacklog) return this.wire.close(1008, "reads too slowly")
    this.wire.send(text)
  }

  private fail(code: number, msg: string, arg?: Topic): void {
    this.tell(arg === undefined ? { event: "error", code, msg } : { event: "error", arg, code, msg })
  }

  /** The effect of the faults on a message of this stream, in either direction. */
  private passes(acts: (active: Network.Active) => boolean): Network.Answer {
    const { network } = this.world
    const faults = network.faults
      .filter(acts)
      .map((active): Network.Active =>
        active.fault.act.kind.startsWith("partition")
          ? { ...active, fault: { ...active.fault, act: { kind: "partition-answer" } } }
          : active
      )
    if (faults.length === 0) return clear
    const passage = { account: this.account, endpoint: path, ordinal: 0 }
    return Network.answer({ ...network, faults }, passage, this.world.state.now)[0]
  }

  private tooMany(): boolean {
    const second = Math.floor(performance.now() / 1_000)
    this.messages = second === this.second ? this.messages + 1 : 1
    this.second = second
    return this.messages > messagesPerSecond
  }

  private expectLife(): NodeJS.Timeout {
    return setTimeout(() => this.wire.close(1001, "no ping for two minutes"), silence)
  }
}

const clear: Network.Answer = { _tag: "Sent", acted: [], after: 0, replace: undefined, keep: undefined }
