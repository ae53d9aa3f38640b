/**
 * Runs Effect programs on a deterministic scheduler and a heap of deadlines, instead of the event loop and its timers.
 *
 * A program's fibers run until none of them can, then time jumps to the next deadline. Nothing waits for real time, so
 * a day of sleep costs only its wake-ups. Nothing depends on the event loop, so the same program with the same seed
 * takes the same steps in the same order. A fiber that waits for something outside (a promise, a real timer, a socket)
 * is reported by name.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as TestClock from "effect/TestClock"
import { toNanos, VirtualClock } from "./internal/clock.js"
import { drive, driveInBackground, driveWithTurns, settle } from "./internal/driver.js"
import { interruptWith } from "./internal/death.js"
import { forgetFibers, rootsOf, runningFibers, waitingFibers } from "./internal/fibers.js"
import { handleOf, type Party } from "./internal/party.js"
import { currentParty, NANOS_PER_MILLI, VirtualScheduler } from "./internal/scheduler.js"
import { InvalidOption, LimitReached, Stuck, type VirtualTimeError } from "./VirtualTimeError.js"

export {
  /**
   * @since 0.1.0
   * @category errors
   */
  InvalidOption,
  /**
   * @since 0.1.0
   * @category errors
   */
  InvalidRate,
  /**
   * @since 0.1.0
   * @category errors
   */
  LimitReached,
  /**
   * @since 0.1.0
   * @category errors
   */
  Stuck,
  /**
   * @since 0.1.0
   * @category errors
   */
  type VirtualTimeError
} from "./VirtualTimeError.js"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId = "~@effect-deadman/virtual-time"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The world that a program runs in. Only programs that this module runs have it.
 *
 * @since 0.1.0
 * @category models
 */
export interface VirtualTime {
  readonly [TypeId]: TypeId
  /** The seed of the run. It decides the orders that the options leave to it, and feeds Effect's `Random`. */
  readonly seed: number
  /** The world's time since the start. No party's clock changes it. */
  readonly elapsed: Effect.Effect<Duration.Duration>
  /** The party of that name, made on first use. */
  readonly party: (name: string) => Effect.Effect<Party>
  /** As `elapsed`, in ms with fractions, for plain functions. */
  readonly unsafeElapsed: () => number
  /**
   * Calls a plain function after so many ms of the world's time. No party's clock changes that. It needs no fiber and
   * runs between two steps of fibers, for drivers of a program's surroundings. The result cancels the call.
   */
  readonly unsafeSchedule: (millis: number, run: () => void) => () => void
}

/**
 * @since 0.1.0
 * @category tags
 */
export const VirtualTime: Context.Tag<VirtualTime, VirtualTime> = Context.GenericTag<VirtualTime>(TypeId)

export {
  /**
   * @since 0.1.0
   * @category parties
   */
  type Party
} from "./internal/party.js"

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** A whole number; defaults to 0. */
  readonly seed?: number | undefined
  /** The wall clock at the start, in whole ms since the epoch; defaults to 0, as `TestClock`. */
  readonly start?: number | undefined
  /** The order of timers due at one instant: the one set first (default), or a draw by the seed. */
  readonly instants?: "first-in" | "seeded" | undefined
  /**
   * The order of parties that can run: the one that could first (default), or a draw by the seed. Fibers without a
   * party count as one party. Fibers of one party always run first in, first out, as in one process.
   */
  readonly parties?: "first-in" | "seeded" | undefined
  /** The longest virtual time of the run; unlimited by default. */
  readonly maxTime?: Duration.DurationInput | undefined
  /** The largest number of steps of fibers; defaults to ten million. */
  readonly maxSteps?: number | undefined
  /**
   * The largest number of steps of fibers while virtual time stands still; defaults to one million. It ends a loop that
   * never sleeps. A step that used up its fiber's budget of operations without yielding counts 32 times.
   */
  readonly maxStepsAtOnce?: number | undefined
  /**
   * The longest real time that fibers run while virtual time stands still and the event loop has no turn; defaults to
   * 30 seconds. It bounds a program that computes for long between two steps.
   */
  readonly maxRealTime?: Duration.DurationInput | undefined
  /**
   * Whether time jumps to the next deadline when nothing can run (`"auto"`), or passes only in `TestClock.adjust` and
   * `setTime` (`"manual"`). Under `"auto"` these two work, too: they sleep, and let everything due by then go first.
   */
  readonly time?: "auto" | "manual" | undefined
}

