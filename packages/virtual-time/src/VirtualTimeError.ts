/**
 * The errors that end a program that would not end by itself, and the errors of wrong options.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A fiber in an error.
 *
 * @since 0.1.0
 * @category errors
 */
export const Waiting = Schema.Struct({
  /** Effect's name of the fiber, as in its logs. */
  fiber: Schema.String,
  party: Schema.optional(Schema.String),
  /** The name of its current span. */
  span: Schema.optional(Schema.String),
  /** The fiber that it waits for, where Effect knows it. */
  on: Schema.optional(Schema.String),
  /** Whether it waits only because its party is suspended, stalled or crashed. */
  held: Schema.Boolean
})

const line = (fiber: typeof Waiting.Type): string =>
  `  fiber ${fiber.fiber}` +
  (fiber.party === undefined ? "" : ` of party "${fiber.party}"`) +
  (fiber.span === undefined ? "" : ` in span "${fiber.span}"`) +
  (fiber.on === undefined ? "" : ` for fiber ${fiber.on}`) +
  (fiber.held ? " (its party does not run)" : "")

/**
 * Nothing can run and nothing is due, but the program has not ended.
 *
 * @since 0.1.0
 * @category errors
 */
export class Stuck extends Schema.TaggedError<Stuck>("@effect-deadman/virtual-time/Stuck")("Stuck", {
  /** The world's wall clock, in ms. */
  now: Schema.Number,
  /** Whether time passed only when it was adjusted. */
  manual: Schema.Boolean,
  /** The first twenty waiting fibers. */
  waiting: Schema.Array(Waiting)
}) {
  override get message(): string {
    return [
      `Virtual time stands at ${this.now} ms: no fiber can run and no timer is due, yet the program has not ended.`,
      this.manual
        ? "Time is manual here and passes only in TestClock.adjust and setTime. Or it waits for something outside virtual time,"
        : "It waits for something outside virtual time (a promise, a real timer, a socket: VirtualTime.runPromise waits for these),",
      "or its fibers wait for each other. Waiting:",
      ...this.waiting.map(line)
    ].join("\n")
  }
}

/**
 * The program went beyond `maxTime`, `maxSteps`, `maxStepsAtOnce` (`"instant"`) or `maxRealTime` (`"real time"`).
 *
 * @since 0.1.0
 * @category errors
 */
export class LimitReached extends Schema.TaggedError<LimitReached>("@effect-deadman/virtual-time/LimitReached")(
  "LimitReached",
  {
    limit: Schema.Literal("steps", "instant", "real time", "time"),
    /** The world's wall clock, in ms. */
    now: Schema.Number,
    steps: Schema.Number,
    /** The fibers that ran last or, at the limit of time, the waiting ones. At most twenty. */
    fibers: Schema.Array(Waiting)
  }
) {
  override get message(): string {
    return [limits[this.limit](this), "Fibers:", ...this.fibers.map(line)].join("\n")
  }
}

type At = { readonly now: number; readonly steps: number }

const limits: Readonly<Record<LimitReached["limit"], (at: At) => string>> = {
  steps: ({ now, steps }) =>
    `Still running after ${steps} steps, at ${now} ms. Let the program end, or raise maxSteps.`,
  instant: ({ now }) =>
    `Virtual time stands at ${now} ms, and fibers run on and on in a loop that never sleeps. Let it sleep, or raise maxStepsAtOnce.`,
  "real time": ({ now }) =>
    `Virtual time stands at ${now} ms, and fibers have run for long in a loop that never sleeps. Let it sleep, or raise maxRealTime.`,
  time: ({ now }) => `Still running at ${now} ms, the limit of its time. Raise maxTime, or find what it waits for.`
}

/**
 * An option with a value that is not allowed.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>("@effect-deadman/virtual-time/InvalidOption")(
  "InvalidOption",
  {
    option: Schema.String,
    value: Schema.String,
    expected: Schema.String
  }
) {
  override get message(): string {
    return `VirtualTime option ${this.option} is ${this.value}: ${this.expected}.`
  }
}

/**
 * @since 0.1.0
 * @category errors
 */
export class InvalidRate extends Schema.TaggedError<InvalidRate>("@effect-deadman/virtual-time/InvalidRate")(
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
export type VirtualTimeError = Stuck | LimitReached | InvalidOption
