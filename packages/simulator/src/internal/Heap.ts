/**
 * A persistent leftist heap: the smallest item in constant time, insertion and removal in logarithmic time, and every
 * older version stays valid. Items that compare equal leave in the order of their `rank`.
 */

/** What a heap can hold: `at` decides, then `rank`. */
export interface Ranked {
  readonly at: number
  readonly rank: number
}

interface Node<A extends Ranked> {
  readonly item: A
  readonly height: number
  readonly left: Heap<A>
  readonly right: Heap<A>
}

/** A heap; `undefined` is the empty one. */
export type Heap<A extends Ranked> = Node<A> | undefined

const before = (a: Ranked, b: Ranked): boolean => a.at < b.at || (a.at === b.at && a.rank <= b.rank)

const node = <A extends Ranked>(item: A, one: Heap<A>, other: Heap<A>): Node<A> =>
  (one?.height ?? 0) >= (other?.height ?? 0)
    ? { item, height: (other?.height ?? 0) + 1, left: one, right: other }
    : { item, height: (one?.height ?? 0) + 1, left: other, right: one }

/** Both heaps in one. */
const merge = <A extends Ranked>(one: Heap<A>, other: Heap<A>): Heap<A> => {
  if (one === undefined) return other
  if (other === undefined) return one
  return before(one.item, other.item)
    ? node(one.item, one.left, merge(one.right, other))
    : node(other.item, other.left, merge(other.right, one))
}

/** The heap with one item more. */
export const insert = <A extends Ranked>(heap: Heap<A>, item: A): Heap<A> =>
  merge(heap, { item, height: 1, left: undefined, right: undefined })

/** The heap without its smallest item. */
export const pop = <A extends Ranked>(heap: Heap<A>): Heap<A> =>
  heap === undefined ? undefined : merge(heap.left, heap.right)
