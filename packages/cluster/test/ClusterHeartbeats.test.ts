import type * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { inWorld, type World } from "./support/world.js"

const accounts = ["a", "b", "c", "d"]

type Runner = Effect.Effect.Success<ReturnType<World["start"]>>

/** Protects the accounts and waits until they are armed. */
const protect = ({ cluster, inParty }: Runner, names = accounts) =>
  Effect.zipRight(inParty(Effect.forEach(names, cluster.protect, { discard: true })), Effect.sleep("3 seconds"))

type Options = Parameters<World["start"]>[1]

/** Starts anna as the owner of the account a, and waits until that is armed. */
const startOwner = (world: World, options?: Options) =>
  Effect.gen(function* () {
    yield* world.own("anna", "a")
    const anna = yield* world.start("anna", options)
    yield* protect(anna, ["a"])
    return anna
  })

/** The same, with bert beside anna. */
const startPair = (world: World, options?: Options) =>
  Effect.gen(function* () {
    yield* world.own("anna", "a")
    const anna = yield* world.start("anna", options)
    const bert = yield* world.start("bert", options)
    yield* protect(anna, ["a"])
    return { anna, bert }
  })

const stateOf = (runner: { readonly cluster: ClusterHeartbeats.ClusterHeartbeats }, account = "a") =>
  Effect.map(runner.cluster.status, ({ accounts }) => accounts.find((status) => status.account === account))

/** The longest time between two writes of an account, in ms. */
const longestGap = (world: World, account = "a", since = 0): number => {
  const at = world.writes.filter((write) => write.account === account && write.at >= since).map((write) => write.at)
  return Math.max(...at.slice(1).map((next, index) => next - at[index]!))
}

/**
 * Releases an account that an earlier owner still beats for. That one beats after the zero, so the switch fires, but not
 * after `until`.
 */
const firesAfterRelease = (world: World, { cluster, inParty }: Runner, wait: Duration.DurationInput) =>
  Effect.gen(function* () {
    const at = world.now()
    const released = yield* inParty(cluster.release("a"))
    assert.strictEqual(released._tag, "DisarmUnconfirmed")
    if (released._tag !== "DisarmUnconfirmed") return
    yield* Effect.sleep(wait)
    world.settle()
    assert.strictEqual(world.fired.length, 1)
    assert.isAbove(world.fired[0]!.at, at)
    assert.isBelow(world.fired[0]!.at, released.until)
  })

const fail = <E>(exit: Exit.Exit<unknown, E>): E =>
  Option.getOrThrowWith(
    Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none(),
    () => new Error("did not fail")
  )

