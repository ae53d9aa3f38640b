/**
 * An assertion over the simulator's journal: an effect for any test runner, and a value that judges a recorded run.
 * `Expect` makes them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as History from "../journal/History.js"
import * as Failure from "./failure.js"
import type { Judgement } from "./judging.js"
import { incomplete, unmet } from "./judging.js"
import * as Simulator from "../world/Simulator.js"
import { text } from "../timeline/text.js"

/**
 * An assertion. As an effect it judges the simulator's run so far; `judge` judges any recorded run.
 *
 * @since 0.1.0
 * @category models
 */
export class Expectation extends Effectable.Class<void, ExpectationFailed, Simulator.Simulator> {
  readonly name: string
  private readonly rule: (history: History.History) => Judgement
  private readonly callSite = Failure.callSite()

  constructor(name: string, rule: (history: History.History) => Judgement) {
    super()
    this.name = name
    this.rule = rule
  }

  /** The failure of a run; none when the run meets the expectation. */
  judge(evidence: History.Evidence): Option.Option<ExpectationFailed> {
    const part = incomplete(evidence)
    const judgement = part === undefined ? this.rule(History.make(evidence)) : unmet(part)
    return Option.map(Either.getLeft(judgement), (problem) => {
      const around = 5_000
      const failed = new ExpectationFailed({
        expectation: this.name,
        expected: problem.expected,
        observed: problem.observed,
        ...(problem.nearest === undefined ? {} : { nearestMiss: problem.nearest }),
        timeline: text(evidence, {
          account: problem.account,
          from: problem.from === undefined ? undefined : problem.from - around,
          to: problem.to === undefined ? undefined : problem.to + around,
          notes: problem.notes,
          maxRows: 40
        }),
        judged: problem.unjudged !== true,
        seed: evidence.seed
      })
      return locate(failed, evidence, this.callSite)
    })
  }

  override commit(): Effect.Effect<void, ExpectationFailed, Simulator.Simulator> {
    return Effect.flatMap(Simulator.record, (evidence) =>
      Option.match(this.judge(evidence), { onNone: () => Effect.void, onSome: Effect.fail })
    )
  }
}

/** Writes the page of the run once, when the message of the failure is read. */
const pageOf = Symbol("page")

/** Gives a failure the stack of the test in place of its own, and the page of its run. */
const locate = (
  failed: ExpectationFailed,
  evidence: History.Evidence,
  callSite: Failure.CallSite
): ExpectationFailed => {
  let page: { readonly path: string | undefined } | undefined
  const hidden = { configurable: true, enumerable: false }
  return Object.defineProperties(failed, {
    [pageOf]: {
      ...hidden,
      value: () => (page ??= { path: Failure.writePage(evidence, failed.expectation, callSite()) }).path
    },
    stack: { ...hidden, get: () => `${failed.name}: ${failed.message}\n${callSite()}` }
  })
}

/**
 * A run does not meet an expectation, or cannot be judged. The stack begins with the line that made the expectation.
 * Under vitest the message ends with the path of a page of the run, which is written when the message is read.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExpectationFailed extends Schema.TaggedError<ExpectationFailed>(
  "@effect-deadman/simulator/ExpectationFailed"
)("ExpectationFailed", {
  /** The name of the assertion, for example `ordersCancelled`. */
  expectation: Schema.String,
  expected: Schema.String,
  observed: Schema.String,
  /** The nearest miss, where there is one. */
  nearestMiss: Schema.optional(Schema.String),
  /** The slice of the timeline that shows it. */
  timeline: Schema.String,
  /**
   * False when the run could not be judged: it is not long enough yet, the event was never marked, the account is
   * unknown, the span ends before it begins, the journal is not whole, or nothing was at stake. `observed` says which.
   * Then the opposite has not been shown either.
   */
  judged: Schema.Boolean,
  /** The seed that replays the run. */
  seed: Schema.Number
}) {
  override get message(): string {
    const page = (this as { readonly [pageOf]?: () => string | undefined })[pageOf]?.()
    return [
      this.judged ? this.expectation : `${this.expectation} was not judged`,
      `  expected  ${this.expected}`,
      `  observed  ${this.observed}`,
      ...(this.nearestMiss === undefined ? [] : [`  nearest   ${this.nearestMiss}`]),
      "",
      ...this.timeline.split("\n").map((line) => `  ${line}`),
      ...Failure.pageLines(page),
      ""
    ].join("\n")
  }
}
