/**
 * The store that all runners share: one row for each account, and one for each runner. A row says which runner holds
 * the account in which epoch, and keeps the exchange's stamps of the last acknowledged write for the next owner.
 *
 * The store measures all of its times with its own clock, and tells them as ms from the answer on.
 *
 * @since 0.2.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StoreUnavailable } from "./ClusterError.js"
import type { Runner } from "./Ownership.js"

/**
 * The result of a release.
 *
 * - `Disarmed`: proven off
 * - `DisarmUnconfirmed`: nothing fires later than `untilIn` ms from the answer on
 *
 * @since 0.2.0
 * @category models
 */
export const Outcome = Schema.Union(
  Schema.TaggedStruct("Disarmed", {}),
  Schema.TaggedStruct("DisarmUnconfirmed", { untilIn: Schema.Number })
)

/**
 * @since 0.2.0
 * @category models
 */
export type Outcome = typeof Outcome.Type

/**
 * The row of one account. Times are ms from the answer of the store: `...Ago` into the past, `...In` into the future,
 * negative when they have passed.
 *
 * @since 0.2.0
 * @category models
 */
export const Row = Schema.Struct({
  account: Schema.String,
  wanted: Schema.Literal("protect", "release"),
  /** Counts the calls that changed `wanted`. */
  asked: Schema.Number,
  /** Counts the take-overs. 0 before the first. */
  epoch: Schema.Number,
  /** The runner of that epoch. */
  runner: Schema.NullOr(Schema.String),
  boot: Schema.NullOr(Schema.String),
  /** The countdown of that epoch, ms. */
  countdown: Schema.NullOr(Schema.Number),
  /** The shortest countdown of all epochs before, since the switch was off with proof, ms. */
  shortestBefore: Schema.NullOr(Schema.Number),
  /** The exchange's stamps of the last acknowledged write that was reported. */
  acceptedAt: Schema.NullOr(Schema.Number),
  completedAt: Schema.NullOr(Schema.Number),
  /** The epoch of that write. */
  ackedEpoch: Schema.Number,
  ackedAgo: Schema.NullOr(Schema.Number),
  /** False before the first take-over, and after the switch was turned off with proof. */
  mayRun: Schema.Boolean,
  /** The last epoch that has signed off: its beats have ended. */
  signedOff: Schema.Number,
  /** Whether the stamps above are those of the very last write of `signedOff`. */
  isLast: Schema.Boolean,
  /** When no write of an epoch before this one can arrive at the exchange any more. */
  quietIn: Schema.Number,
  /** The epoch that may send `0`. */
  permit: Schema.NullOr(Schema.Number),
  /** When no permitted `0` can arrive at the exchange any more. */
  zeroIn: Schema.Number,
  kickedAgo: Schema.NullOr(Schema.Number),
  /** The outcome of the release that `wanted` asks for. */
  outcome: Schema.NullOr(Outcome)
})

/**
 * @since 0.2.0
 * @category models
 */
export type Row = typeof Row.Type

/**
 * Says that an epoch is armed, with the exchange's stamps of its record, in ms, where it has one.
 *
 * @since 0.2.0
 * @category models
 */
export interface Report {
  readonly account: string
  readonly epoch: number
  readonly acceptedAt: number | null
  readonly completedAt: number | null
}

/**
 * The answer to a runner that wants to join: it has joined; another process has its name; or a setting differs.
 *
 * @since 0.2.0
 * @category models
 */
export type Joining =
  | { readonly _tag: "Joined" }
  | { readonly _tag: "Twin"; readonly seenAgo: number }
  | { readonly _tag: "Mismatch"; readonly setting: string; readonly other: string; readonly theirs: string }

/**
 * @since 0.2.0
 * @category models
 */
