/**
 * Runs Effect programs on a deterministic scheduler and a heap of deadlines, instead of the event loop and its timers.
 *
 * A program's fibers run until none of them can, then time jumps to the next deadline. Nothing waits for real time, so a
 * day of sleeping costs what its wake-ups cost; nothing depends on the event loop, so the same program with the same seed
 * does the same things in the same order. What leaves that world (a promise, a real timer, a socket) is reported by name
 * instead of being waited for.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRefs from "effect/FiberRefs"
import { dual } from "effect/Function"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Schema from "effect/Schema"
import { forgetFibers, rootsOf, waitingFibers } from "./internal/VirtualFibers.js"
import { toNanos, VirtualClock } from "./internal/VirtualClock.js"
import { currentParty, NANOS_PER_MILLI, type Party as PartyState, World } from "./internal/VirtualWorld.js"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId = "~@effect-deadman/simulator/VirtualTime"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The world a program runs in, as the program itself sees it: only programs run by this module have it.
 *
 * @since 0.1.0
 * @category models
 */
export interface VirtualTime {
  readonly [TypeId]: TypeId
  /** The seed of the run: it orders what the options leave to it, and feeds Effect's `Random`. */
  readonly seed: number
  /** How much of the world's time has passed since the start. No party's clock changes it. */
  readonly elapsed: Effect.Effect<Duration.Duration>
  /** The party of that name, made on first use. */
  readonly party: (name: string) => Effect.Effect<Party>
}

/**
 * @since 0.1.0
 * @category tags
 */
export const VirtualTime: Context.Tag<VirtualTime, VirtualTime> = Context.GenericTag<VirtualTime>(TypeId)

/**
 * One member of the world, such as a bot among others, with a clock of its own. Its fibers are those started inside
 * `withParty`, and theirs. All actions take effect at once, and may be called from inside the party too: the calling fiber
 * then continues when the party does.
 *
 * @since 0.1.0
 * @category models
 */
export interface Party {
  readonly name: string
  /** The host sleeps: nothing of the party runs, its monotonic hand and its timers stand still, its wall clock goes on. */
  readonly suspend: Effect.Effect<void>
  /** Suspends, and resumes after that much of the world's time. Does not wait for it. */
  readonly suspendFor: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** The event loop is blocked, or the process is stopped: nothing runs, both hands go on, timers become due meanwhile. */
  readonly stall: Effect.Effect<void>
  /** Stalls, and goes on after that much of the world's time. Does not wait for it. */
  readonly stallFor: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Ends every suspension and stall. */
  readonly resume: Effect.Effect<void>
  /** Ends it as `kill -9` does: not one more step, no finalizer, no timer. For good. */
  readonly crash: Effect.Effect<void>
  /** Steps the wall clock by so many milliseconds, back if negative. The monotonic hand and the timers do not notice. */
  readonly stepWall: (millis: number) => Effect.Effect<void>
  /** Sets the speed of the monotonic hand, and so of timers: 1.001 gains a second in a thousand. Fails if not above 0. */
  readonly setRate: (rate: number) => Effect.Effect<void, InvalidRate>
}

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** A whole number; defaults to 0. */
  readonly seed?: number | undefined
  /** What the wall clock shows at the start, in whole milliseconds since the epoch; defaults to 0, as `TestClock`. */
  readonly start?: number | undefined
  /** Which of the timers due at one instant fires first: the one set first (default), or a draw by the seed. */
  readonly instants?: "first-in" | "seeded" | undefined
  /** Which of the fibers that can run does: the one that could first (default), or a draw by the seed. */
  readonly fibers?: "first-in" | "seeded" | undefined
  /** How much virtual time may pass; unlimited by default. */
  readonly maxTime?: Duration.DurationInput | undefined
  /** How many times a fiber may be run; defaults to ten million. A loop that never sleeps ends here. */
  readonly maxSteps?: number | undefined
}

/**
 * What a run came to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome<A, E> {
  /** How the program ended, or why it was ended: then its fibers were interrupted, and given 10,000 steps to clean up. */
  readonly exit: Exit.Exit<A, E | VirtualTimeError>
  /** What the world's wall clock showed when the program ended, in milliseconds; fractions are real. */
  readonly now: number
  /** How many times a fiber was run, until then. */
  readonly steps: number
  /** How many timers fired, until then. */
  readonly wakes: number
  /** A digest of which fiber ran at which instant, in which order. Equal runs have equal traces. */
  readonly trace: string
  /** What was still there once everything that could run had: fibers that nobody waits for, timers that would fire. */
  readonly leftover: { readonly fibers: number; readonly timers: number }
  readonly seed: number
}

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