/**
 * @since 0.1.0
 * @category options
 */
export interface PromiseOptions extends Options {
  /** The turns of the event loop that outside work gets before time jumps; defaults to 1. */
  readonly turns?: number | undefined
  /** The real time that outside work gets when nothing is due; defaults to 1 second. Then the program is `Stuck`. */
  readonly patience?: Duration.DurationInput | undefined
  /** Interrupts the program. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The result of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome<A, E> {
  /** The exit of the program, or the reason why the world ended it, with 10,000 steps for its finalizers. */
  readonly exit: Exit.Exit<A, E | VirtualTimeError>
  /** The world's wall clock when the program ended, in ms with fractions. */
  readonly now: number
  /** The number of steps of fibers until then. */
  readonly steps: number
  /** The number of timers that fired until then. */
  readonly wakes: number
  /** A digest of the fibers that ran, with instant and order. Equal runs have equal traces. */
  readonly trace: string
  /** The unsupervised fibers, and the timers that would fire, once nothing could run any more. */
  readonly leftover: { readonly fibers: number; readonly timers: number }
  readonly seed: number
}

// ----------------------------------------------------------------------------
// running
// ----------------------------------------------------------------------------

/**
 * Runs a program until it ends, or until the world ends it.
 *
 * Effect's own per-fiber metrics are off, and `Random` is seeded. Programs that await promises need `runPromise`.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { run } from "@effect-deadman/virtual-time"
 *
 * const outcome = run(Effect.sleep("1 day").pipe(Effect.as("done")))
 * // outcome.exit: Exit.succeed("done"), outcome.now: 86400000
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E>(effect: Effect.Effect<A, E, VirtualTime>, options?: Options): Outcome<A, E> => {
  const world = makeScheduler(options)
  if (world instanceof InvalidOption) return refused(world)
  try {
    const root = start(world, effect)
    drive(world)
    return conclude(world, root)
  } finally {
    world.close()
  }
}

/**
 * Runs a program that also awaits promises or I/O. The event loop gets a turn before each jump of time, and when
 * nothing is due. Time overtakes work that takes longer than that turn. Runs are repeatable only with promises that
 * need no I/O, and without other work in the process. The promise never rejects, because failures are in the outcome's
 * exit.
 *
 * @since 0.1.0
 * @category running
 */
export const runPromise = async <A, E>(
  effect: Effect.Effect<A, E, VirtualTime>,
  options?: PromiseOptions
): Promise<Outcome<A, E>> => {
  const world = makeScheduler(options)
  if (world instanceof InvalidOption) return refused(world)
  const patience = {
    turns: options?.turns ?? 1,
    millis: options?.patience === undefined ? 1000 : Duration.toMillis(options.patience)
  }
  try {
    const root = start(world, effect)
    const abort = () => root.unsafeInterruptAsFork(FiberId.none)
    options?.signal?.addEventListener("abort", abort, { once: true })
    if (options?.signal?.aborted === true) abort()
    await driveWithTurns(world, patience)
    options?.signal?.removeEventListener("abort", abort)
    return conclude(world, root)
  } finally {
    world.close()
  }
}

/**
 * The virtual clock for a program that another runtime runs, such as the body of an `it.effect`. Everything below this
 * layer runs in virtual time, which passes only in `TestClock.adjust` and `setTime`, unless `time` is `"auto"`. Between
 * two instants the event loop gets one turn. A wrong option is a defect. At a limit the programs below the layer die of
 * `LimitReached`.
 *
 * It differs from Effect's `TestClock` in four points. Sleepers due at one instant wake in the order in which they went
 * to sleep, not the last one first. Interrupted sleeps are gone from `sleeps`, which is sorted. The wall clock shows
 * whole milliseconds. `save` restores the instant and leaves the sleepers alone.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Omit<Options, "maxSteps" | "maxTime">
): Layer.Layer<VirtualTime | TestClock.TestClock> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const world = makeScheduler({ ...options, time: options?.time ?? "manual", maxSteps: Infinity })
      if (world instanceof InvalidOption) return yield* Effect.die(world)
      const clock = new VirtualClock(world)
      yield* Effect.withClockScoped(clock)
      yield* Effect.locallyScoped(FiberRef.currentScheduler, world)
      driveInBackground(world, () => {
        const error = limitReached(world)
        world.grant(GRACE_STEPS)
        for (const fiber of rootsOf(world)) interruptWith(fiber, error)
      })
      return Context.make(VirtualTime, new Service(world)).pipe(Context.add(TestClock.TestClock, clock))
    })
  )

/** The steps that a program gets for its finalizers when the world ends it. */
const GRACE_STEPS = 10_000