export interface Store {
  /**
   * Enters a runner, or adds settings to it. A process with the same name is a twin when it was seen within `living`
   * ms. The settings are compared with those of all other runners that were seen within `remembered` ms, not with
   * those of a dead twin.
   */
  readonly join: (options: {
    readonly runner: Runner
    readonly settings: Readonly<Record<string, string>>
    readonly living: number
    readonly remembered: number
  }) => Effect.Effect<Joining, StoreUnavailable>

  /** Removes a runner that has stopped in order. */
  readonly leave: (runner: Runner) => Effect.Effect<void, StoreUnavailable>

  /**
   * One statement a second for each runner: says that it lives, writes what was acknowledged in an epoch that is still
   * the current one, and reads the table. `isTaken` says that another process has taken the name.
   */
  readonly report: (
    runner: Runner,
    reports: ReadonlyArray<Report>
  ) => Effect.Effect<{ readonly rows: ReadonlyArray<Row>; readonly isTaken: boolean }, StoreUnavailable>

  /**
   * Begins the epoch after `epoch`, with this runner as its owner. Gives the new row, or none when another was faster,
   * or when a permitted `0` can still arrive. `silence` is the time, in ms, after which no write of this runner can
   * arrive any more once it has lost the store. Of the owner before the longer one of its own and this one counts.
   */
  readonly takeOver: (options: {
    readonly account: string
    readonly epoch: number
    readonly runner: Runner
    readonly countdown: number
    readonly silence: number
  }) => Effect.Effect<Option.Option<Row>, StoreUnavailable>

  /**
   * Permits the epoch to send `0`, if its account is to be released. Gives the row, or none. After `validFor` ms no
   * such `0` can arrive any more, or earlier when the epoch signs off.
   */
  readonly permit: (options: {
    readonly account: string
    readonly epoch: number
    readonly validFor: number
  }) => Effect.Effect<Option.Option<Row>, StoreUnavailable>

  /**
   * Ends an epoch: it sends nothing any more, and what it sent can arrive for `unresolvedFor` ms at most. `record`
   * is its last record, and `isLast` says that this was its very last write, which proves something only when no earlier
   * owner could beat for a countdown before. `outcome` is the result of a release. A permitted `0` of this epoch can
   * arrive for as long as `unresolvedFor`, and no longer.
   */
  readonly signOff: (options: {
    readonly account: string
    readonly epoch: number
    readonly unresolvedFor: number
    readonly record: { readonly acceptedAt: number; readonly completedAt: number } | undefined
    readonly isLast: boolean
    readonly outcome: Outcome | undefined
  }) => Effect.Effect<void, StoreUnavailable>

  /** Asks for the protection or the release of an account. Gives the row, or none where there is nothing to release. */
  readonly want: (account: string, wanted: "protect" | "release") => Effect.Effect<Option.Option<Row>, StoreUnavailable>

  /** Says that the bot of an account lives. Gives whether the account is protected. */
  readonly kick: (account: string) => Effect.Effect<boolean, StoreUnavailable>

  /** The row of one account. */
  readonly read: (account: string) => Effect.Effect<Option.Option<Row>, StoreUnavailable>
}

/**
 * @since 0.2.0
 * @category tags
 */
export class AccountStore extends Context.Tag("@effect-deadman/cluster/AccountStore")<AccountStore, Store>() {}

// ---------------------------------------------------------------------------------------------------------------------
// In memory

const least = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

/** A row with instants in place of times from the answer on. */
interface Entry extends Omit<Row, "ackedAgo" | "quietIn" | "zeroIn" | "kickedAgo" | "outcome"> {
  readonly ackedAt: number | null
  /** When no write of an epoch before this one can arrive any more, and the same for the epoch before. */
  readonly quietAt: number
  readonly previousQuietAt: number
  /** When no write of `signedOff` can arrive any more. */
  readonly endedAt: number
  /** The silence of the runner of this epoch, ms. */
  readonly silence: number
  /** When no permitted `0` can arrive any more, and the same without those of the epoch that has the permit. */
  readonly zeroAt: number
  readonly previousZeroAt: number
  readonly kickedAt: number | null
  readonly outcome: { readonly untilAt: number | null } | null
}