/**
 * A fiber that waits, as an error shows it.
 *
 * @since 0.1.0
 * @category errors
 */
export const Waiting = Schema.Struct({
  /** Effect's name of the fiber, as in its logs. */
  fiber: Schema.String,
  party: Schema.optional(Schema.String),
  /** The span it is in. */
  span: Schema.optional(Schema.String),
  /** The fiber whose result or value it waits for, where Effect knows. */
  on: Schema.optional(Schema.String),
  /** Whether it waits only because its party is suspended, stalled or crashed. */
  held: Schema.Boolean
})

/**
 * Nothing can run and nothing is due, but the program has not ended.
 *
 * @since 0.1.0
 * @category errors
 */
export class Stuck extends Schema.TaggedError<Stuck>("@effect-deadman/simulator/VirtualTime/Stuck")("Stuck", {
  now: Schema.Number,
  waiting: Schema.Array(Waiting)
}) {
  override get message(): string {
    const line = (w: (typeof this.waiting)[number]) =>
      `  fiber ${w.fiber}` +
      (w.party === undefined ? "" : ` of party "${w.party}"`) +
      (w.span === undefined ? "" : ` in span "${w.span}"`) +
      (w.on === undefined ? "" : ` for fiber ${w.on}`) +
      (w.held ? " (its party does not run)" : "")
    return [
      `Virtual time stands at ${this.now} ms: no fiber can run and no timer is due, yet the program has not ended.`,
      "It waits for something outside virtual time (a promise, a real timer, a socket: use VirtualTime.runPromise for promises,",
      "an in-memory replacement for I/O) or its fibers wait for each other. Waiting:",
      ...this.waiting.map(line)
    ].join("\n")
  }
}

/**
 * The program went beyond `maxTime` or `maxSteps`.
 *
 * @since 0.1.0
 * @category errors
 */
export class LimitReached extends Schema.TaggedError<LimitReached>(
  "@effect-deadman/simulator/VirtualTime/LimitReached"
)("LimitReached", {
  limit: Schema.Literal("steps", "time"),
  now: Schema.Number,
  steps: Schema.Number
}) {
  override get message(): string {
    return this.limit === "steps"
      ? `Still running after ${this.steps} steps, at ${this.now} ms: a loop that never sleeps, or raise maxSteps.`
      : `Still running at ${this.now} ms, the end of the time it was given: raise maxTime, or find what it waits for.`
  }
}

/**
 * @since 0.1.0
 * @category errors
 */
export class InvalidRate extends Schema.TaggedError<InvalidRate>("@effect-deadman/simulator/VirtualTime/InvalidRate")(
  "InvalidRate",
  { rate: Schema.Number }
) {
  override get message(): string {
    return `A monotonic clock cannot run at ${this.rate} times the speed of time: use a finite number above 0.`
  }
}

/**
 * @since 0.1.0
 * @category errors
 */
export type VirtualTimeError = Stuck | LimitReached

// ----------------------------------------------------------------------------
// running
// ----------------------------------------------------------------------------

/**
 * Runs a program to its end, at once: when this returns, the program has ended or was ended.
 *
 * Effect's own per-fiber metrics are off; `Random` is seeded. Programs that await promises need `runPromise`.
 *
 * @example
 * import * as Effect from "effect/Effect"
 * import { run } from "@effect-deadman/simulator/VirtualTime"
 *
 * const outcome = run(Effect.sleep("1 day").pipe(Effect.as("done")))
 * // outcome.exit: Exit.succeed("done"), outcome.now: 86400000
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E>(effect: Effect.Effect<A, E, VirtualTime>, options?: Options): Outcome<A, E> => {
  const world = makeWorld(options, false)
  try {
    const root = start(world, effect)
    drive(world)
    return conclude(world, root)
  } finally {
    world.close()
  }
}

/** Runs until the program has ended, nothing is left to do, or a limit is reached. */
const drive = (world: World): void => {
  do {
    world.runReady()
  } while (!world.finished && world.limit === undefined && world.fireNext())
}

/** How many steps a program that was ended may take to clean up. */
const GRACE_STEPS = 10_000

const conclude = <A, E>(world: World, root: Fiber.RuntimeFiber<A, E>): Outcome<A, E> => {
  const now = world.options.startMillis + world.now / NANOS_PER_MILLI
  const { steps, wakes } = world
  const trace = world.trace()
  const settled = root.unsafePoll()
  const ended = settled ?? Exit.fail(whyNot(world, now))
  world.limit = undefined
  world.finished = false
  world.maxSteps = world.steps + GRACE_STEPS
  if (settled === null) {
    root.unsafeInterruptAsFork(FiberId.none)
    drive(world)
  } else {
    world.runReady()
  }
  const roots = rootsOf(world)
  const leftover = { fibers: roots.length, timers: world.timers.size }
  forgetFibers(roots)
  return { exit: ended, now, steps, wakes, trace, leftover, seed: world.options.seed }
}

