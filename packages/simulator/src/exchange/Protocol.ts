/**
 * The exchange's REST protocol, pure: its chain of checks, envelopes, codes, statuses, headers and limits.
 *
 * No request is a defect. A request with a flaw gets the exchange's response, and moves no deadline. The first checks
 * are known: key, account mode, signature. The order of the others is an option, `Venue.checks`.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Exchange from "./Exchange.js"
import { copyOf } from "./book.js"
import { type Endpoint, endpointOf, endpoints } from "./endpoints.js"
import { envelope } from "./envelope.js"
import * as Parameters from "./parameters.js"
import * as RateLimit from "./rateLimit.js"
import * as Signing from "./signing.js"
import type * as Venue from "./Venue.js"

/**
 * @since 0.1.0
 */
export * from "./endpoints.js"

/**
 * @since 0.1.0
 * @category transitions
 */
export { refusal } from "./envelope.js"

/**
 * A request as it arrives at the exchange.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly method: string
  /** The path with its query, byte for byte as it was sent. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** The caller's address. Default 127.0.0.1. */
  readonly ip?: string | undefined
  /** The request's number in the journal. */
  readonly id?: number | undefined
  /** When the exchange accepted it, in ms of its clock. Default: the instant at which it takes effect. */
  readonly acceptedAt?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Whether the request took effect. A response with a code of unknown outcome can be to a request that did. */
  readonly applied: boolean
  /** The code in the body. */
  readonly code: string
  /** The name of the endpoint, the last part of its path; `"unknown"` for a URL that does not exist. */
  readonly endpoint: string
  /** The account that the key belongs to. */
  readonly account: string | undefined
}

/**
 * Handles a request that takes effect at `now`: the next state, the response, and the outputs in order. Everything that
 * is due by `now` happens first.
 *
 * @since 0.1.0
 * @category transitions
 */
export const handle = (
  state: Exchange.State,
  request: Request,
  now: number
): readonly [state: Exchange.State, response: Response, outputs: ReadonlyArray<Exchange.Output>] => {
  const outputs: Array<Exchange.Output> = []
  const call = new Call(exchangeAt(state, now, outputs), request, outputs)
  const verdict = call.run()
  return [call.state, call.respond(verdict), outputs]
}

const exchangeAt = (state: Exchange.State, now: number, outputs: Array<Exchange.Output>): Exchange.State => {
  const [next, due] = Exchange.advance(state, now)
  for (const output of due) outputs.push(output)
  return next
}

interface Refusal {
  readonly _tag: "Refusal"
  readonly code: string
  readonly msg: string
  readonly status: number | undefined
}

interface Success {
  readonly _tag: "Success"
  readonly data: unknown
}

const refuse = (code: string, msg: string, status?: number): Refusal => ({ _tag: "Refusal", code, msg, status })

const success = (data: unknown): Success => ({ _tag: "Success", data })

/** One request on its way through the checks. It lives as long as `handle`; the state it holds is persistent. */
class Call {
  state: Exchange.State
  readonly request: Request
  readonly outputs: Array<Exchange.Output>
  readonly venue: Venue.Venue
  readonly acceptedAt: number
  endpoint: Endpoint | undefined
  account: Exchange.AccountState | undefined
  remaining: number | undefined
  applied = false

  constructor(state: Exchange.State, request: Request, outputs: Array<Exchange.Output>) {
    this.state = state
    this.request = request
    this.outputs = outputs
    this.venue = state.venue
    this.acceptedAt = request.acceptedAt ?? state.now
  }

