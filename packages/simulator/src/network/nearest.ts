/**
 * The name that a misspelt word stands for. Pure.
 */

/** The least number of letters to insert, remove, replace or swap with their neighbour. */
const distance = (a: string, b: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const replaced = (last[column - 1] ?? 0) + (same ? 0 : 1)
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Infinity
      next.push(Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, replaced, swapped))
    }
    beforeLast = last
    last = next
  }
  return last[b.length] ?? 0
}

/** The nearest of these names, the first of several. `undefined` when all differ in more than a third of their letters. */
export const nearest = (word: string, names: Iterable<string>): string | undefined => {
  let best: { readonly name: string; readonly far: number } | undefined
  for (const name of names) {
    const most = Math.min(3, Math.max(1, Math.floor(name.length / 3)), name.length - 1)
    // Every letter more or less is a step of its own.
    if (Math.abs(name.length - word.length) > most) continue
    const far = distance(word.toLowerCase(), name.toLowerCase())
    if (far <= most && (best === undefined || far < best.far)) best = { name, far }
  }
  return best?.name
}

/** `; did you mean ...?` for the end of a sentence, or nothing. */
export const didYouMean = (word: string, names: Iterable<string>): string => {
  const name = nearest(word, names)
  return name === undefined ? "" : `; did you mean \`${name}\`?`
}
