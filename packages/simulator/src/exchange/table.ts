/**
 * A persistent table by name, of which nothing is ever removed: what is set under a name keeps the place at which the name
 * first came, and every older version stays valid.
 *
 * All versions share one index of names, and each has its own tree over the places. With a hundred thousand accounts that
 * is a third of what a tree over hashes of names costs: neighbours by place are neighbours in memory.
 */

/** A leaf holds values, any other node nodes. */
type Node = ReadonlyArray<unknown>

export interface Table<A> {
  /** Also has the names that only later versions know: their places are beyond `size`. */
  readonly places: Map<string, number>
  readonly size: number
  readonly root: Node
  /** How many bits of a place the levels below the root take. */
  readonly shift: number
  /** Only says what the values are. */
  readonly value?: A
}

const bits = 4
const mask = (1 << bits) - 1

export const empty = <A>(): Table<A> => ({ places: new Map(), size: 0, root: [], shift: 0 })

const placeOf = (table: Table<unknown>, name: string): number | undefined => {
  const place = table.places.get(name)
  return place !== undefined && place < table.size ? place : undefined
}

export const get = <A>(table: Table<A>, name: string): A | undefined => {
  const place = placeOf(table, name)
  if (place === undefined) return undefined
  let node = table.root
  for (let level = table.shift; level > 0; level -= bits) node = node[(place >> level) & mask] as Node
  return node[place & mask] as A
}

const put = (node: Node, level: number, place: number, value: unknown): Node => {
  const copy = node.slice()
  const at = (place >> level) & mask
  copy[at] = level === 0 ? value : put((node[at] as Node | undefined) ?? [], level - bits, place, value)
  return copy
}

export const set = <A>(table: Table<A>, name: string, value: A): Table<A> => {
  const { places, shift, size } = table
  const known = placeOf(table, name)
  if (known !== undefined) return { places, size, root: put(table.root, shift, known, value), shift }
  // Another version has named the next place already: the ways part, and so do the indexes.
  const own = places.size === size ? places : new Map([...places].filter(([, place]) => place < size))
  own.set(name, size)
  const full = size === 1 << (shift + bits)
  const root = put(full ? [table.root] : table.root, full ? shift + bits : shift, size, value)
  return { places: own, size: size + 1, root, shift: full ? shift + bits : shift }
}

/** The values in the order in which their names first came. */
export const values = <A>(table: Table<A>): Array<A> => {
  const all: Array<A> = []
  const visit = (node: Node, level: number): void => {
    for (const item of node) {
      if (level === 0) all.push(item as A)
      else visit(item as Node, level - bits)
    }
  }
  visit(table.root, table.shift)
  return all
}