const whyNot = (world: World, now: number): VirtualTimeError =>
  world.limit === undefined
    ? new Stuck({ now, waiting: waitingFibers(world) })
    : new LimitReached({ limit: world.limit, now, steps: world.steps })

const makeWorld = (options: Options | undefined, manual: boolean): World =>
  new World({
    seed: options?.seed ?? 0,
    startMillis: Math.floor(options?.start ?? 0),
    instants: options?.instants ?? "first-in",
    fibers: options?.fibers ?? "first-in",
    maxSteps: options?.maxSteps ?? 10_000_000,
    maxTime: options?.maxTime === undefined ? Infinity : toNanos(options.maxTime),
    manual
  })

/** Without the metrics that Effect keeps of each fiber: they cost a tenth of a run and describe the test, not the program. */
const runtimeFlags = RuntimeFlags.make(RuntimeFlags.Interruption, RuntimeFlags.CooperativeYielding)

const start = <A, E>(world: World, effect: Effect.Effect<A, E, VirtualTime>): Fiber.RuntimeFiber<A, E> => {
  const services = DefaultServices.liveServices.pipe(
    Context.add(Clock.Clock, new VirtualClock(world)),
    Context.add(Random.Random, Random.make(world.options.seed))
  )
  const runtime = Runtime.make({
    context: Context.make(VirtualTime, service(world)),
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
 * Runs an effect, and every fiber it starts, as that party: on its clock, and only while it runs.
 *
 * Joining such a fiber from outside does not make the joiner a member.
 *
 * @since 0.1.0
 * @category parties
 */
export const withParty: {
  (name: string): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | VirtualTime>
  <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R | VirtualTime>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R | VirtualTime> =>
  Effect.flatMap(VirtualTime, (time) => {
    const state = worldOf(time).party(name)
    return Effect.locally(
      // Entered while it does not run: wait like everything else of it.
      Effect.suspend(() => (state.stopped ? Effect.zipRight(Effect.yieldNow(), self) : self)),
      currentParty,
      state
    )
  })
)

/**
 * Runs an effect, and every fiber it starts, as no party: what a server does on behalf of a bot goes on while the bot
 * sleeps, on the world's clock.
 *
 * @since 0.1.0
 * @category parties
 */
export const outside = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.locally(self, currentParty, undefined)

/**
 * How much of the world's time has passed since the start.
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
  readonly world: World

  constructor(world: World) {
    this.world = world
    this.seed = world.options.seed
    this.elapsed = Effect.sync(() => Duration.nanos(BigInt(Math.round(world.now))))
  }

  party(name: string): Effect.Effect<Party> {
    return Effect.sync(() => makeParty(this.world, this.world.party(name)))
  }
}

const service = (world: World): VirtualTime => new Service(world)

const worldOf = (time: VirtualTime): World => {
  if (time instanceof Service) return time.world
  throw new Error("This VirtualTime was not made by VirtualTime.run, runPromise or layer: take it from one of these.")
}

const makeParty = (world: World, state: PartyState): Party => {
  // The caller may be a member, which must not take another step once its party stands still.
  const act = (f: () => void): Effect.Effect<void> =>
    Effect.withFiberRuntime((fiber) => {
      f()
      return state.stopped && fiber.getFiberRef(currentParty) === state ? Effect.yieldNow() : Effect.void
    })
  const during = (begin: () => void, end: () => void) => (duration: Duration.DurationInput) =>
    act(() => {
      const era = state.era
      begin()
      world.schedule(toNanos(duration), undefined, () => {
        if (era === state.era) end()
      })
    })
  const suspend = () => world.suspend(state)
  const stall = () => world.stall(state)
  return {
    name: state.name,
    suspend: act(suspend),
    stall: act(stall),
    suspendFor: during(suspend, () => world.endSuspend(state)),
    stallFor: during(stall, () => world.endStall(state)),
    resume: act(() => {
      state.era++
      while (state.stalls > 0) world.endStall(state)
      while (state.suspensions > 0) world.endSuspend(state)
    }),
    crash: act(() => world.crash(state)),
    stepWall: (millis) =>
      Effect.sync(() => {
        state.wallOffset += Math.round(millis * NANOS_PER_MILLI)
      }),
    setRate: (rate) =>
      rate > 0 && Number.isFinite(rate) ? Effect.sync(() => world.setRate(state, rate)) : new InvalidRate({ rate })
  }
}