describe("a runner of the cluster", () => {
  it("arms each account that it owns, runs its work, and beats", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a", "b")
        const anna = yield* world.start("anna")
        yield* protect(anna)
        assert.deepInclude(yield* stateOf(anna), {
          state: "Owned",
          epoch: 1,
          owner: "anna",
          continuity: "First",
          isWorking: true
        })
        assert.deepInclude(yield* stateOf(anna, "c"), { state: "Idle", epoch: 0, isWorking: false })
        assert.strictEqual(world.works.length, 2)
        yield* Effect.sleep("1 minute")
        assert.isAtMost(longestGap(world), 3_200)
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("is followed after kill -9 by the next owner, which proves that the switch held", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", ...accounts)
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert")
        yield* protect(anna)
        yield* anna.crash
        yield* Effect.sleep("7 seconds")
        yield* world.own("bert", ...accounts)
        yield* Effect.sleep("3 seconds")
        for (const account of accounts) {
          assert.deepInclude(yield* stateOf(bert, account), { state: "Owned", epoch: 2, continuity: "Held" })
          assert.isBelow(longestGap(world, account), 15_000)
        }
        // The work of the other may not know of its end yet.
        assert.isFalse((yield* stateOf(bert))?.isWorking)
        yield* Effect.sleep("4 seconds")
        assert.isTrue((yield* stateOf(bert))?.isWorking)
        assert.deepStrictEqual(world.fired, [])
        assert.deepStrictEqual(world.zeros(), [])
      })
    ))

  it("says MayHaveFired after a firing, and the work waits until the book was compared", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const compared: Array<string> = []
        yield* world.own("anna", "a")
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert", {
          reconcile: (account) =>
            Effect.delay(
              Effect.sync(() => compared.push(account)),
              "10 seconds"
            )
        })
        yield* protect(anna, ["a"])
        yield* anna.crash
        yield* Effect.sleep("40 seconds")
        yield* world.own("bert", "a")
        yield* Effect.sleep("8 seconds")
        const status = yield* stateOf(bert)
        assert.strictEqual(status?.continuity, "MayHaveFired")
        assert.strictEqual(status?.heartbeat?._tag, "MayHaveFired")
        assert.strictEqual(world.works.filter(({ runner }) => runner === "bert").length, 0)
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(compared, ["a"])
        assert.strictEqual((yield* stateOf(bert))?.heartbeat?._tag, "Armed")
        assert.strictEqual(world.works.filter(({ runner }) => runner === "bert").length, 1)
        assert.strictEqual(world.fired.length, 1)
      })
    ))

  it("says Fired when the owner before had signed off with its last write", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* anna.stop
        yield* Effect.sleep("40 seconds")
        yield* world.own("bert", "a")
        yield* Effect.sleep("3 seconds")
        assert.strictEqual((yield* stateOf(bert))?.continuity, "Fired")
      })
    ))

  it("does not say Fired when a write of its own, whose answer was lost, may have kept the switch alive", () => {
    let back = 20
    inWorld(
      (world) =>
        Effect.gen(function* () {
          const { anna, bert } = yield* startPair(world)
          yield* anna.stop
          yield* Effect.sleep("10 seconds")
          back = 60_000
          yield* world.own("bert", "a")
          yield* Effect.sleep("3 seconds")
          world.cutFromExchange.add("bert")
          yield* Effect.sleep("20 seconds")
          back = 20
          world.cutFromExchange.delete("bert")
          yield* Effect.sleep("3 seconds")
          assert.strictEqual((yield* stateOf(bert))?.continuity, "MayHaveFired")
          world.settle()
          assert.deepStrictEqual(world.fired, [])
        }),
      { delays: { exchange: () => [20, back], store: () => [5, 5] } }
    )
  })

  it("without `grace` says for how long it really beats unconfirmed, so that it is never unhealthy between two answers", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world, { grace: 0 })
        for (let look = 0; look < 50; look++) {
          const { grace, storeAge } = yield* anna.cluster.status
          assert.isAtMost(storeAge, grace)
          yield* Effect.sleep("190 millis")
        }
        yield* world.storeAway(true)
        const away = world.now()
        yield* Effect.sleep("30 seconds")
        const { grace, storeAge } = yield* anna.cluster.status
        assert.isAbove(storeAge, grace)
        assert.deepStrictEqual(world.beatsOf("anna", away + grace), [])
      })
    ))

  it("that is stopped as soon as it has started takes nothing over, and leaves the store alone", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a")
        const bert = yield* world.start("bert")
        yield* protect(bert, ["a"])
        const anna = yield* world.start("anna", { isStopped: true })
        yield* anna.stop
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(world.writes, [])
        const joining = { boot: "another", name: "anna" }
        const answer = yield* world.store.join({ runner: joining, settings: {}, living: 5_000, remembered: 5_000 })
        assert.strictEqual(answer._tag, "Joined", "the stopped runner does not say that it lives")
      })
    ))

  it("hands over in order when it stops: no zero, no gap, and the next work begins at once", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", ...accounts)
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert")
        yield* protect(anna)
        yield* anna.stop
        yield* world.own("bert", ...accounts)
        yield* Effect.sleep("2 seconds")
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", continuity: "Held", isWorking: true })
        for (const account of accounts) assert.isBelow(longestGap(world, account), 6_000)
        assert.deepStrictEqual(world.zeros(), [])
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("beats on after it has lost an account until the next owner is armed, and stops its work at once", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* Effect.sleep("10 seconds")
        yield* world.armSlowly(1_500)
        yield* world.own("bert", "a")
        yield* Effect.sleep("20 seconds")
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", continuity: "Held", isWorking: true })
        assert.deepInclude(yield* stateOf(anna), { state: "Idle", isWorking: false })
        assert.isAtMost(longestGap(world), 3_200)
        const [first, second] = world.works
        assert.isTrue(first!.to !== undefined && first!.to < second!.from)
        const bertArmed = world.writes.find(({ runner }) => runner === "bert")!.at
        assert.deepStrictEqual(world.beatsOf("anna", bertArmed + 2_500), [])
        assert.deepStrictEqual(world.zeros(), [])
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("beats on for grace while the store is away, without its work, and goes on when it is back", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world)
        yield* world.storeAway(true)
        yield* Effect.sleep("6 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Doubtful", isWorking: false })
        yield* Effect.sleep("29 seconds")
        yield* world.storeAway(false)
        yield* Effect.sleep("3 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", epoch: 1, isWorking: true })
        assert.isAtMost(longestGap(world), 3_200)
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("lets the switch expire when the store is away for longer than grace, and says so when it is back", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world)
        const awayAt = world.now()
        yield* world.storeAway(true)
        yield* Effect.sleep("3 minutes")
        const beats = world.beatsOf("anna")
        assert.isBelow(beats.at(-1)!.at, awayAt + 60_000)
        assert.isAbove(beats.at(-1)!.at, awayAt + 50_000)
        yield* world.storeAway(false)
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", continuity: "MayHaveFired", isWorking: false })
        assert.strictEqual((yield* stateOf(anna))?.heartbeat?._tag, "MayHaveFired")
        assert.strictEqual(world.works.length, 1)
        assert.strictEqual(world.fired.length, 1)
        assert.deepStrictEqual(world.zeros(), [])
      })
    ))

  it("that is cut off from the store beats for grace at most, and comes back without a restart", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        const cutAt = world.now()
        world.cutFromStore.add("anna")
        yield* Effect.sleep("7 seconds")
        yield* world.own("bert", "a")
        yield* Effect.sleep("1 minute")
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", continuity: "Held", isWorking: true })
        assert.isBelow(world.beatsOf("anna").at(-1)!.at, cutAt + 60_000)
        const [first, second] = world.works
        assert.isTrue(first!.to !== undefined && first!.to < second!.from)
        world.cutFromStore.delete("anna")
        yield* world.own("anna", "a")
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", continuity: "Held", isWorking: true })
        assert.deepStrictEqual(world.zeros(), [])
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("protects its accounts also after a failover to a copy of the store that lacks their take-over", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a")
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert", { reconcile: () => Effect.void })
        yield* protect(anna, ["a"])
        yield* world.copyBehind
        yield* world.own("bert", "a")
        yield* Effect.sleep("5 seconds")
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", epoch: 2 })
        yield* world.failOver
        yield* Effect.sleep("3 minutes")
        world.settle()
        assert.deepStrictEqual(world.fired, [])
        assert.isAtMost(longestGap(world), 6_000)
        // The reports of the lost epoch are lost with it, so that nothing proves that the switch held.
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", isWorking: true, continuity: "MayHaveFired" })
        // And so does the next owner, which has heard of the lost epoch, too.
        yield* world.own("anna", "a")
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", isWorking: true, continuity: "Held" })
        assert.deepStrictEqual(world.zeros(), [])
      })
    ))

  it("that was stopped asks the store before it beats again, and sends nothing once it is superseded", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", ...accounts)
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert")
        yield* protect(anna)
        yield* anna.party.stallFor("20 seconds")
        yield* Effect.sleep("7 seconds")
        yield* world.own("bert", ...accounts)
        yield* Effect.sleep("5 seconds")
        const wakesAt = world.now() + 8_000
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(world.beatsOf("anna", wakesAt), [])
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", continuity: "Held" })
        assert.deepStrictEqual(world.zeros(), [])
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("that was stopped stops its work before it waits for the store", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world)
        world.cutFromStore.add("anna")
        const wakesAt = world.now() + 20_000
        yield* anna.party.stallFor("20 seconds")
        yield* Effect.sleep("25 seconds")
        assert.isAtMost(world.works[0]!.to ?? Infinity, wakesAt + 300)
      })
    ))

  it("with no grace arms, and gives a lost account up at once", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world, { grace: 0 })
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", epoch: 1 })
        const lostAt = world.now()
        yield* world.own("bert", "a")
        yield* Effect.sleep("5 seconds")
        assert.deepStrictEqual(world.beatsOf("anna", lostAt + 500), [])
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", epoch: 2, continuity: "Held" })
      })
    ))

  it("that was stopped and is still the owner goes on", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world)
        yield* anna.party.stallFor("20 seconds")
        yield* Effect.sleep("23 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", epoch: 1, isWorking: true })
        assert.deepStrictEqual(world.fired, [])
      })
    ))
})