const seen = (entry: Entry, now: number): Row => {
  const { ackedAt, kickedAt, outcome, quietAt, zeroAt } = entry
  const untilAt = outcome?.untilAt
  return {
    account: entry.account,
    wanted: entry.wanted,
    asked: entry.asked,
    epoch: entry.epoch,
    runner: entry.runner,
    boot: entry.boot,
    countdown: entry.countdown,
    shortestBefore: entry.shortestBefore,
    acceptedAt: entry.acceptedAt,
    completedAt: entry.completedAt,
    ackedEpoch: entry.ackedEpoch,
    mayRun: entry.mayRun,
    signedOff: entry.signedOff,
    isLast: entry.isLast,
    permit: entry.permit,
    ackedAgo: ackedAt === null ? null : now - ackedAt,
    quietIn: quietAt - now,
    zeroIn: zeroAt - now,
    kickedAgo: kickedAt === null ? null : now - kickedAt,
    outcome:
      untilAt === undefined
        ? null
        : untilAt === null
          ? { _tag: "Disarmed" }
          : { _tag: "DisarmUnconfirmed", untilIn: untilAt - now }
  }
}

const fresh = (account: string): Entry => ({
  account,
  wanted: "protect",
  asked: 0,
  epoch: 0,
  runner: null,
  boot: null,
  countdown: null,
  shortestBefore: null,
  acceptedAt: null,
  completedAt: null,
  ackedEpoch: 0,
  ackedAt: null,
  mayRun: false,
  signedOff: 0,
  isLast: false,
  quietAt: -Infinity,
  previousQuietAt: -Infinity,
  endedAt: -Infinity,
  silence: 0,
  permit: null,
  zeroAt: -Infinity,
  previousZeroAt: -Infinity,
  kickedAt: null,
  outcome: null
})

interface Member {
  readonly boot: string
  readonly seenAt: number
  readonly settings: Readonly<Record<string, string>>
}

