/** What every store of accounts promises: the same tests for the one in memory and the one in PostgreSQL. */
import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const anna = { name: "anna", boot: "anna-1" }
const bert = { name: "bert", boot: "bert-1" }

const some = <A>(option: Option.Option<A>): A => Option.getOrThrowWith(option, () => new Error("no row"))

/** `account` gives a name that no other test uses. */
export const conformance = (
  store: () => AccountStore.Store,
  name: (label: string) => string,
  run: <E>(effect: Effect.Effect<void, E>) => Promise<void>
) => {
  const test = <E>(promise: string, body: (store: AccountStore.Store, account: string) => Effect.Effect<void, E>) =>
    it(promise, () => run(Effect.suspend(() => body(store(), name("account")))))

  const take = (account: string, epoch: number, runner = anna, silence = 1_000) =>
    store().takeOver({ account, epoch, runner, countdown: 30_000, silence })

  /** Begins the first epoch of an account that is then to be released. */
  const begin = (account: string) =>
    Effect.all([store().want(account, "protect"), take(account, 0), store().want(account, "release")], {
      discard: true
    })

  const leave = (account: string, epoch: number, more: Partial<Parameters<AccountStore.Store["signOff"]>[0]> = {}) =>
    store().signOff({ account, epoch, unresolvedFor: 0, record: undefined, isLast: false, outcome: undefined, ...more })

  const row = (account: string) => Effect.map(store().read(account), some)

  test("an account that was never given to the cluster has no row, no release and no kick", (store, account) =>
    Effect.gen(function* () {
      assert.isTrue(Option.isNone(yield* store.read(account)))
      assert.isTrue(Option.isNone(yield* store.want(account, "release")))
      assert.isFalse(yield* store.kick(account))
      assert.isTrue(Option.isNone(yield* take(account, 0)))
    }))

  test("a protected account waits for its first owner", (store, account) =>
    Effect.gen(function* () {
      const row = some(yield* store.want(account, "protect"))
      assert.deepInclude(row, { account, wanted: "protect", epoch: 0, mayRun: false, runner: null, outcome: null })
      assert.isAtMost(row.zeroIn, 0)
      assert.isAtMost(row.quietIn, 0)
    }))

  test("of two runners that take over the same epoch one wins", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      const taken = yield* Effect.all([take(account, 0, anna), take(account, 0, bert)], { concurrency: 2 })
      assert.strictEqual(taken.filter(Option.isSome).length, 1)
      assert.strictEqual((yield* row(account)).epoch, 1)
    }))

  test("a report counts in its own epoch only", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0, anna)
      yield* store.report(anna, [{ account, epoch: 1, acceptedAt: 1_000.5, completedAt: 1_010 }])
      assert.deepInclude(yield* row(account), { acceptedAt: 1_000.5, completedAt: 1_010, ackedEpoch: 1 })
      yield* take(account, 1, bert)
      const { rows } = yield* store.report(anna, [{ account, epoch: 1, acceptedAt: 2_000, completedAt: 2_010 }])
      assert.include(rows.find((row) => row.account === account) ?? {}, { epoch: 2, runner: "bert", boot: "bert-1" })
      assert.deepInclude(yield* row(account), { acceptedAt: 1_000.5, ackedEpoch: 1, shortestBefore: 30_000 })
    }))

  test("a report without stamps says that the epoch is armed, and keeps the older stamps", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      yield* store.report(anna, [{ account, epoch: 1, acceptedAt: 1_000, completedAt: 1_010 }])
      yield* take(account, 1, bert)
      yield* store.report(bert, [{ account, epoch: 2, acceptedAt: null, completedAt: null }])
      assert.deepInclude(yield* row(account), { ackedEpoch: 2, acceptedAt: 1_000, completedAt: 1_010 })
    }))

  test("a report after the sign-off of its epoch does not count", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      yield* leave(account, 1, { record: { acceptedAt: 5_000, completedAt: 5_001 }, isLast: true })
      yield* store.report(anna, [{ account, epoch: 1, acceptedAt: 4_000, completedAt: 4_001 }])
      assert.deepInclude(yield* row(account), { acceptedAt: 5_000, completedAt: 5_001, signedOff: 1, isLast: true })
    }))

  test("the shortest countdown of all epochs before is kept, until the switch is off with proof", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      assert.isNull(some(yield* take(account, 0)).shortestBefore)
      const shorter = { account, epoch: 1, runner: anna, countdown: 20_000, silence: 0 }
      assert.strictEqual(some(yield* store.takeOver(shorter)).shortestBefore, 30_000)
      assert.strictEqual(some(yield* take(account, 2)).shortestBefore, 20_000)
      assert.strictEqual(some(yield* take(account, 3)).shortestBefore, 20_000)
      yield* store.want(account, "release")
      yield* leave(account, 4, { outcome: { _tag: "Disarmed" } })
      yield* store.want(account, "protect")
      const again = some(yield* take(account, 4))
      assert.deepInclude(again, { shortestBefore: null, acceptedAt: null, completedAt: null })
    }))

  test("an owner that is taken over without its sign-off is quiet only after the silence", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      assert.isAtMost(some(yield* take(account, 0, anna, 90_000)).quietIn, 0)
      const { quietIn } = some(yield* take(account, 1, bert, 90_000))
      assert.isAbove(quietIn, 60_000)
      assert.isAtMost(quietIn, 90_000)
      // The epoch before says that it has ended.
      yield* leave(account, 1)
      assert.isAtMost((yield* row(account)).quietIn, 0)
    }))

  test("a sign-off before the take-over makes the account quiet once its unresolved writes have ended", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      yield* leave(account, 1)
      assert.isAtMost(some(yield* take(account, 1, bert, 90_000)).quietIn, 0)
      yield* leave(account, 2, { unresolvedFor: 40_000 })
      const { quietIn } = some(yield* take(account, 2, anna, 90_000))
      assert.isAbove(quietIn, 20_000)
      assert.isAtMost(quietIn, 40_000)
    }))

  test("the sign-off of the epoch before last shortens nothing", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      yield* take(account, 1, bert, 90_000)
      yield* take(account, 2, anna, 90_000)
      yield* leave(account, 1)
      assert.isAbove((yield* row(account)).quietIn, 60_000)
      // The epoch before has ended, and the one before that has not.
      yield* leave(account, 2)
      assert.isAbove((yield* row(account)).quietIn, 60_000)
    }))

  test("after a proven release nothing takes over while an earlier zero of it may arrive", (store, account) =>
    Effect.gen(function* () {
      yield* begin(account)
      yield* store.permit({ account, epoch: 1, validFor: 45_000 })
      yield* store.signOff({
        account,
        epoch: 1,
        unresolvedFor: 30_000,
        record: undefined,
        isLast: false,
        outcome: { _tag: "Disarmed" }
      })
      yield* store.want(account, "protect")
      const row = some(yield* store.read(account))
      assert.isAbove(row.zeroIn, 10_000)
      assert.isAtMost(row.zeroIn, 30_000)
      assert.isTrue(Option.isNone(yield* take(account, 1)))
    }))

  test("the last write of an owner is no proof while the owner before it may have beaten on", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      // Without a sign-off of the first.
      yield* take(account, 1, bert)
      const record = { acceptedAt: 1_000, completedAt: 1_001 }
      yield* store.signOff({ account, epoch: 2, unresolvedFor: 0, record, isLast: true, outcome: undefined })
      assert.deepInclude(some(yield* store.read(account)), { signedOff: 2, isLast: false, acceptedAt: 1_000 })
    }))

  test("a permit needs the current epoch, an account to be released, and no sign-off", (store, account) =>
    Effect.gen(function* () {
      const ask = (epoch: number) => store.permit({ account, epoch, validFor: 45_000 })
      yield* store.want(account, "protect")
      yield* take(account, 0)
      assert.isTrue(Option.isNone(yield* ask(1)), "to be protected")
      yield* store.want(account, "release")
      assert.isTrue(Option.isNone(yield* ask(2)), "not yet begun")
      const permitted = some(yield* ask(1))
      assert.strictEqual(permitted.permit, 1)
      assert.isAbove(permitted.zeroIn, 20_000)
      const next = some(yield* take(account, 1, bert))
      assert.isNull(next.permit)
      assert.isTrue(Option.isNone(yield* ask(1)), "an old epoch")
      yield* leave(account, 2)
      assert.isTrue(Option.isNone(yield* ask(2)), "signed off")
    }))

  test("nothing is armed while a permitted zero can still arrive", (store, account) =>
    Effect.gen(function* () {
      yield* begin(account)
      yield* store.permit({ account, epoch: 1, validFor: 45_000 })
      yield* leave(account, 1, { unresolvedFor: 30_000, outcome: { _tag: "DisarmUnconfirmed", untilIn: 30_000 } })
      const released = yield* row(account)
      assert.strictEqual(released.outcome?._tag, "DisarmUnconfirmed")
      assert.isTrue(released.mayRun)
      assert.isTrue(Option.isNone(yield* take(account, 1)), "already released")
      yield* store.want(account, "protect")
      assert.isTrue(Option.isNone(yield* take(account, 1)), "a zero may arrive")
    }))

  test("the longer silence of the owner before counts, and not that of the next alone", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0, anna, 600_000)
      assert.isAbove(some(yield* take(account, 1, bert, 1_000)).quietIn, 400_000)
      yield* leave(account, 1)
      assert.isAtMost((yield* row(account)).quietIn, 0)
      // The silence was that of the first owner alone.
      assert.isAtMost(some(yield* take(account, 2, anna, 2_000)).quietIn, 2_000)
    }))

  test("a sign-off ends the permit: no zero arrives later than what it has not resolved", (store, account) =>
    Effect.gen(function* () {
      const permit = (epoch: number, validFor: number) => store.permit({ account, epoch, validFor })
      yield* begin(account)
      yield* permit(1, 600_000)
      yield* leave(account, 1, { unresolvedFor: 90_000 })
      const { zeroIn } = yield* row(account)
      assert.isTrue(60_000 < zeroIn && zeroIn <= 90_000)
      yield* take(account, 1, bert)
      yield* permit(2, 600_000)
      yield* permit(2, 600_000)
      yield* leave(account, 2)
      const left = (yield* row(account)).zeroIn
      assert.isTrue(60_000 < left && left <= 90_000, "the zero of the epoch before may still arrive")
      yield* take(account, 2)
      yield* leave(account, 3)
      assert.isAbove((yield* row(account)).zeroIn, 60_000, "an epoch without a permit")
    }))

  test("the permit of one epoch does not forget an earlier zero that may arrive later", (store, account) =>
    Effect.gen(function* () {
      yield* begin(account)
      yield* store.permit({ account, epoch: 1, validFor: 600_000 })
      yield* take(account, 1, bert)
      yield* store.permit({ account, epoch: 2, validFor: 1_000 })
      assert.isAbove((yield* row(account)).zeroIn, 400_000)
    }))

  test("a second sign-off without an outcome keeps that of the first", (store, account) =>
    Effect.gen(function* () {
      yield* begin(account)
      yield* leave(account, 1, { outcome: { _tag: "DisarmUnconfirmed", untilIn: 90_000 } })
      yield* leave(account, 1)
      const { outcome } = yield* row(account)
      assert.isTrue(outcome?._tag === "DisarmUnconfirmed" && outcome.untilIn > 60_000)
    }))

  test("a dead twin is replaced also by one with other settings", (store, account) =>
    Effect.gen(function* () {
      const join = (boot: string, setting: string) =>
        store.join({ runner: { name: account, boot }, settings: { [account]: setting }, living: 0, remembered: 60_000 })
      yield* join(`${account}-1`, "300")
      assert.deepStrictEqual(yield* join(`${account}-2`, "60"), { _tag: "Joined" })
    }))

  test("after a release with proof the account can be protected at once", (store, account) =>
    Effect.gen(function* () {
      yield* begin(account)
      yield* store.permit({ account, epoch: 1, validFor: 45_000 })
      yield* leave(account, 1, { outcome: { _tag: "Disarmed" } })
      assert.deepStrictEqual((yield* row(account)).outcome?._tag, "Disarmed")
      assert.isFalse((yield* row(account)).mayRun)
      assert.isNull(some(yield* store.want(account, "protect")).outcome)
      assert.isTrue(Option.isSome(yield* take(account, 1)))
    }))

  test("a release that was withdrawn has no outcome", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      yield* take(account, 0)
      const { asked } = some(yield* store.want(account, "release"))
      assert.strictEqual(some(yield* store.want(account, "release")).asked, asked)
      const again = some(yield* store.want(account, "protect"))
      assert.strictEqual(again.asked, asked + 1)
      yield* leave(account, 1, { outcome: { _tag: "Disarmed" } })
      assert.isNull((yield* row(account)).outcome)
    }))

  test("an account that never ran is released at once", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      assert.strictEqual(some(yield* store.want(account, "release")).outcome?._tag, "Disarmed")
      assert.isTrue(Option.isNone(yield* take(account, 0)))
    }))

  test("a kick is remembered with its age, and only for an account to be protected", (store, account) =>
    Effect.gen(function* () {
      yield* store.want(account, "protect")
      assert.isNull((yield* row(account)).kickedAgo)
      assert.isTrue(yield* store.kick(account))
      const { kickedAgo } = yield* row(account)
      assert.isTrue(kickedAgo !== null && 0 <= kickedAgo && kickedAgo < 60_000)
      yield* store.want(account, "release")
      assert.isFalse(yield* store.kick(account))
    }))

  test("a living twin does not join, and a dead one is replaced", (store, account) =>
    Effect.gen(function* () {
      const first = { name: account, boot: "first" }
      const second = { name: account, boot: "second" }
      const joining = { settings: { [account]: "1" }, living: 60_000, remembered: 60_000 }
      assert.deepStrictEqual(yield* store.join({ ...joining, runner: first }), { _tag: "Joined" })
      assert.deepStrictEqual(yield* store.join({ ...joining, runner: first }), { _tag: "Joined" })
      assert.strictEqual((yield* store.join({ ...joining, runner: second }))._tag, "Twin")
      assert.isFalse((yield* store.report(first, [])).isTaken)
      const later = yield* store.join({ ...joining, runner: second, living: 0 })
      assert.deepStrictEqual(later, { _tag: "Joined" })
      yield* store.want(account, "protect")
      assert.isTrue((yield* store.report(first, [])).isTaken)
      // The one that was replaced takes nothing away.
      yield* store.leave(first)
      assert.strictEqual((yield* store.join({ ...joining, runner: first }))._tag, "Twin")
      yield* store.leave(second)
      assert.deepStrictEqual(yield* store.join({ ...joining, runner: first }), { _tag: "Joined" })
    }))

  test("a runner with another setting is refused by name, as long as the others are remembered", (store, account) =>
    Effect.gen(function* () {
      const first = { name: `${account}-a`, boot: `${account}-a` }
      const second = { name: `${account}-b`, boot: `${account}-b` }
      const joining = { living: 60_000, remembered: 60_000 }
      yield* store.join({ ...joining, runner: first, settings: { [account]: "300" } })
      yield* store.join({ ...joining, runner: first, settings: { [`${account}-more`]: "30 s" } })
      const other = { ...joining, runner: second }
      assert.deepStrictEqual(yield* store.join({ ...other, settings: { [account]: "60" } }), {
        _tag: "Mismatch",
        setting: account,
        other: `${account}-a`,
        theirs: "300"
      })
      const more = yield* store.join({ ...other, settings: { [account]: "300", [`${account}-more`]: "20 s" } })
      assert.include(more, { _tag: "Mismatch", setting: `${account}-more`, theirs: "30 s" })
      // It was refused and left nothing behind.
      assert.strictEqual((yield* store.join({ ...joining, runner: first, settings: {} }))._tag, "Joined")
      assert.strictEqual((yield* store.join({ ...other, remembered: 0, settings: { [account]: "60" } }))._tag, "Joined")
    }))
}
