/** The situations that a campaign has to reach. It proves nothing about one that it never reached. */
import type { Evidence } from "./Evidence.js"
import type * as Log from "./Log.js"
import type { Verdict } from "./Oracle.js"
import * as program from "./situations/program.js"

type Situation = (evidence: Evidence, verdict: Verdict) => boolean

const firedDuring =
  (what: "suspend" | "stall"): Situation =>
  ({ deeds, fires }) =>
    deeds.some(
      (deed) => deed.what === what && fires.some((fire) => fire.at > deed.at && fire.at < deed.at + deed.length!)
    )

const stepped =
  (sign: 1 | -1): Situation =>
  ({ acquired, plan }) =>
    acquired !== undefined &&
    plan.deeds.some((deed) => deed.do === "step-wall" && deed.at > acquired.at && deed.by * sign > 0)

const endsAs =
  (name: Log.Outcome["outcome"]): Situation =>
  ({ outcome }) =>
    outcome?.outcome === name

const situations: Readonly<Record<string, Situation>> = {
  fired: ({ fires }) => fires.length > 0,
  "fired with a beat in flight": ({ calls, fires }) =>
    fires.some((fire) => calls.some((call) => call.at < fire.at && (call.endAt ?? Infinity) > fire.at)),
  "applied with the answer lost": ({ allCalls, applied }) =>
    applied.some(
      (write) => write.call !== undefined && write.copy === 0 && allCalls[write.call]!.end === "interrupted"
    ),
  "a duplicate applied late": ({ allCalls, applied }) =>
    applied.some(
      (write) =>
        write.copy > 0 && write.call !== undefined && write.appliedAt > (allCalls[write.call]!.endAt ?? Infinity)
    ),
  'a "0" overtaken by a delayed beat': ({ allCalls, applied }) =>
    applied.some(
      (write, index) =>
        write.wire !== "0" &&
        write.call !== undefined &&
        applied
          .slice(0, index)
          .some(
            (zero) =>
              zero.wire === "0" && zero.call !== undefined && allCalls[zero.call]!.at > allCalls[write.call!]!.at
          )
    ),
  "beat and expiry at one instant, the beat first": ({ switched }) =>
    switched.some((entry, index) => {
      const before = switched[index - 1]
      return entry.transition === "refreshed" && before?.deadline === entry.at
    }),
  "beat and expiry at one instant, the expiry first": ({ switched }) =>
    switched.some((entry, index) => {
      const before = switched[index - 1]
      return entry.transition === "armed" && before?.transition === "fired" && before.at === entry.at
    }),
  "429 on a beat": ({ calls }) => calls.some((call) => call.wire !== "0" && call.code === "429"),
  '429 on the "0"': ({ calls }) => calls.some((call) => call.wire === "0" && call.code === "429"),
  "interruption in acquire": ({ acquired, calls }) => acquired?.result === "interrupted" && calls.length > 0,
  "interruption in a beat": ({ calls, deeds }) =>
    deeds.some(
      (deed) =>
        deed.what === "interrupted-beat" &&
        calls.some((call) => call.at <= deed.at + deed.length! && (call.endAt ?? Infinity) >= deed.at + deed.length!)
    ),
  "interruption in release": ({ begun, ended, plan }) => {
    const close = plan.deeds.find((deed) => deed.do === "close")
    if (begun === undefined || ended === undefined || close === undefined || close.do !== "close") return false
    const at = close.at + (close.interruptedAfter ?? Infinity)
    return at > begun.at && at < ended.at
  },
  recovery: ({ claims }) =>
    claims.some((claim, index) => claim.state === "Armed" && claims[index - 1]?.state === "Jeopardy"),
  "armed again after doubt": ({ claims }) => armedAfterDoubt(claims),
  "reconciled over a gap": ({ claims, deeds }) =>
    deeds.some(
      (deed) => deed.what === "reconciled" && claims.find((claim) => claim.seq > deed.seq)?.state !== "MayHaveFired"
    ),
  "held, by a sighting": ({ claims }) => claims.some(({ provenBy }) => provenBy === "sighting"),
  "held since the heartbeat before, by a sighting": ({ acquired, claims, deeds }) =>
    deeds.some(({ what }) => what === "record") &&
    acquired !== undefined &&
    claims.find(({ how }) => how === "reported")?.state === "MayHaveFired" &&
    claims.filter(({ how }) => how === "reported")[1]?.provenBy === "sighting",
  "nothing listed": (evidence) =>
    evidence.lists.some((list) => list.result === "nothing" && !orderOpen(evidence, list)),
  "only newer orders listed": (evidence) =>
    evidence.lists.some((list) => list.result === "nothing" && orderOpen(evidence, list)),
  "a stale list": ({ lists, ordered }) =>
    lists.some(
      (list) =>
        list.result === "listed" &&
        ordered.some(
          (placed) =>
            placed.what === "placed" &&
            placed.at === list.createdAt &&
            ordered.some(({ at, order, what }) => order === placed.order && what === "cancelled" && at < list.sentAt)
        )
    ),
  "a list lost": ({ lists }) => lists.some(({ result }) => result === "failed"),
  "orders still under cancel at the first answer after a firing": ({ calls, fires, ordered, plan }) =>
    plan.evidence !== undefined &&
    fires.some((fire) => {
      const answered = calls.find((call) => call.end === "acknowledged" && call.endAt! > fire.at)?.endAt ?? Infinity
      return ordered.some(
        ({ account, at, cause }) => account === "own" && cause === "countdown" && at > answered && at < fire.at + 10_000
      )
    }),
  "a gap over a firing, with orders placed after it": ({ fires, lists, ordered }) =>
    fires.some((fire) =>
      lists.some(
        (list) =>
          list.result !== "failed" &&
          list.sentAt > fire.at &&
          list.before < fire.at + 10_000 &&
          ordered.some(
            ({ account, at, what }) => account === "own" && what === "placed" && at > fire.at && at < list.sentAt
          )
      )
    ),
  "lost and released by CancelSoon": ({ lost, outcome }) => lost !== undefined && outcome?.outcome === "CancellingSoon",
  "a single contradicting answer survived": ({ claims, fires, lost, plan }) =>
    plan.venue.wrongMachine !== undefined &&
    plan.client.onUncertain === "lose" &&
    lost === undefined &&
    fires.length === 0 &&
    armedAfterDoubt(claims),
  "proven fired by the exchange's stamps": ({ claims }) =>
    claims.some((claim) => claim.state === "Fired" && (claim.latest ?? 0) > 0),
  "suspended beyond the window": firedDuring("suspend"),
  "stalled beyond the window": firedDuring("stall"),
  "crash of an armed client": ({ acquired, begun, crash }) =>
    crash !== undefined && begun === undefined && acquired?.result === "armed" && acquired.at < crash.at,
  "wall clock stepped forward": stepped(1),
  "wall clock stepped back": stepped(-1),
  "liveness negative to the end": ({ lost }) => lost?.reason === "NotAlive",
  "refused for good": ({ lost }) => lost?.reason === "Refused",
  "a late answer": ({ calls, plan }) =>
    calls.some((call) => call.end === "acknowledged" && call.endAt! > call.at + plan.client.requestTimeout + 1),
  "an unresolved write refused for its age": ({ arrivals }) =>
    arrivals.some((arrival) => arrival.code === "40008" && arrival.at > 30_000),
  'turned off by a late "0" of the heartbeat before': ({ acquired, allCalls, applied, switched }) =>
    acquired?.result === "armed" &&
    applied.some(
      (write) =>
        write.wire === "0" &&
        write.call !== undefined &&
        allCalls[write.call]!.before &&
        write.appliedAt > acquired.at &&
        switched.some((entry) => entry.transition === "closed" && entry.at === write.appliedAt)
    ),
  "another client wrote": ({ otherClientAt }) => otherClientAt !== Infinity,
  "an excuse": (_, verdict) => verdict.excused.length > 0,
  Disarmed: endsAs("Disarmed"),
  DisarmUnconfirmed: endsAs("DisarmUnconfirmed"),
  "fired after DisarmUnconfirmed, in time": ({ fires, outcome }) =>
    outcome?.outcome === "DisarmUnconfirmed" && fires.some((fire) => fire.at > outcome.at),
  Expiring: endsAs("Expiring"),
  CancellingSoon: endsAs("CancellingSoon"),
  ArmTimeout: ({ acquired }) => acquired?.failure === "ArmTimeout",
  InvalidOptions: ({ acquired }) => acquired?.failure === "InvalidOptions",
  "the acquisition refused": ({ acquired }) => acquired?.code !== undefined,
  "maintenance that holds the timers": ({ heldAt, switched }) =>
    switched.some((entry) => entry.transition === "fired" && entry.at > heldAt),
  ...program.situations,
  "the whole stack": ({ log }) => log.output !== undefined
}

/** Whether an order of the account was open when the list was answered. */
const orderOpen = ({ ordered }: Evidence, list: Evidence["lists"][number]): boolean =>
  ordered.some(
    (placed) =>
      placed.account === "own" &&
      placed.what === "placed" &&
      placed.at < list.sentAt &&
      !ordered.some(({ at, order, what }) => order === placed.order && what === "cancelled" && at <= list.at)
  )

const armedAfterDoubt = (claims: Evidence["claims"]): boolean =>
  claims.some((claim, index) => claim.state === "Armed" && claims[index - 1]?.state === "MayHaveFired")

export const names: ReadonlyArray<string> = Object.keys(situations)

/** The situations of one seed. */
export const reached = (evidence: Evidence, verdict: Verdict): ReadonlyArray<string> =>
  names.filter((name) => situations[name]!(evidence, verdict))
