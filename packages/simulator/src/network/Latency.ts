/**
 * A latency: a distribution of whole milliseconds, with a text form for the fault grammar.
 *
 * | Text | Meaning |
 * |---|---|
 * | `200ms` | constant |
 * | `uniform(50ms,200ms)` | every millisecond from 50 to 200 with the same probability |
 * | `exp(200ms)`, `exp(200ms,2s)` | exponential with this mean, capped by the second value |
 * | `lognormal(100ms,0.5)`, `lognormal(100ms,0.5,2s)` | log-normal with this median and sigma, capped by the third value |
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Numbers from "../exchange/numbers.js"
import * as Random from "./Random.js"

/**
 * A distribution of whole milliseconds. `cap` is the largest draw.
 *
 * @since 0.1.0
 * @category models
 */
export type Latency =
  | { readonly _tag: "Constant"; readonly millis: number }
  | { readonly _tag: "Uniform"; readonly min: number; readonly max: number }
  | { readonly _tag: "Exponential"; readonly mean: number; readonly cap?: number | undefined }
  | {
      readonly _tag: "LogNormal"
      readonly median: number
      readonly sigma: number
      readonly cap?: number | undefined
    }

/**
 * No latency.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: Latency = { _tag: "Constant", millis: 0 }

/**
 * A constant latency, rounded to whole ms.
 *
 * @since 0.1.0
 * @category constructors
 */
export const constant = (input: Duration.DurationInput): Latency => ({
  _tag: "Constant",
  millis: Math.round(Duration.toMillis(input))
})

/**
 * One draw in whole ms, 0 or more: number `index` of the stream `name`.
 *
 * @since 0.1.0
 * @category draws
 */
export const sample = (latency: Latency, seed: Random.Seed, name: string, index: number): number => {
  switch (latency._tag) {
    case "Constant":
      return latency.millis
    case "Uniform":
      return Random.integer(seed, name, index, latency.min, latency.max)
    case "Exponential":
      return capped(-latency.mean * Math.log(1 - Random.uniform(seed, name, index)), latency.cap)
    case "LogNormal":
      return capped(latency.median * Math.exp(latency.sigma * Random.normal(seed, name, index)), latency.cap)
  }
}

const capped = (millis: number, cap: number | undefined): number =>
  Math.min(Math.round(millis), cap ?? Numbers.longestMillis)

/**
 * The longest possible draw in ms, `Infinity` without a cap.
 *
 * @since 0.1.0
 * @category getters
 */
export const longest = (latency: Latency): number => {
  switch (latency._tag) {
    case "Constant":
      return latency.millis
    case "Uniform":
      return latency.max
    case "Exponential":
      return latency.mean === 0 ? 0 : (latency.cap ?? Infinity)
    case "LogNormal":
      return latency.median === 0 ? 0 : (latency.cap ?? Infinity)
  }
}

/**
 * The first mistake in a text that is not a latency or duration: its position, from 0, and what is allowed there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Problem {
  readonly at: number
  readonly expected: string
}

const durationText = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
const factors: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const durationExpected = 'a duration of whole milliseconds, at most 31 years, such as "200ms", "1.5s", "2m" or "1h"'

/**
 * The milliseconds of `200ms`, `1.5s`, `2m` or `1h`.
 *
 * @since 0.1.0
 * @category text
 */
export const parseDuration = (text: string): Either.Either<number, Problem> => {
  const match = durationText.exec(text)
  const millis = match === null ? Number.NaN : Number(match[1]) * (factors[match[2] ?? ""] ?? Number.NaN)
  // 1.001 s is 1000.9999999999999 ms in binary, so the nearest whole number counts.
  const whole = Math.round(millis)
  return Math.abs(millis - whole) < 1e-6 && Numbers.isMillis(whole)
    ? Either.right(whole)
    : Either.left({ at: 0, expected: durationExpected })
}

/**
 * A time in ms as text, in the largest unit that needs no fraction: `90s`, `2m`, `1500ms`.
 *
 * @since 0.1.0
 * @category text
 */