describe("a release", () => {
  it("by the healthy owner is proven, and sends one zero, after the work has stopped", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* Effect.sleep("10 seconds")
        // Any runner can ask.
        const released = yield* bert.inParty(bert.cluster.release("a"))
        assert.deepStrictEqual(released, { _tag: "Disarmed" })
        assert.strictEqual(world.zeros().length, 1)
        assert.isTrue(world.works[0]!.to !== undefined && world.works[0]!.to <= world.zeros()[0]!.at)
        yield* Effect.sleep("1 minute")
        assert.deepInclude(yield* stateOf(anna), { state: "Idle" })
        assert.isFalse(world.isRunning("a"))
        assert.deepStrictEqual(world.fired, [])
        // And the account can be protected again.
        yield* protect(anna, ["a"])
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", continuity: "First", isWorking: true })
      })
    ))

  it("after a failure is unconfirmed until no earlier owner can beat, and is true then", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { bert } = yield* startPair(world)
        // Cut off, and beating on.
        world.cutFromStore.add("anna")
        yield* Effect.sleep("7 seconds")
        yield* world.own("bert", "a")
        yield* Effect.sleep("3 seconds")
        yield* firesAfterRelease(world, bert, "3 minutes")
      })
    ))

  it("is not proven while an owner with a longer grace may still beat", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* startOwner(world, { grace: "10 minutes" })
        world.cutFromStore.add("anna")
        yield* Effect.sleep("1 minute")
        // The settings of the first are forgotten by the time that the second knows.
        const bert = yield* world.start("bert", { grace: "5 seconds" })
        yield* world.own("bert", "a")
        yield* Effect.sleep("1 minute")
        yield* firesAfterRelease(world, bert, "15 minutes")
      })
    ))

  it("is permitted for as long as its zero can arrive by what is known then", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world)
        yield* world.requestsArriveFor(90_000)
        world.cutFromExchange.add("anna")
        yield* Effect.fork(anna.inParty(anna.cluster.release("a")))
        const read = Effect.map(Effect.delay(world.store.read("a"), "50 millis"), Option.getOrThrow)
        const { zeroIn } = yield* Effect.repeat(read, { until: ({ permit }) => permit === 1 })
        assert.isAbove(zeroIn, 89_000)
      })
    ))

  it("keeps no other from arming once each zero of it was answered", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* anna.crash
        yield* world.own("bert", "a")
        yield* Effect.sleep("10 seconds")
        assert.strictEqual((yield* bert.inParty(bert.cluster.release("a")))._tag, "DisarmUnconfirmed")
        yield* protect(bert, ["a"])
        assert.isTrue(world.isRunning("a"))
      })
    ))

  it("once no earlier owner can beat any more is proven again", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* anna.crash
        yield* Effect.sleep("7 seconds")
        yield* world.own("bert", "a")
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual(yield* bert.inParty(bert.cluster.release("a")), { _tag: "Disarmed" })
      })
    ))

  it("asked for while the owner is dead is carried out by the next", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        yield* anna.crash
        const asking = yield* Effect.fork(bert.inParty(bert.cluster.release("a")))
        yield* Effect.sleep("7 seconds")
        assert.deepStrictEqual(world.zeros(), [])
        yield* world.own("bert", "a")
        assert.strictEqual((yield* asking)._tag, "DisarmUnconfirmed")
        assert.strictEqual(world.zeros().length, 1)
        assert.strictEqual(world.zeros()[0]!.runner, "bert")
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("can be withdrawn, and is refused for an account that was never protected", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* world.start("anna")
        assert.strictEqual(fail(yield* Effect.exit(anna.inParty(anna.cluster.release("a"))))._tag, "NotProtected")
        assert.strictEqual(fail(yield* Effect.exit(anna.inParty(anna.cluster.kick("a"))))._tag, "NotProtected")
        yield* world.own("anna", "a")
        yield* protect(anna, ["a"])
        yield* world.own("carl", "a")
        const asking = yield* Effect.fork(Effect.exit(anna.inParty(anna.cluster.release("a"))))
        yield* Effect.sleep("2 seconds")
        yield* anna.inParty(anna.cluster.protect("a"))
        assert.strictEqual(fail(yield* asking)._tag, "ReleaseWithdrawn")
      })
    ))
})

