/** The random numbers of a plan: 32-bit, seeded, and independent of the judged code. */
export const dice = (seed: number) => {
  let a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 0x1_0000_0000)
  const next = (): number => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const chance = (p: number): boolean => next() < p
  const int = (min: number, max: number): number => min + Math.floor(next() * (Math.max(min, max) - min + 1))
  const pick = <A>(values: ReadonlyArray<A>): A => values[int(0, values.length - 1)]!
  return { chance, int, pick }
}
export type Dice = ReturnType<typeof dice>
