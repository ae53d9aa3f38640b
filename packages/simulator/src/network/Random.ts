/**
 * Random numbers from one seed, with a stream per decision.
 *
 * A draw is a pure function of the seed, the name of the decision and its index. It has no state, so a decision that
 * disappears (with a removed fault, with a bot) shifts no other. It uses only 32-bit integer arithmetic, so the numbers
 * are the same on every machine and engine.
 *
 * @since 0.1.0
 */

/**
 * The seed of a run: a safe integer.
 *
 * @since 0.1.0
 * @category models
 */
export type Seed = number

const fnvPrime = 0x01000193

const absorb = (hash: number, text: string): number => {
  let h = hash
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    h = Math.imul(h ^ (unit & 0xff), fnvPrime)
    h = Math.imul(h ^ (unit >>> 8), fnvPrime)
  }
  return h
}

// Three rounds of multiply and shift: each bit of the input reaches each bit of the output.
const mix = (value: number): number => {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

const low = (n: number): number => n >>> 0
const high = (n: number): number => Math.floor(n / 0x1_0000_0000) >>> 0

/**
 * 32 random bits: draw number `index` of the stream `name`.
 *
 * @since 0.1.0
 * @category draws
 */
export const bits = (seed: Seed, name: string, index: number): number => {
  const named = mix(absorb(mix(low(seed) ^ 0x9e3779b9) ^ high(seed), name))
  return mix(mix(named ^ low(index)) + Math.imul(high(index) + 1, 0x632be5ab))
}

/**
 * A number in `[0, 1)` with 53 random bits: draw number `index` of the stream `name`.
 *
 * @since 0.1.0
 * @category draws
 */
export const uniform = (seed: Seed, name: string, index: number): number => {
  const upper = bits(seed, name, index) >>> 5
  const lower = bits(seed, `${name}\u0000`, index) >>> 6
  return (upper * 0x400_0000 + lower) / 0x20_0000_0000_0000
}

/**
 * A whole number from `min` to `max`, both included.
 *
 * @since 0.1.0
 * @category draws
 */
export const integer = (seed: Seed, name: string, index: number, min: number, max: number): number =>
  min + Math.floor(uniform(seed, name, index) * (max - min + 1))

/**
 * A number from the normal distribution of mean 0 and deviation 1.
 *
 * @since 0.1.0
 * @category draws
 */
export const normal = (seed: Seed, name: string, index: number): number => {
  // 1 - u lies in (0, 1], so that the logarithm is finite.
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, name, index)))
  return radius * Math.cos(2 * Math.PI * uniform(seed, `${name}\u0001`, index))
}

/**
 * Named streams that count their own draws.
 *
 * @since 0.1.0
 * @category models
 */
export interface Random {
  /** The seed that replays the draws. */
  readonly seed: Seed
  /** The next number in `[0, 1)` of the stream `name`. */
  readonly draw: (name: string) => number
  /** The next whole number from `min` to `max`, both included, of the stream `name`. */
  readonly drawInteger: (name: string, min: number, max: number) => number
}

/**
 * Named streams that all start at their first number.
 *
 * @example
 * ```ts
 * import * as Random from "@effect-deadman/simulator/Random"
 *
 * const random = Random.make(4711)
 * random.draw("crash/at") // the same number in every run of seed 4711, whatever else is drawn
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (seed: Seed): Random => {
  const drawn = new Map<string, number>()
  const next = (name: string): number => {
    const index = drawn.get(name) ?? 0
    drawn.set(name, index + 1)
    return index
  }
  return {
    seed,
    draw: (name) => uniform(seed, name, next(name)),
    drawInteger: (name, min, max) => integer(seed, name, next(name), min, max)
  }
}