describe("a defect of the store", () => {
  it("at the end of an epoch does not keep the account from its next start", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world, { work: () => Effect.delay(Effect.void, "10 seconds") })
        const { signOff } = world.store
        Object.assign(world.store, { signOff: () => Effect.die(new Error("a broken driver")) })
        yield* Effect.sleep("9 seconds")
        assert.notStrictEqual((yield* stateOf(anna))?.state, "Stopping")
        Object.assign(world.store, { signOff })
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", epoch: 2, isWorking: true })
        assert.deepStrictEqual(world.fired, [])
      })
    ))
})

describe("a bot", () => {
  it("that fails stops the beats of its account at once, and starts again only when the switch is armed", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        let fails = true
        yield* world.own("anna", "a", "b")
        const anna = yield* world.start("anna", {
          work: (account) =>
            account === "a" && fails
              ? Effect.delay(Effect.fail(new Error("the bot broke")), "5 seconds")
              : Effect.never,
          restart: Schedule.spaced("8 seconds")
        })
        yield* protect(anna, ["a", "b"])
        yield* Effect.sleep("3500 millis")
        const failedAt = world.works[0]!.to!
        assert.deepStrictEqual(
          world.beatsOf("anna", failedAt).filter(({ account }) => account === "a"),
          []
        )
        const status = yield* stateOf(anna)
        assert.deepInclude(status, { state: "Resting", isWorking: false })
        assert.include(status?.failure, "the bot broke")
        fails = false
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", epoch: 2, continuity: "Held", isWorking: true })
        const again = world.works.filter(({ account }) => account === "a")[1]!
        const armedAt = world.beatsOf("anna", failedAt).find(({ account }) => account === "a")!.at
        assert.isAbove(again.from, armedAt)
        // The other account is untouched.
        assert.isAtMost(longestGap(world, "b"), 3_200)
        assert.deepStrictEqual(world.zeros(), [])
      })
    ))

  it("that ends too often is not started again until it is asked for once more", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world, { work: () => Effect.void, restart: Schedule.recurs(1) })
        yield* Effect.sleep("10 seconds")
        assert.deepInclude(yield* stateOf(anna), { state: "Ended", failure: "the work has ended" })
        assert.strictEqual(world.works.length, 2)
        yield* anna.inParty(anna.cluster.protect("a"))
        yield* Effect.sleep("5 seconds")
        assert.isAbove(world.works.length, 2)
      })
    ))

  it("that runs elsewhere is protected while it kicks, and its switch expires when it does not", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a")
        const anna = yield* world.start("anna", { kickWithin: "6 seconds" })
        const { kick } = anna.cluster
        yield* protect(anna, ["a"])
        // Nothing is armed for a bot that has never said that it lives.
        assert.deepStrictEqual(world.writes, [])
        yield* Effect.repeat(
          anna.inParty(kick("a")),
          Schedule.intersect(Schedule.spaced("2 seconds"), Schedule.recurs(20))
        )
        assert.deepInclude(yield* stateOf(anna), { state: "Owned" })
        assert.isAtMost(longestGap(world), 3_200)
        const diedAt = world.now()
        yield* Effect.sleep("90 seconds")
        assert.isBelow(world.writes.at(-1)!.at, diedAt + 8_000)
        world.settle()
        assert.strictEqual(world.fired.length, 1)
        assert.isFalse(world.isRunning("a"))
        assert.deepStrictEqual(world.zeros(), [])
      })
    ))

  it("that cleans up slowly is followed by the next only after its clean-up, here and on another runner", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const work = () => Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
        const { anna, bert } = yield* startPair(world, { work })
        // Doubtful and back within the time of the clean-up.
        yield* world.storeAway(true)
        yield* Effect.sleep("4200 millis")
        yield* world.storeAway(false)
        yield* Effect.sleep("4 seconds")
        yield* anna.stop
        yield* world.own("bert", "a")
        yield* Effect.sleep("2 seconds")
        assert.isTrue((yield* stateOf(bert))?.isWorking)
        assert.deepStrictEqual(
          world.works.map(({ runner }) => runner),
          ["anna", "anna", "bert"]
        )
        for (const [index, next] of world.works.slice(1).entries()) {
          assert.isAtLeast(next.from, world.works[index]!.to ?? Infinity)
        }
      })
    ))

  it("that cleans up slowly is not joined by the next, also when the account is lost again meanwhile", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world, {
          work: () => Effect.onInterrupt(Effect.never, () => Effect.sleep("10 seconds"))
        })
        // The engine gives the account away and back, twice within the time of one clean-up.
        for (let times = 0; times < 2; times++) {
          yield* world.own("carl", "a")
          yield* Effect.sleep("1 second")
          yield* world.own("anna", "a")
          yield* Effect.sleep("2 seconds")
        }
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(world.works.length, 2)
        assert.isAtLeast(world.works[1]!.from, world.works[0]!.to ?? Infinity)
        assert.isTrue((yield* stateOf(anna))?.isWorking)
      })
    ))

  it("does not run twice when the next owner has signed off an epoch that it could not arm", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const work = () => Effect.onInterrupt(Effect.never, () => Effect.sleep("4 seconds"))
        const { bert } = yield* startPair(world, { work })
        world.refuseFirst.add("bert")
        yield* world.own("bert", "a")
        yield* Effect.sleep("12 seconds")
        assert.deepInclude(yield* stateOf(bert), { state: "Owned", epoch: 3, isWorking: true })
        assert.strictEqual(world.works.length, 2)
        assert.isAtLeast(world.works[1]!.from, world.works[0]!.to ?? Infinity)
      })
    ))

  it("does not run twice when the owner between signs off while the one before may still work", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a")
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert")
        yield* world.start("carl")
        yield* protect(anna, ["a"])
        world.cutFromStore.add("anna")
        world.beliefs.set("anna", () => true)
        yield* world.own("bert", "a")
        yield* Effect.sleep("1500 millis")
        yield* bert.stop
        yield* world.own("carl", "a")
        yield* Effect.sleep("12 seconds")
        assert.deepStrictEqual(
          world.works.map(({ runner }) => runner),
          ["anna", "carl"]
        )
        assert.isAtLeast(world.works[1]!.from, world.works[0]!.to ?? Infinity)
      })
    ))

  it("stops while the switch may have fired, and begins again once the book was compared", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const compared: Array<number> = []
        const anna = yield* startOwner(world, { reconcile: () => Effect.sync(() => compared.push(world.now())) })
        world.cutFromExchange.add("anna")
        yield* Effect.sleep("40 seconds")
        assert.deepStrictEqual([(yield* stateOf(anna))?.state, (yield* stateOf(anna))?.isWorking], ["Owned", false])
        world.settle()
        const [fired] = world.fired
        assert.isAtMost(world.works[0]!.to ?? Infinity, fired!.at)
        world.cutFromExchange.delete("anna")
        yield* Effect.sleep("10 seconds")
        assert.isAtLeast(compared.length, 1)
        assert.isTrue((yield* stateOf(anna))?.isWorking)
        assert.isAtLeast(world.works.at(-1)!.from, compared.at(-1)!)
        assert.strictEqual(world.fired.length, 1)
      })
    ))

  it("is not asked to compare the book before the switch surely runs again", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const compared: Array<number> = []
        const anna = yield* startOwner(world, { reconcile: () => Effect.sync(() => compared.push(world.now())) })
        world.cutFromExchange.add("anna")
        yield* Effect.sleep("50 seconds")
        world.settle()
        assert.strictEqual(world.fired.length, 1)
        assert.deepStrictEqual(compared, [])
        world.cutFromExchange.delete("anna")
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(compared.length, 1)
        assert.isTrue((yield* stateOf(anna))?.isWorking)
      })
    ))

  it("that is held by another runner is not given out", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        assert.strictEqual((yield* anna.cluster.get("a")).account, "a")
        const error = fail(yield* Effect.exit(bert.cluster.get("a")))
        assert.deepInclude(error, { account: "a", runner: "bert", owner: "anna" })
      })
    ))

  it("is not given out while this runner may have lost the account", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const { anna, bert } = yield* startPair(world)
        const get = Effect.exit(anna.cluster.get("a"))
        assert.isTrue(Exit.isSuccess(yield* get))
        yield* world.armSlowly(3_000)
        yield* world.own("bert", "a")
        yield* Effect.sleep("1500 millis")
        assert.strictEqual((yield* stateOf(anna))?.state, "HandingOver")
        assert.strictEqual(fail(yield* get)._tag, "NotOwner")
        yield* Effect.sleep("20 seconds")
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(bert.cluster.get("a"))))
        // Cut off, and the engine cannot say that the account is lost.
        world.cutFromStore.add("bert")
        world.beliefs.set("bert", () => true)
        yield* Effect.sleep("6 seconds")
        assert.deepInclude(yield* stateOf(bert), { state: "Doubtful", owner: "bert" })
        const error = fail(yield* Effect.exit(bert.cluster.get("a")))
        assert.deepInclude(error, { _tag: "NotOwner", owner: "bert" })
        assert.include(error.message, "may have lost it")
      })
    ))
})