  run(): Refusal | Success {
    const ip = this.request.ip ?? "127.0.0.1"
    const [address, admitted] = RateLimit.enter(
      this.venue,
      Option.getOrUndefined(HashMap.get(this.state.addresses, ip)),
      this.state.now
    )
    const entered = copyOf(this.state)
    entered.addresses = HashMap.set(entered.addresses, ip, address)
    this.state = entered
    if (!admitted) return tooMany
    this.endpoint = endpointOf(this.request.path)
    if (this.endpoint === undefined || this.endpoint.method !== this.request.method) {
      return refuse("40404", "Request URL NOT FOUND", 404)
    }
    if (Exchange.inMaintenance(this.state)) {
      this.applied = this.venue.maintenanceApplies && this.admitted(ip, this.endpoint)._tag === "Success"
      return refuse(this.venue.codes.maintenance, "The system is being upgraded, try again later")
    }
    return this.admitted(ip, this.endpoint)
  }

  admitted(ip: string, endpoint: Endpoint): Refusal | Success {
    return endpoint.access === "public" ? this.public(ip, endpoint) : this.private(ip, endpoint)
  }

  public(ip: string, endpoint: Endpoint): Refusal | Success {
    const address = Option.getOrUndefined(HashMap.get(this.state.addresses, ip))!
    const [calls, remaining] = RateLimit.take(this.venue, address.calls, endpoint.limit, this.state.now)
    this.state = { ...this.state, addresses: HashMap.set(this.state.addresses, ip, { ...address, calls }) }
    this.remaining = Math.max(0, remaining)
    return remaining < 0 ? tooMany : success({ serverTime: String(this.acceptedAt) })
  }

  private(ip: string, endpoint: Endpoint): Refusal | Success {
    const headers = this.request.headers
    const apiKey = headers["access-key"]
    if (apiKey === undefined || apiKey === "") return refuse("40006", "Invalid ACCESS_KEY")
    const known = Option.getOrUndefined(HashMap.get(this.state.keys, apiKey))
    if (known === undefined) return refuse("40037", "Apikey does not exist")
    const account = Exchange.account(this.state, known.uid)!
    this.account = account
    if (account.declared.mode === "classic") {
      return refuse(
        this.venue.codes.notUnified,
        "You are in Classic Account mode, and the Unified Account API is not supported"
      )
    }
    const timestamp = headers["access-timestamp"] ?? ""
    const signature = headers["access-sign"]
    if (signature === undefined || signature === "") return refuse("40002", "ACCESS_SIGN header is required")
    const payload = timestamp + this.request.method + this.request.path + this.request.body
    if (!Signing.verifies(known.key, payload, signature)) return refuse("40009", "sign signature error")
    let body: Parameters.Fields | ReadonlyArray<unknown> = {}
    let isLimited = false
    for (const check of this.venue.checks) {
      switch (check) {
        case "timestamp": {
          const flaw = this.timestampFlaw(timestamp)
          if (flaw !== undefined) return flaw
          break
        }
        case "passphrase": {
          const passphrase = headers["access-passphrase"]
          if (passphrase === undefined || passphrase === "")
            return refuse("40011", "ACCESS_PASSPHRASE header is required")
          if (passphrase !== known.key.passphrase) {
            return refuse(this.venue.codes.passphrase, "apikey/password is incorrect")
          }
          break
        }
        case "ip": {
          const whitelist = known.key.ipWhitelist ?? []
          if (whitelist.length > 0 && !whitelist.includes(ip)) return refuse(this.venue.codes.ip, "Invalid IP request")
          break
        }
        case "permission": {
          if ((headers["paptrading"] === "1") !== (known.key.demo === true)) {
            return refuse(this.venue.codes.demo, "The key and the trading environment (paptrading) do not match")
          }
          if (endpoint.access === "write" && known.key.permission === "read") {
            return refuse(this.venue.codes.readOnly, "Incorrect permissions, need uta trade read & write permissions")
          }
          if (endpoint.name === "countdown-cancel-all" && !account.declared.countdownAccess) {
            return refuse(this.venue.codes.noAccess, "The permission has not been obtained yet")
          }
          break
        }
        case "rate": {
          const all = Option.getOrUndefined(HashMap.get(this.state.calls, known.uid)) ?? noCalls
          const place = endpoints.indexOf(endpoint)
          const [calls, remaining] = RateLimit.take(this.venue, all[place], endpoint.limit, this.state.now)
          const next = all.slice()
          next[place] = calls
          const counted = copyOf(this.state)
          counted.calls = HashMap.set(counted.calls, known.uid, next)
          this.state = counted
          this.remaining = Math.max(0, remaining)
          if (remaining >= 0) break
          if (endpoint.name !== "countdown-cancel-all" || !this.venue.limitedCountdownApplies) return tooMany
          isLimited = true
          break
        }
        case "body": {
          if (endpoint.method === "GET") break
          if (!(headers["content-type"] ?? "").toLowerCase().startsWith("application/json")) {
            return refuse("40007", "Content Type must be application/json")
          }
          const parsed = Parameters.parseBody(this.request.body)
          if (parsed === undefined || Array.isArray(parsed) !== (endpoint.name === "place-batch")) {
            return refuse(
              this.venue.codes.badBody,
              "Parameter verification failed: the body is no JSON of the expected form"
            )
          }
          body = parsed
          break
        }
      }
    }
    const verdict = this.dispatch(endpoint, account.declared, body)
    if (!isLimited) return verdict
    this.applied = verdict._tag === "Success"
    return tooMany
  }

