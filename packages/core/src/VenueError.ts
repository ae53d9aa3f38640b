/**
 * The failures of a call to the exchange, with one tagged class for each way to react.
 *
 * Twelve classes stand for groups of the exchange's codes, three for answers without a code. All have the same fields.
 * Two fields matter most: `applied` (whether the countdown that ran before the call may have changed) and `retryable`
 * (whether sending the same call again can help). `applied` is `"no"` only where that is certain.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The effect of the failed call on the countdown. With `"no"` the earlier countdown runs on unchanged. With `"unknown"`
 * the call may have restarted it or turned it off.
 *
 * @since 0.1.0
 * @category models
 */
export type Applied = "no" | "unknown"

const fields = {
  /** The exchange's code, absent when the answer had none. */
  code: Schema.optional(Schema.String),
  /** The message of the exchange, empty when there was none. */
  venueMessage: Schema.String,
  /** The HTTP status, absent when no answer came. */
  httpStatus: Schema.optional(Schema.Number),
  /** The exchange's clock in milliseconds since the epoch, absent when the answer did not say. */
  requestTime: Schema.optional(Schema.Number),
  applied: Schema.Literal("no", "unknown"),
  /** Whether sending the same call again can help. After a rate limit, wait at least a second first. */
  retryable: Schema.Boolean
}

const id = <Tag extends string>(tag: Tag) => `@effect-deadman/core/VenueError/${tag}` as const

/** The message of every class: the event, the answer's code and status, and the advice. */
const say = (
  self: { readonly code?: string | undefined; readonly venueMessage: string; readonly httpStatus?: number | undefined },
  what: string,
  advice: string
): string => {
  const answer = [
    self.code === undefined ? "" : `code ${self.code}`,
    self.httpStatus === undefined ? "" : `HTTP ${self.httpStatus}`,
    self.venueMessage === "" ? "" : JSON.stringify(self.venueMessage)
  ].filter((part) => part !== "")
  return `${what}${answer.length === 0 ? "" : ` (${answer.join(", ")})`}. ${advice}`
}

/** The advice after a call without a usable answer. */
const again = (self: { readonly applied: Applied }): string =>
  self.applied === "no"
    ? "Nothing was done: send the call again."
    : "Send the call again and count this one as possibly done."

/**
 * The exchange does not know the key, or key, passphrase and secret do not match.
 *
 * @since 0.1.0
 * @category errors
 */
export class CredentialsRefused extends Schema.TaggedError<CredentialsRefused>(id("CredentialsRefused"))(
  "CredentialsRefused",
  fields
) {
  override get message(): string {
    return say(
      this,
      "The exchange refused the credentials",
      "Check key, passphrase and secret, and use a demo key with demo trading only."
    )
  }

  /** Two live logs show "key does not exist" now and then for a valid key. */
  get finalAfter(): number | undefined {
    return this.code === "40037" ? 3 : undefined
  }
}

/**
 * The timestamp was more than 30 s from the exchange's clock. The client has already synced its clock, so the same call
 * can be sent again at once.
 *
 * @since 0.1.0
 * @category errors
 */
export class TimestampRefused extends Schema.TaggedError<TimestampRefused>(id("TimestampRefused"))(
  "TimestampRefused",
  fields
) {
  override get message(): string {
    return say(this, "The exchange refused the timestamp", "The clock has been synced again: send the call again.")
  }

  /** After the sync, a second refusal is final. */
  get finalAfter(): number {
    return 2
  }
}

/**
 * The address that the call came from is not allowed for the key.
 *
 * @since 0.1.0
 * @category errors
 */
export class IpRefused extends Schema.TaggedError<IpRefused>(id("IpRefused"))("IpRefused", fields) {
  override get message(): string {
    return say(
      this,
      "The exchange refused the IP address",
      "Add this host's outgoing address to the whitelist of the key."
    )
  }
}

/**
 * The exchange does not serve this region.
 *
 * @since 0.1.0
 * @category errors
 */
export class RegionRefused extends Schema.TaggedError<RegionRefused>(id("RegionRefused"))("RegionRefused", fields) {
  override get message(): string {
    return say(this, "The exchange refused the region", "It does not serve the account or the location of this host.")
  }
}

/**
 * The key lacks the permission, or the account has no access to the endpoint.
 *
 * @since 0.1.0
 * @category errors
 */
export class PermissionRefused extends Schema.TaggedError<PermissionRefused>(id("PermissionRefused"))(
  "PermissionRefused",
  fields
) {
  override get message(): string {
    return say(
      this,
      "The exchange refused permission",
      "The key needs UTA trade read and write. The exchange opens the countdown endpoint only on request: " +
        "ask its business development for access."
    )
  }
}