describe("the start of a runner", () => {
  it("is refused beside a living process of the same name", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.start("anna")
        const error = fail(yield* Effect.exit(world.start("anna")))
        assert.strictEqual(error._tag, "RunnerNameTaken")
        assert.include(error.message, "anna")
      })
    ))

  it("under the name of a process that was killed waits until that is surely dead", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* world.start("anna")
        yield* anna.crash
        const at = world.now()
        yield* world.start("anna")
        assert.isAbove(world.now(), at + 2_000)
      })
    ))

  it.each(["stops", "dies"])(
    "that replaces a silent one of its name owns alone until it %s; then the first owns again",
    (end) =>
      inWorld((world) =>
        Effect.gen(function* () {
          yield* world.own("anna", "a")
          const first = yield* world.start("anna")
          yield* protect(first, ["a"])
          yield* first.party.suspend
          const second = yield* world.start("anna")
          yield* Effect.sleep("10 seconds")
          assert.deepInclude(yield* stateOf(second), { state: "Owned", isWorking: true })
          yield* first.party.resume
          // A twin that lives keeps the name.
          for (let look = 0; look < 20; look++) {
            yield* Effect.sleep("1 second")
            assert.isTrue((yield* first.cluster.status).isOusted)
            assert.deepInclude(yield* stateOf(first), { state: "Idle", isMine: false, isWorking: false })
            assert.isFalse((yield* second.cluster.status).isOusted)
            assert.deepInclude(yield* stateOf(second), { state: "Owned", isMine: true, isWorking: true })
          }
          yield* end === "stops" ? second.stop : second.crash
          const gone = world.now()
          yield* Effect.sleep("15 seconds")
          assert.isFalse((yield* first.cluster.status).isOusted)
          assert.deepInclude(yield* stateOf(first), {
            state: "Owned",
            continuity: "Held",
            isMine: true,
            isWorking: true
          })
          // It beats, and a process that is new sees that it lives.
          assert.isAbove(world.beatsOf("anna", gone + 10_000).length, 0)
          assert.strictEqual(fail(yield* Effect.exit(world.start("anna")))._tag, "RunnerNameTaken")
          world.settle()
          assert.deepStrictEqual(world.fired, [])
          assert.deepStrictEqual(world.zeros(), [])
        })
      )
  )

  it("that has its name back still refuses other settings than its own", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const first = yield* world.start("anna")
        yield* first.party.suspend
        const second = yield* world.start("anna")
        yield* first.party.resume
        yield* Effect.sleep("3 seconds")
        assert.isTrue((yield* first.cluster.status).isOusted)
        yield* second.stop
        yield* Effect.sleep("3 seconds")
        const grace = fail(yield* Effect.exit(world.start("bert", { grace: "50 seconds" })))
        assert.deepInclude(grace, { _tag: "SettingsMismatch", setting: "grace", other: "anna", theirs: "60000 ms" })
      })
    ))

  it("is refused with another countdown or grace than that of the others, by name", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* world.start("anna")
        const countdown = fail(yield* Effect.exit(world.start("bert", { countdown: "40 seconds", grace: "1 minute" })))
        assert.deepInclude(countdown, { _tag: "SettingsMismatch", setting: "countdown", other: "anna", runner: "bert" })
        const grace = fail(yield* Effect.exit(world.start("bert", { grace: "50 seconds" })))
        assert.deepInclude(grace, { _tag: "SettingsMismatch", setting: "grace", theirs: "60000 ms" })
        // One that has stopped in order is no obstacle.
        yield* anna.stop
        yield* world.start("bert", { countdown: "40 seconds", grace: "1 minute" })
      })
    ))

  it("is refused when a take-over does not fit into the countdown, with the numbers", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const error = fail(yield* Effect.exit(world.start("anna", { countdown: "10 seconds" })))
        assert.strictEqual(error._tag, "InvalidOptions")
        assert.include(error.message, "8 s + 4 s + 2 s + 3 s + 1 s = 18 s > 10 s")
      })
    ))

  it("is refused with options with which no account can ever be armed", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const refused = (options: Parameters<World["start"]>[1]) =>
          Effect.map(Effect.exit(world.start("anna", options)), (exit) => {
            const error = fail(exit)
            assert.strictEqual(error._tag, "InvalidOptions")
            return error.message
          })
        assert.include(yield* refused({ countdown: "30500 millis" }), "in whole seconds")
        assert.include(yield* refused({ requestTimeout: 0 }), "requestTimeout > 0")
        assert.include(yield* refused({ interval: "500 millis" }), "interval >= 1 s")
        assert.include(yield* refused({ heartbeat: { armTimeout: 0 } }), "armTimeout > 0")
        assert.include(yield* refused({ kickWithin: "1500 millis" }), "kickWithin >= 2 s")
        yield* world.start("anna", { countdown: "2 minutes", kickWithin: "2 seconds" })
      })
    ))

  it("takes the evidence of the open orders for its heartbeats", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const anna = yield* startOwner(world, {
          heartbeat: (account) => ({ evidence: { account, survivor: () => Effect.succeed(undefined) } })
        })
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", failure: undefined })
      })
    ))
})