  timestampFlaw(timestamp: string): Refusal | undefined {
    if (!/^\d{1,15}$/.test(timestamp)) return refuse("40005", "Invalid ACCESS_TIMESTAMP")
    const age = this.acceptedAt - Number(timestamp)
    const distance = this.venue.timestampSymmetric ? Math.abs(age) : age
    const limit = this.venue.timestampWindow
    return distance < limit || (distance === limit && this.venue.timestampInclusive)
      ? undefined
      : refuse("40008", "Request timestamp expired")
  }

  dispatch(
    endpoint: Endpoint,
    declared: Required<Exchange.Account>,
    body: Parameters.Fields | ReadonlyArray<unknown>
  ): Refusal | Success {
    const { uid } = declared
    const fields = endpoint.method === "GET" ? this.query() : (body as Parameters.Fields)
    const by = this.request.id
    switch (endpoint.name) {
      case "countdown-cancel-all": {
        const set = (seconds: number) => {
          const from = {
            accept: this.acceptedAt,
            apply: this.state.now,
            complete: this.state.now + this.venue.timeToComplete
          }[this.venue.clockStart]
          return this.event({ _tag: "SetCountdown", account: uid, seconds, from, by }, () => "success")
        }
        const asked = Parameters.readCountdown(this.venue, fields["countdown"])
        const running = Exchange.account(this.state, uid)?.armed
        if (asked._tag === "Flaw" && running !== undefined && this.venue.refusedCountdown !== "ignored") {
          set(this.venue.refusedCountdown === "closes" ? 0 : running.seconds)
          this.applied = true
        }
        return this.read(asked, set)
      }
      case "place-order":
        return this.placeOrder(uid, body)
      case "place-batch": {
        const orders = body as ReadonlyArray<unknown>
        if (orders.length === 0 || orders.length > batchLimit) {
          return refuse(this.venue.codes.badParameter, `Parameter verification failed: 1 to ${batchLimit} orders`)
        }
        return success(
          orders.map((order) => {
            const placed = this.placeOrder(uid, order)
            if (placed._tag === "Success") return placed.data
            const clientOid = (order as { clientOid?: unknown } | null)?.clientOid
            return {
              orderId: "",
              clientOid: typeof clientOid === "string" ? clientOid : "",
              code: placed.code,
              msg: placed.msg
            }
          })
        )
      }
      case "cancel-order":
        return this.read(Parameters.readOrderName(this.venue, fields), (name) =>
          this.event({ _tag: "CancelOrder", account: uid, ...name, by }, ([first]) => named(first))
        )
      case "cancel-symbol-order":
        return this.read(Parameters.readMarket(this.venue, fields), (market) =>
          this.event({ _tag: "CancelOrders", account: uid, ...market, by }, (outputs) => ({ list: outputs.map(named) }))
        )
      case "unfilled-orders":
        return this.read(Parameters.readListing(this.venue, fields), (listing) =>
          success(Parameters.listed(Exchange.listedOrders(this.state, uid).open, listing, Parameters.openOrderOnWire))
        )
      case "history-orders":
        return this.read(Parameters.readMarket(this.venue, fields), () =>
          this.read(Parameters.readListing(this.venue, fields), (listing) =>
            success(Parameters.listed(Exchange.listedOrders(this.state, uid).closed, listing, Parameters.orderOnWire))
          )
        )
      case "order-info":
        return this.read(Parameters.readOrderName(this.venue, fields), ({ clientOid, orderId }) => {
          const { closed, open } = Exchange.listedOrders(this.state, uid)
          const orders = [...closed, ...open]
          // A client can use a clientOid again once its order is no longer pending, so the newest order counts.
          const order = orders.findLast((order) => order.orderId === orderId || order.clientOid === clientOid)
          return order === undefined ? refuse("25204", "Order does not exist") : success(Parameters.orderOnWire(order))
        })
      default:
        return success({
          uid,
          accountMode: declared.accountMode,
          assetMode: "multi_assets",
          holdMode: "one_way_mode",
          stpMode: "none",
          symbolConfigList: [],
          coinConfigList: []
        })
    }
  }