/**
 * The account is not a unified trading account, the only kind that has this endpoint.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotUnifiedAccount extends Schema.TaggedError<NotUnifiedAccount>(id("NotUnifiedAccount"))(
  "NotUnifiedAccount",
  fields
) {
  override get message(): string {
    return say(
      this,
      "The account is not a unified trading account",
      "Switch it to the unified mode, because a classic account has no countdown."
    )
  }
}

/**
 * The account is frozen, in liquidation, or otherwise not allowed to do this now.
 *
 * @since 0.1.0
 * @category errors
 */
export class AccountBlocked extends Schema.TaggedError<AccountBlocked>(id("AccountBlocked"))("AccountBlocked", fields) {
  override get message(): string {
    return say(
      this,
      "The state of the account forbids the call",
      "Look at the account on the exchange's site, or ask its support."
    )
  }
}

/**
 * Too many calls: the endpoint allows one per second and UID. Wait at least a second from this answer.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>(id("RateLimited"))("RateLimited", fields) {
  override get message(): string {
    return say(
      this,
      "The rate limit of the exchange was exceeded",
      "Wait at least a second, and look for another program that uses the same account."
    )
  }
}

/**
 * The exchange refused the request as malformed.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestRefused extends Schema.TaggedError<RequestRefused>(id("RequestRefused"))("RequestRefused", fields) {
  override get message(): string {
    return say(
      this,
      "The exchange refused the request as malformed",
      "Check path and parameters against the exchange's page for the endpoint. The same call would fail again."
    )
  }
}

/**
 * The exchange is busy, or a release of its software is under way.
 *
 * @since 0.1.0
 * @category errors
 */
export class VenueBusy extends Schema.TaggedError<VenueBusy>(id("VenueBusy"))("VenueBusy", fields) {
  override get message(): string {
    return say(this, "The exchange is busy or in a release", "Send the call again after at least a second.")
  }
}

/**
 * The exchange does not report whether it applied the call.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutcomeUnknown extends Schema.TaggedError<OutcomeUnknown>(id("OutcomeUnknown"))("OutcomeUnknown", fields) {
  override get message(): string {
    return say(this, "The exchange did not report whether it applied the call", again(this))
  }
}

/**
 * A code that is not in the table. The client assumes nothing about it.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnrecognizedCode extends Schema.TaggedError<UnrecognizedCode>(id("UnrecognizedCode"))(
  "UnrecognizedCode",
  fields
) {
  override get message(): string {
    return say(
      this,
      "The exchange answered with an unrecognized code",
      "Count the call as possibly done, and report the code so that it can be added to a group."
    )
  }
}

/**
 * No answer because of the network. `refused` and `unresolved` mean that nothing was sent (`applied` is `"no"`). `lost`
 * means that a connection broke, before or after the exchange had read the request.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportFailure extends Schema.TaggedError<TransportFailure>(id("TransportFailure"))("TransportFailure", {
  ...fields,
  reason: Schema.Literal("refused", "unresolved", "lost"),
  /** The system's error code, such as `ECONNRESET`, or empty. */
  detail: Schema.String
}) {
  override get message(): string {
    const what = {
      refused: "The connection to the exchange was refused",
      unresolved: "The exchange's host name could not be resolved",
      lost: "The connection to the exchange was lost or could not be made"
    }[this.reason]
    return say(
      this,
      this.detail === "" ? what : `${what}: ${this.detail}`,
      this.reason === "lost" ? again(this) : `Check network and base URL. ${again(this)}`
    )
  }
}

/**
 * No complete answer within the call's time bound, which covers connection, headers and body.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>(id("RequestTimeout"))("RequestTimeout", {
  ...fields,
  /** The exceeded bound. */
  timeoutMillis: Schema.Number
}) {
  override get message(): string {
    return say(this, `No complete answer within ${this.timeoutMillis} ms`, again(this))
  }
}

/**
 * An answer that the client cannot read: `empty`, `truncated`, `tooLong`, `notJson` (a gateway's page, garbage),
 * `notAnEnvelope` (JSON without a code), `contradictory` (success with a status that says failure), `redirect`, or
 * `unexpectedData` (success with data that the caller's schema rejects).
 *
 * @since 0.1.0
 * @category errors
 */
export class UnreadableAnswer extends Schema.TaggedError<UnreadableAnswer>(id("UnreadableAnswer"))("UnreadableAnswer", {
  ...fields,
  reason: Schema.Literal(
    "empty",
    "truncated",
    "tooLong",
    "notJson",
    "notAnEnvelope",
    "contradictory",
    "redirect",
    "unexpectedData"
  ),
  /** More about the answer, or empty. */
  detail: Schema.String
}) {
  override get message(): string {
    return say(
      this,
      `The exchange's answer cannot be read, ${this.reason}${this.detail === "" ? "" : `: ${this.detail}`}`,
      this.reason === "redirect"
        ? "The client does not follow redirects with signed requests: check the base URL."
        : again(this)
    )
  }
}

