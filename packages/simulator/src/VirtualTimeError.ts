/**
 * How virtual time ends a program that would not end by itself, and what it refuses.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

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
  /** What the world's wall clock shows, in milliseconds. */
  now: Schema.Number,
  /** Whether time passed only when adjusted. */
  manual: Schema.Boolean,
  /** The first twenty. */
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
      this.manual
        ? "Time is manual here: it passes only in TestClock.adjust and setTime. Or it waits for something outside virtual time,"
        : "It waits for something outside virtual time (a promise, a real timer, a socket: VirtualTime.runPromise waits for these),",
      "or its fibers wait for each other. Waiting:",
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
 * An option that makes no sense.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>(
  "@effect-deadman/simulator/VirtualTime/InvalidOption"
)("InvalidOption", {
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `VirtualTime option ${this.option} is ${this.value}: ${this.expected}.`
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
export type VirtualTimeError = Stuck | LimitReached | InvalidOption