/**
 * A store in the memory of this process, on Effect's clock: for tests, and for several runners in one process.
 *
 * @since 0.2.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<Store> = Effect.sync(() => {
  const entries = new Map<string, Entry>()
  const members = new Map<string, Member>()
  const step = <A>(f: (now: number) => A): Effect.Effect<A> => Effect.map(Clock.currentTimeMillis, f)
  const change = (
    account: string,
    applies: (entry: Entry, now: number) => boolean,
    next: (entry: Entry, now: number) => Partial<Entry>
  ): Effect.Effect<Option.Option<Row>> =>
    step((now) => {
      const entry = entries.get(account)
      if (entry === undefined || !applies(entry, now)) return Option.none()
      const changed = { ...entry, ...next(entry, now) }
      entries.set(account, changed)
      return Option.some(seen(changed, now))
    })

  return AccountStore.of({
    join: ({ living, remembered, runner, settings }) =>
      step((now): Joining => {
        const mine = members.get(runner.name)
        if (mine !== undefined && mine.boot !== runner.boot && now - mine.seenAt < living) {
          return { _tag: "Twin", seenAgo: now - mine.seenAt }
        }
        for (const [other, member] of members) {
          if (other === runner.name || member.boot === runner.boot || now - member.seenAt >= remembered) continue
          for (const [setting, theirs] of Object.entries(member.settings)) {
            if (setting in settings && settings[setting] !== theirs) return { _tag: "Mismatch", setting, other, theirs }
          }
        }
        const known = mine?.boot === runner.boot ? mine.settings : {}
        members.set(runner.name, { boot: runner.boot, seenAt: now, settings: { ...known, ...settings } })
        return { _tag: "Joined" }
      }),
    leave: ({ boot, name }) =>
      Effect.sync(() => {
        if (members.get(name)?.boot === boot) members.delete(name)
      }),
    report: ({ boot, name }, reports) =>
      step((now) => {
        const mine = members.get(name)
        if (mine?.boot === boot) members.set(name, { ...mine, seenAt: now })
        for (const { acceptedAt, account, completedAt, epoch } of reports) {
          const entry = entries.get(account)
          if (entry === undefined || entry.epoch !== epoch || entry.signedOff === epoch) continue
          const stamps = acceptedAt === null || completedAt === null ? {} : { acceptedAt, completedAt }
          entries.set(account, { ...entry, ...stamps, ackedEpoch: epoch, ackedAt: now })
        }
        return {
          rows: [...entries.values()].map((entry) => seen(entry, now)),
          isTaken: mine !== undefined && mine.boot !== boot
        }
      }),
    takeOver: ({ account, countdown, epoch, runner, silence }) =>
      change(
        account,
        (entry, now) =>
          entry.epoch === epoch && (entry.wanted === "release" ? entry.outcome === null : entry.zeroAt <= now),
        (entry, now) => ({
          epoch: epoch + 1,
          runner: runner.name,
          boot: runner.boot,
          countdown,
          silence,
          shortestBefore: entry.mayRun ? least(entry.shortestBefore, entry.countdown) : null,
          mayRun: true,
          permit: null,
          previousQuietAt: entry.quietAt,
          quietAt: Math.max(
            entry.quietAt,
            epoch === 0 ? -Infinity : entry.signedOff === epoch ? entry.endedAt : now + Math.max(entry.silence, silence)
          )
        })
      ),
    permit: ({ account, epoch, validFor }) =>
      change(
        account,
        (entry) => entry.epoch === epoch && entry.wanted === "release" && entry.signedOff !== epoch,
        (entry, now) => ({
          permit: epoch,
          previousZeroAt: entry.permit === epoch ? entry.previousZeroAt : entry.zeroAt,
          zeroAt: Math.max(entry.zeroAt, now + validFor)
        })
      ),
    signOff: ({ account, epoch, isLast, outcome, record, unresolvedFor }) =>
      change(
        account,
        (entry) => entry.epoch === epoch || entry.epoch === epoch + 1,
        (entry, now) => {
          const endedAt = now + unresolvedFor
          if (entry.epoch !== epoch) return { quietAt: Math.max(entry.previousQuietAt, endedAt) }
          const isOff = outcome?._tag === "Disarmed"
          return {
            signedOff: epoch,
            endedAt,
            isLast: isLast && !isOff && entry.quietAt + (entry.countdown ?? 0) <= now,
            mayRun: !isOff,
            permit: null,
            ...(entry.permit === epoch ? { zeroAt: Math.max(entry.previousZeroAt, endedAt) } : {}),
            ...(record === undefined ? {} : { ...record, ackedEpoch: epoch, ackedAt: now }),
            ...(isOff ? { acceptedAt: null, completedAt: null, zeroAt: endedAt } : {}),
            ...(outcome === undefined || entry.wanted !== "release"
              ? {}
              : { outcome: { untilAt: outcome._tag === "Disarmed" ? null : now + outcome.untilIn } })
          }
        }
      ),
    want: (account, wanted) =>
      step((now) => {
        const entry = entries.get(account) ?? (wanted === "protect" ? fresh(account) : undefined)
        if (entry === undefined) return Option.none()
        const changed: Entry =
          entry.wanted === wanted && wanted === "release"
            ? entry
            : {
                ...entry,
                wanted,
                asked: entry.asked + 1,
                outcome: wanted === "release" && !entry.mayRun ? { untilAt: null } : null
              }
        entries.set(account, changed)
        return Option.some(seen(changed, now))
      }),
    kick: (account) =>
      Effect.map(
        change(
          account,
          (entry) => entry.wanted === "protect",
          (_, now) => ({ kickedAt: now })
        ),
        Option.isSome
      ),
    read: (account) =>
      change(
        account,
        () => true,
        () => ({})
      )
  })
})

/**
 * @since 0.2.0
 * @category layers
 */
export const layerMemory: Layer.Layer<AccountStore> = Layer.effect(AccountStore, makeMemory)
