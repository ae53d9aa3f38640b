/** What each failure of a call means for the set-up, and what to do about it. Pure. */
import type * as VenueError from "@effect-deadman/core/VenueError"
import * as exitCodes from "../exitCodes.js"

/** One result of `deadman check`. */
export interface Finding {
  readonly verdict: "ok" | "warning" | "failed"
  readonly subject: string
  readonly found: string
  /** What to do, when there is something to do. */
  readonly advice?: string
  /** The exit code of a failure. */
  readonly code?: number
}

type Advice = readonly [subject: string, advice: string]

const whitelist =
  'Add the outgoing address of this host to the whitelist of the key, under "API Management". Behind NAT or a proxy that is not the address of its network card.'
const passphrase: Advice = [
  "passphrase",
  "Set BITGET_PASSPHRASE to the passphrase that was chosen when the key was made. It is not the password of the account. A forgotten one cannot be read: make a new key."
]
const release = "It is busy, or in a release (Tuesdays and Thursdays, 14:00 to 18:00 UTC+8). Run the check again later."
const unified =
  "Switch the account to the unified trading account on the exchange's site. A classic account has no countdown."
const notOpen =
  "Ask the exchange's business development to open CountDown Cancel All for this account. No code is documented for an account without it, and this is a likely one."

/** The advice for codes that say more than their group does. */
const byCode: Readonly<Record<string, Advice>> = {
  "40001": ["key", "BITGET_API_KEY is empty on its way to the exchange. Look for a proxy that removes headers."],
  "40002": ["signature", "The signature is empty on its way to the exchange. Look for a proxy that removes headers."],
  "40003": ["signature", "The signature is empty on its way to the exchange. Look for a proxy that removes headers."],
  "40006": ["key", "Copy BITGET_API_KEY again: the exchange cannot read it as a key."],
  "40009": [
    "signature",
    "Set BITGET_SECRET_KEY to the secret that was shown with this very key, or BITGET_RSA_PRIVATE_KEY to the private half of the key pair whose public half the exchange has."
  ],
  "40011": passphrase,
  "40012": passphrase,
  "40036": passphrase,
  "40037": [
    "key",
    "Copy BITGET_API_KEY again. The key may have been deleted, may have expired, or may belong to another environment: a demo key needs BITGET_DEMO_TRADING=true. A valid key gets this answer now and then: run the check once more."
  ],
  "22010": [
    "address",
    "The exchange requires a whitelist for this key. Bind one to it, with the outgoing address of this host."
  ],
  "40014": ["permission", 'Give the key UTA trade, read and write, under "API Management".'],
  "40110": [
    "environment",
    "Use a demo key with BITGET_DEMO_TRADING=true, and a live key without it. This key is of the other kind."
  ],
  "40301": ["access", notOpen],
  "40919": ["access", notOpen],
  "25008": ["account", "The account is in liquidation. No switch helps it now: act on the exchange's site."],
  "25012": ["account", "The account is at risk, and the exchange restricts it. Act on the exchange's site."],
  "40404": ["base URL", "The exchange has no such endpoint at this URL. Check BITGET_BASE_URL, with its path."]
}

/** The advice for the other codes and for failures without a code. */
const byTag: Readonly<Record<VenueError.VenueError["_tag"], Advice>> = {
  CredentialsRefused: ["key", "Copy key, passphrase and secret again."],
  TimestampRefused: [
    "clock",
    "Look for a proxy that holds requests back for longer than 30 s. A wrong clock of this host is not the cause, because deadman signs with the exchange's time."
  ],
  IpRefused: ["address", whitelist],
  RegionRefused: [
    "region",
    "The exchange does not serve the location of this host. Run it where the account may trade."
  ],
  PermissionRefused: ["permission", 'Give the key UTA trade, read and write, under "API Management".'],
  NotUnifiedAccount: ["account", unified],
  AccountBlocked: [
    "account",
    "Look at the account on the exchange's site, or ask its support: it is frozen or restricted."
  ],
  RateLimited: [
    "rate",
    "Another program uses the budget of this account or address. Find it, or give it another account."
  ],
  RequestRefused: [
    "request",
    "The exchange does not understand a request of deadman. Please report this with the code."
  ],
  VenueBusy: ["exchange", release],
  OutcomeUnknown: ["exchange", release],
  UnrecognizedCode: ["exchange", "The code is in no table. Please report it, so that it gets its own advice."],
  TransportFailure: ["network", "Check BITGET_BASE_URL, name resolution, the firewall and the proxy of this host."],
  RequestTimeout: ["network", "The exchange is too far or too slow. Check the route to it, or set BITGET_TIMEOUT."],
  UnreadableAnswer: [
    "network",
    "Something between here and the exchange answers in its place. Check BITGET_BASE_URL and proxies."
  ]
}