const conclude = <A, E>(world: VirtualScheduler, root: Fiber.RuntimeFiber<A, E>): Outcome<A, E> => {
  const now = nowOf(world)
  const { steps, wakes } = world
  const trace = world.trace()
  const settled = root.unsafePoll()
  const exit = settled ?? Exit.fail(whyEnded(world, now))
  world.finished = false
  world.grant(GRACE_STEPS)
  if (settled === null) {
    root.unsafeInterruptAsFork(FiberId.none)
    drive(world)
  } else {
    settle(world)
  }
  const roots = rootsOf(world)
  const leftover = { fibers: roots.length, timers: world.timers.size }
  forgetFibers(roots)
  return { exit, now, steps, wakes, trace, leftover, seed: world.options.seed }
}

const whyEnded = (world: VirtualScheduler, now: number): VirtualTimeError =>
  world.limit === undefined
    ? new Stuck({ now, manual: world.options.manual, waiting: waitingFibers(world) })
    : limitReached(world)

const limitReached = (world: VirtualScheduler): LimitReached => {
  const { limit = "steps", steps } = world
  const fibers = limit === "time" ? waitingFibers(world) : runningFibers(world)
  return new LimitReached({ limit, now: nowOf(world), steps, fibers })
}

const nowOf = (world: VirtualScheduler): number => world.options.startMillis + world.now / NANOS_PER_MILLI

const refused = (error: InvalidOption): Outcome<never, never> => ({
  exit: Exit.fail(error),
  now: 0,
  steps: 0,
  wakes: 0,
  trace: "",
  leftover: { fibers: 0, timers: 0 },
  seed: 0
})

const makeScheduler = (options: Options | undefined): VirtualScheduler | InvalidOption => {
  const seed = options?.seed ?? 0
  const start = options?.start ?? 0
  const maxSteps = options?.maxSteps ?? 10_000_000
  const maxStepsAtOnce = options?.maxStepsAtOnce ?? 1_000_000
  const maxRealTime = Duration.decodeUnknown(options?.maxRealTime ?? "30 seconds")
  const maxTime = Duration.decodeUnknown(options?.maxTime ?? Duration.infinity)
  const wrong = (option: keyof Options, expected: string) =>
    new InvalidOption({ option, value: String(options?.[option]), expected })
  if (!Number.isSafeInteger(seed)) return wrong("seed", "a whole number names a run")
  if (!Number.isSafeInteger(start)) return wrong("start", "whole milliseconds since the epoch are needed")
  if (!(maxSteps >= 1)) return wrong("maxSteps", "at least one step is needed, Infinity is allowed")
  if (!(maxStepsAtOnce >= 1)) return wrong("maxStepsAtOnce", "at least one step is needed, Infinity is allowed")
  if (Option.isNone(maxRealTime)) return wrong("maxRealTime", 'a duration is needed, such as "1 minute"')
  if (Option.isNone(maxTime)) return wrong("maxTime", 'a duration is needed, such as "1 hour"')
  return new VirtualScheduler({
    seed,
    startMillis: start,
    instants: options?.instants ?? "first-in",
    parties: options?.parties ?? "first-in",
    maxSteps,
    maxStepsAtOnce,
    maxRealTime: Duration.toMillis(maxRealTime.value),
    maxTime: toNanos(maxTime.value),
    manual: options?.time === "manual"
  })
}

/** Without the metrics that Effect keeps of each fiber, because they describe the test rather than the program. */
const runtimeFlags = RuntimeFlags.make(RuntimeFlags.Interruption, RuntimeFlags.CooperativeYielding)