describe("arming", () => {
  it("is bounded, and begins with the accounts whose switch fires first", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const many = Array.from({ length: 12 }, (_, index) => `n${index}`)
        yield* world.own("anna", ...many)
        const anna = yield* world.start("anna")
        const bert = yield* world.start("bert", { arming: { atOnce: 2 } })
        // Their beats are not at one instant.
        for (const account of many) {
          yield* anna.inParty(anna.cluster.protect(account))
          yield* Effect.sleep("190 millis")
        }
        yield* Effect.sleep("5 seconds")
        yield* anna.crash
        yield* Effect.sleep("7 seconds")
        yield* world.armSlowly(1_000)
        const reported = new Map<string, number>()
        for (const account of many) {
          reported.set(account, Option.getOrThrow(yield* world.store.read(account)).acceptedAt ?? 0)
        }
        yield* world.own("bert", ...many)
        yield* Effect.sleep("2 seconds")
        assert.isAbove((yield* bert.cluster.status).waiting, 4)
        yield* Effect.sleep("10 seconds")
        const armed = [...new Set(world.beatsOf("bert").map(({ account }) => account))]
        assert.strictEqual(armed.length, 12)
        // All but the first two, which did not wait, in the order of their last beats that the store knows.
        const waited = armed.slice(2).map((account) => reported.get(account)!)
        assert.deepStrictEqual(
          waited,
          [...waited].sort((a, b) => a - b)
        )
        assert.deepStrictEqual(world.fired, [])
      })
    ))

  it("is not held up for longer than a countdown by a client that hangs, and is tried again", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        let hangs = true
        yield* world.own("anna", "a", "b")
        const anna = yield* world.start("anna", {
          arming: { atOnce: 1 },
          lookup: (account) =>
            Effect.suspend(() =>
              account === "a" && hangs ? Effect.never : Effect.succeed(world.portOf("anna", account))
            )
        })
        yield* protect(anna, ["a", "b"])
        assert.deepStrictEqual(world.writes, [])
        yield* Effect.sleep("30 seconds")
        assert.deepInclude(yield* stateOf(anna, "b"), { state: "Owned", isWorking: true })
        assert.include((yield* stateOf(anna))?.failure, "no answer within 30 s")
        hangs = false
        yield* Effect.sleep("1 minute")
        assert.deepInclude(yield* stateOf(anna), { state: "Owned", isWorking: true, failure: undefined })
      })
    ))

  it("that fails has its reason in the status of the account", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        yield* world.own("anna", "a", "b")
        const anna = yield* world.start("anna", { heartbeat: (account) => (account === "a" ? { armTimeout: 0 } : {}) })
        yield* protect(anna, ["a", "b"])
        const status = yield* stateOf(anna)
        assert.strictEqual(status?.state, "Resting")
        assert.include(status?.failure, "armTimeout > 0")
        assert.deepInclude(yield* stateOf(anna, "b"), { state: "Owned", failure: undefined })
      })
    ))
})