/**
 * The schema of every failure, to store or to send it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const VenueError = /* @__PURE__ */ Schema.Union(
  CredentialsRefused,
  TimestampRefused,
  IpRefused,
  RegionRefused,
  PermissionRefused,
  NotUnifiedAccount,
  AccountBlocked,
  RateLimited,
  RequestRefused,
  VenueBusy,
  OutcomeUnknown,
  UnrecognizedCode,
  TransportFailure,
  RequestTimeout,
  UnreadableAnswer
)

/**
 * Every failure of a call to the exchange.
 *
 * @since 0.1.0
 * @category models
 */
export type VenueError = typeof VenueError.Type

/**
 * Whether a value is a failure of a call to the exchange.
 *
 * @since 0.1.0
 * @category guards
 */
export const isVenueError: (u: unknown) => u is VenueError = /* @__PURE__ */ Schema.is(VenueError)

/**
 * One row of the code table: a class, its codes, their effect on the countdown, and whether another try can help.
 *
 * @since 0.1.0
 * @category models
 */
export interface Group {
  readonly error: (new (fields: CodeFields) => CodeError) & { readonly _tag: CodeError["_tag"] }
  readonly codes: ReadonlyArray<string>
  readonly applied: Applied
  readonly retryable: boolean
}

/**
 * The failures that come from a code.
 *
 * @since 0.1.0
 * @category models
 */
export type CodeError = Exclude<VenueError, TransportFailure | RequestTimeout | UnreadableAnswer>

/**
 * An answer with a code, without its data.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer {
  readonly code: string
  readonly venueMessage: string
  readonly httpStatus?: number | undefined
  readonly requestTime?: number | undefined
}

type CodeFields = Answer & { readonly applied: Applied; readonly retryable: boolean }

const group = (error: Group["error"], applied: Applied, retryable: boolean, codes: string): Group => ({
  error,
  codes: codes.split(" "),
  applied,
  retryable
})

/**
 * The code table, from the exchange's pages "RestAPI Error Codes" (UTA and classic) and from answers of the live
 * exchange. A class has two rows when its codes differ in their effect on the countdown. A code without a row becomes
 * an {@link UnrecognizedCode}.
 *
 * @since 0.1.0
 * @category code table
 */
export const groups: ReadonlyArray<Group> = [
  group(CredentialsRefused, "no", false, "40001 40002 40003 40006 40009 40011 40012 40036 40037"),
  group(TimestampRefused, "no", true, "40005 40008 40911"),
  group(IpRefused, "no", false, "40018 40038 22010"),
  group(RegionRefused, "no", false, "40103 40104"),
  group(PermissionRefused, "no", false, "40014 40025 25620 40301 40919 40110"),
  group(NotUnifiedAccount, "no", false, "40084 25245 40128"),
  group(
    AccountBlocked,
    "no",
    false,
    "40013 40016 40022 40023 40024 40026 40031 40042 40068 25005 25006 25007 25008 25012 25013 95001"
  ),
  group(RateLimited, "no", true, "429 25004 70228 1001"),
  group(
    RequestRefused,
    "no",
    false,
    "40007 40017 40019 40020 40034 40053 40057 40064 40404 40408 40409 40812 40813 48001 48002 400171 400172 " +
      "25200 25002 25240 40805 40847"
  ),
  group(VenueBusy, "no", true, "25000 25003 25106 25113 40115 40200 40908"),
  // Both occur during a release of the exchange. Then the first is not the caller's error, and neither proves that the
  // exchange did nothing.
  group(VenueBusy, "unknown", true, "40808 40015"),
  group(OutcomeUnknown, "unknown", true, "40010 40725 45001 25001 40910")
]

const byCode = /* @__PURE__ */ new Map(
  /* @__PURE__ */ groups.flatMap((row) => row.codes.map((code) => [code, row] as const))
)

/**
 * The failure that a code stands for. Not for the code of success, `"00000"`.
 *
 * @example
 * ```ts
 * import * as VenueError from "@effect-deadman/core/VenueError"
 *
 * const error = VenueError.fromCode({ code: "40084", venueMessage: "...", httpStatus: 400 })
 * console.log(error._tag, error.applied, error.retryable) // NotUnifiedAccount no false
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromCode = (answer: Answer): CodeError => {
  const row = byCode.get(answer.code)
  return row === undefined
    ? new UnrecognizedCode({ ...answer, applied: "unknown", retryable: true })
    : new row.error({ ...answer, applied: row.applied, retryable: row.retryable })
}