export const printDuration = (millis: number): string => {
  for (const unit of ["h", "m", "s"]) {
    const factor = factors[unit] ?? 1
    if (millis >= factor && millis % factor === 0) return `${millis / factor}${unit}`
  }
  return `${millis}ms`
}

const call = /^([a-z]+)\(([^()]*)\)$/
const forms =
  'a duration ("200ms") or one of uniform(min,max), exp(mean), exp(mean,cap), lognormal(median,sigma), lognormal(median,sigma,cap)'

/**
 * Reads a latency. The table at the head of the module has the grammar.
 *
 * @since 0.1.0
 * @category text
 */
export const parse = (text: string): Either.Either<Latency, Problem> => {
  const match = call.exec(text)
  if (match === null) {
    return Either.mapBoth(parseDuration(text), {
      onLeft: (problem) => ({ at: problem.at, expected: forms }),
      onRight: (millis) => ({ _tag: "Constant", millis })
    })
  }
  const name = match[1] ?? ""
  const parts: Array<{ readonly text: string; readonly at: number }> = []
  let at = name.length + 1
  for (const part of (match[2] ?? "").split(",")) {
    parts.push({ text: part.trim(), at: at + (part.length - part.trimStart().length) })
    at += part.length + 1
  }
  // The first mistake, in the order of the text.
  let wrong: Problem | undefined
  const duration = (index: number): number => {
    const part = parts[index]
    const read =
      part === undefined
        ? Either.left<Problem>({ at: text.length - 1, expected: forms })
        : Either.mapLeft(parseDuration(part.text), (problem): Problem => ({ ...problem, at: part.at }))
    if (Either.isRight(read)) return read.right
    wrong ??= read.left
    return Number.NaN
  }
  const atMost = (count: number): void => {
    const extra = parts[count]
    if (extra !== undefined) wrong ??= { at: extra.at - 1, expected: ")" }
  }
  const capAt = (index: number): number | undefined => {
    if (parts.length <= index) return undefined
    const cap = duration(index)
    atMost(index + 1)
    return cap
  }
  const read = (): Latency | undefined => {
    switch (name) {
      case "uniform": {
        const min = duration(0)
        const max = duration(1)
        atMost(2)
        if (max < min) {
          wrong ??= { at: parts[1]?.at ?? 0, expected: `a maximum of at least ${printDuration(min)}` }
        }
        return { _tag: "Uniform", min, max }
      }
      case "exp": {
        const mean = duration(0)
        const cap = capAt(1)
        return cap === undefined ? { _tag: "Exponential", mean } : { _tag: "Exponential", mean, cap }
      }
      case "lognormal": {
        const median = duration(0)
        const second = parts[1]
        const sigma =
          second === undefined || !/^\d+(\.\d+)?(e-\d+)?$/.test(second.text) ? Number.NaN : Number(second.text)
        if (!(sigma <= 10)) {
          wrong ??= { at: second?.at ?? text.length - 1, expected: "a sigma from 0 to 10 such as 0.5" }
        }
        const cap = capAt(2)
        return cap === undefined ? { _tag: "LogNormal", median, sigma } : { _tag: "LogNormal", median, sigma, cap }
      }
      default:
        return undefined
    }
  }
  const latency = read()
  if (latency === undefined) return Either.left({ at: 0, expected: forms })
  return wrong === undefined ? Either.right(latency) : Either.left(wrong)
}

/**
 * Writes a latency so that {@link parse} reads it.
 *
 * @since 0.1.0
 * @category text
 */
export const print = (latency: Latency): string => {
  const cap = (millis: number | undefined) => (millis === undefined ? "" : `,${printDuration(millis)}`)
  switch (latency._tag) {
    case "Constant":
      return printDuration(latency.millis)
    case "Uniform":
      return `uniform(${printDuration(latency.min)},${printDuration(latency.max)})`
    case "Exponential":
      return `exp(${printDuration(latency.mean)}${cap(latency.cap)})`
    case "LogNormal":
      return `lognormal(${printDuration(latency.median)},${latency.sigma}${cap(latency.cap)})`
  }
}