const start = <A, E>(world: VirtualScheduler, effect: Effect.Effect<A, E, VirtualTime>): Fiber.RuntimeFiber<A, E> => {
  const services = DefaultServices.liveServices.pipe(
    Context.add(Clock.Clock, new VirtualClock(world)),
    Context.add(Random.Random, Random.make(world.options.seed))
  )
  const runtime = Runtime.make({
    context: Context.make(VirtualTime, new Service(world)),
    runtimeFlags,
    fiberRefs: FiberRefs.unsafeMake(new Map([[DefaultServices.currentServices, [[FiberId.none, services]]]]))
  })
  const root = Runtime.runFork(runtime, effect, { scheduler: world, immediate: false })
  world.firstFiberId = root.id().id
  root.addObserver(() => {
    world.finished = true
  })
  return root
}

// ----------------------------------------------------------------------------
// parties
// ----------------------------------------------------------------------------

/**
 * The party of that name in the world of the running program, made on first use.
 *
 * @since 0.1.0
 * @category parties
 */
export const party = (name: string): Effect.Effect<Party, never, VirtualTime> =>
  Effect.flatMap(VirtualTime, (time) => time.party(name))

/**
 * Runs an effect, and every fiber that it starts, as that party: on its clock, and only while the party runs. A caller
 * that joins such a fiber from outside does not become a member.
 *
 * @since 0.1.0
 * @category parties
 */
export const withParty: {
  (name: string): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | VirtualTime>
  <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R | VirtualTime>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R | VirtualTime> =>
  Effect.flatMap(VirtualTime, (time) => {
    const world = worldOf(time)
    const state = world.party(name)
    // A party that is entered while it does not run waits like its other fibers.
    const entered = Effect.suspend(() => (state.stopped ? Effect.zipRight(Effect.yieldNow(), self) : self))
    return Effect.locally(Effect.withClock(entered, new VirtualClock(world, state)), currentParty, state)
  })
)

/**
 * Runs an effect, and every fiber that it starts, outside of all parties, on the world's clock. This way a server goes
 * on while its client's party is suspended.
 *
 * @since 0.1.0
 * @category parties
 */
export const outside = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | VirtualTime> =>
  Effect.flatMap(VirtualTime, (time) =>
    Effect.locally(Effect.withClock(self, new VirtualClock(worldOf(time))), currentParty, undefined)
  )

/**
 * The world's time since the start.
 *
 * @since 0.1.0
 * @category accessors
 */
export const elapsed: Effect.Effect<Duration.Duration, never, VirtualTime> = Effect.flatMap(
  VirtualTime,
  (time) => time.elapsed
)

class Service implements VirtualTime {
  readonly [TypeId]: TypeId = TypeId
  readonly seed: number
  readonly elapsed: Effect.Effect<Duration.Duration>
  readonly world: VirtualScheduler

  constructor(world: VirtualScheduler) {
    this.world = world
    this.seed = world.options.seed
    this.elapsed = Effect.sync(() => Duration.nanos(BigInt(Math.round(world.now))))
  }

  party(name: string): Effect.Effect<Party> {
    return Effect.sync(() => handleOf(this.world.party(name)))
  }

  unsafeElapsed = (): number => this.world.now / NANOS_PER_MILLI

  unsafeSchedule = (millis: number, run: () => void): (() => void) => this.world.unsafeSchedule(millis, run)
}

const worldOf = (time: VirtualTime): VirtualScheduler => {
  if (time instanceof Service) return time.world
  throw new Error("This VirtualTime was not made by VirtualTime.run, runPromise or layer: take it from one of these.")
}

/**
 * The party that a fiber belongs to, if any.
 *
 * @since 0.1.0
 * @category parties
 */
export const partyOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Party | undefined => {
  const state = fiber.getFiberRef(currentParty)
  return state === undefined ? undefined : handleOf(state)
}

/**
 * The scheduler behind the world's own clock, for drivers of a program's surroundings that call back without a fiber.
 * `None` for the clock of a party and for any other clock.
 *
 * @since 0.1.0
 * @category drivers
 */
export const schedulerOf = (clock: Clock.Clock): Option.Option<Pick<VirtualTime, "unsafeSchedule">> =>
  clock instanceof VirtualClock && clock.party === undefined ? Option.some(clock.world) : Option.none()