/** The finding of a failed call. */
export const ofError = (error: VenueError.VenueError): Finding => {
  const own = error.code !== undefined && Object.hasOwn(byCode, error.code) ? byCode[error.code] : undefined
  const [subject, advice] = own ?? byTag[error._tag]
  const details = [
    ...(error.code === undefined ? [] : [`code ${error.code}`]),
    ...(error.httpStatus === undefined ? [] : [`HTTP ${error.httpStatus}`]),
    ...(error.venueMessage === "" ? [] : [JSON.stringify(error.venueMessage)])
  ]
  // The first sentence says what happened; the advice here is more to the point than its second.
  const [what = ""] = error.message.split(/[.(]/, 1)
  const found = `${what.trim()}${details.length === 0 ? "" : ` (${details.join(", ")})`}`
  return { verdict: "failed", subject, found, advice, code: exitCodes.of(error) }
}

const ok = (subject: string, found: string): Finding => ({ verdict: "ok", subject, found })
const warning = (subject: string, found: string, advice: string): Finding => ({
  verdict: "warning",
  subject,
  found,
  advice
})

/** Where requests go. */
export const environment = (baseUrl: string, isDemo: boolean, isExchange: boolean): Finding => {
  const where = `${isDemo ? "demo" : "live"} trading at ${baseUrl}`
  return isExchange
    ? ok("variables", where)
    : warning("variables", where, "This is not the exchange itself. Unset BITGET_BASE_URL to reach it.")
}

/** `offset` is by how much the exchange's clock is ahead of this host, with its uncertainty, both in ms. */
export const clock = (offset: number, uncertainty: number): Finding => {
  const found =
    `the exchange's clock is ${Math.abs(Math.round(offset))} ms ${offset < 0 ? "behind" : "ahead of"} this host's, ` +
    `± ${Math.ceil(uncertainty)} ms`
  return Math.abs(offset) - uncertainty <= 1_000
    ? ok("clock", found)
    : warning(
        "clock",
        found,
        "deadman signs with the exchange's time and works all the same, but instants in logs and in the status file are wrong. Synchronise the clock of this host (NTP)."
      )
}

/** The account behind the key, as `account/settings` describes it. */
export const account = (uid: string, accountMode: string): Finding => {
  const found = `account ${uid} is ${accountMode}`
  if (accountMode === "unified") return ok("account", found)
  if (accountMode === "upgrading" || accountMode === "switching") {
    return warning("account", found, "Wait until the change of its mode is complete, and run the check again.")
  }
  return accountMode === "hybrid"
    ? warning(
        "account",
        found,
        "The countdown is documented for unified accounts. Switch the account, or use --arm to see."
      )
    : { verdict: "failed", subject: "account", found, advice: unified, code: exitCodes.codes.refused }
}

/** `error` is the answer to cancelling an order that does not exist. */
export const writing = (error: VenueError.VenueError | undefined): Finding =>
  error === undefined || error.code === "25204"
    ? ok("permission", "the key may trade: the exchange looked for the order that it was asked to cancel")
    : error._tag === "UnrecognizedCode" || error._tag === "RequestRefused"
      ? warning(
          "permission",
          `not known: the exchange answered with code ${error.code ?? "none"} to cancelling an order that does not exist`,
          "Use --arm to see whether the key may write."
        )
      : ofError(error)

/** `remaining` is the number of calls that the exchange still allows in this second, of 20. */
export const rate = (remaining: number | undefined): Finding =>
  remaining === undefined
    ? ok("rate", "the exchange does not say how much of the budget is left")
    : remaining >= 10
      ? ok("rate", `${remaining} of 20 calls are left in this second`)
      : warning(
          "rate",
          `only ${remaining} of 20 calls are left in this second`,
          "Another program uses this account. Two switches on one account overwrite each other: find it before you arm."
        )

/** A finding as lines for people. */
export const text = ({ advice, found, subject, verdict }: Finding): string =>
  `${verdict.padEnd(8)} ${subject.padEnd(12)} ${found}${advice === undefined ? "" : `\n${" ".repeat(9)}${"do".padEnd(12)} ${advice}`}`

/** 0 when nothing failed, otherwise the exit code of the first failure. */
export const exitCode = (findings: ReadonlyArray<Finding>): number =>
  findings.find(({ verdict }) => verdict === "failed")?.code ?? 0