  query(): Parameters.Fields {
    const at = this.request.path.indexOf("?")
    return at === -1 ? {} : Object.fromEntries(new URLSearchParams(this.request.path.slice(at + 1)))
  }

  read<A>(result: Parameters.Read<A>, use: (value: A) => Refusal | Success): Refusal | Success {
    return result._tag === "Flaw" ? refuse(result.flaw.code, result.flaw.msg) : use(result.value)
  }

  /** Applies one event; a refusal becomes the response. */
  event(event: Exchange.Event, answer: (outputs: ReadonlyArray<Exchange.Output>) => unknown): Refusal | Success {
    const [state, outputs] = Exchange.step(this.state, event, this.state.now)
    const first = outputs[0]
    if (first?._tag === "Refused") return refuse(first.code, first.msg)
    this.state = state
    for (const output of outputs) this.outputs.push(output)
    return success(answer(outputs))
  }

  placeOrder(uid: string, body: unknown): Refusal | Success {
    return this.read(Parameters.readOrder(this.venue, body), (order) =>
      this.event({ _tag: "PlaceOrder", account: uid, order, by: this.request.id }, ([first]) => named(first))
    )
  }

  respond(verdict: Refusal | Success): Response {
    const completedAt = this.state.now + this.venue.timeToComplete
    const accepted = String(this.acceptedAt)
    const completed = completedAt === this.acceptedAt ? accepted : String(completedAt)
    const requestTime = this.venue.requestTime === "accept" ? accepted : completed
    const ok = verdict._tag === "Success"
    const code = ok ? "00000" : verdict.code
    return {
      status: ok ? 200 : (verdict.status ?? this.venue.failureStatus),
      headers:
        this.remaining === undefined
          ? {
              "content-type": "application/json",
              "x-bg-request-accept-time": accepted,
              "x-bg-response-complete-time": completed
            }
          : {
              "content-type": "application/json",
              "x-bg-request-accept-time": accepted,
              "x-bg-response-complete-time": completed,
              "x-mbx-used-remain-limit": String(this.remaining)
            },
      body: envelope(code, ok ? "success" : verdict.msg, requestTime, ok ? verdict.data : null),
      applied: ok || this.applied,
      code,
      endpoint: this.endpoint?.name ?? "unknown",
      account: this.account?.declared.uid
    }
  }
}

const tooMany = refuse("429", "Too Many Requests", 429)
/** The most orders in one place-batch, an assumption. */
const batchLimit = 20

const named = (output: Exchange.Output | undefined) =>
  output?._tag === "Placed" || output?._tag === "Cancelled"
    ? { orderId: output.order.orderId, clientOid: output.order.clientOid }
    : null

const noCalls: ReadonlyArray<RateLimit.Calls | undefined> = endpoints.map(() => undefined)
