/**
 * A persistent queue by priority: the smallest item in constant time, insertion and removal in logarithmic time, and every
 * older version stays valid. Items that compare equal leave in the order of their `rank`.
 *
 * It is a tree with many items a leaf and many nodes a branch. Deadlines come almost in order, so nearly all work is at
 * its two edges, and the few nodes that are copied there are still in the processor's cache: a heap of two items a node
 * spends most of its time waiting for memory when it holds a hundred thousand.
 */

/** What a heap can hold: `at` decides, then `rank`. */
export interface Ranked {
  readonly at: number
  readonly rank: number
}

/** The items from the place `from` on; those before it have left in this version. `item` is the smallest. */
interface Leaf<A extends Ranked> {
  readonly item: A
  readonly items: ReadonlyArray<A>
  readonly first: undefined
  readonly from: number
}

/** The tree `first`, then those of `rest` from the place `from` on. */
interface Branch<A extends Ranked> {
  readonly item: A
  readonly first: Tree<A>
  readonly rest: ReadonlyArray<Tree<A>>
  readonly from: number
}

type Tree<A extends Ranked> = Leaf<A> | Branch<A>

/** A heap; `undefined` is the empty one. */
export type Heap<A extends Ranked> = Tree<A> | undefined

/** The most that stand side by side. */
const width = 32

const before = (a: Ranked, b: Ranked): boolean => a.at < b.at || (a.at === b.at && a.rank <= b.rank)

const leaf = <A extends Ranked>(items: ReadonlyArray<A>, from: number): Leaf<A> => ({
  item: items[from]!,
  items,
  first: undefined,
  from
})

const branch = <A extends Ranked>(first: Tree<A>, rest: ReadonlyArray<Tree<A>>, from: number): Branch<A> => ({
  item: first.item,
  first,
  rest,
  from
})

/** What stands from `from` on, with `inserted` in front of `place`, and without what stood there when it is `replaced`. */
const copied = <B>(
  all: ReadonlyArray<B>,
  from: number,
  place: number,
  inserted: B | undefined,
  replaced?: B
): Array<B> => {
  const copy: Array<B> = []
  for (let index = from; index < place; index++) copy.push(all[index]!)
  if (replaced !== undefined) copy.push(replaced)
  if (inserted !== undefined) copy.push(inserted)
  for (let index = replaced === undefined ? place : place + 1; index < all.length; index++) copy.push(all[index]!)
  return copy
}

/** The tree with one item more: in two, the smaller items first, when it has got too wide. */
const grow = <A extends Ranked>(tree: Tree<A>, item: A): readonly [Tree<A>, Tree<A>?] => {
  if (tree.first === undefined) {
    let place = tree.items.length
    while (place > tree.from && !before(tree.items[place - 1]!, item)) place--
    // What comes in order leaves full leaves behind.
    if (place === tree.items.length && place - tree.from >= width) return [tree, leaf([item], 0)]
    const items = copied(tree.items, tree.from, place, item)
    if (items.length <= width) return [leaf(items, 0)]
    const half = items.length >> 1
    return [leaf(items.slice(0, half), 0), leaf(items.slice(half), 0)]
  }
  let place = tree.rest.length
  while (place > tree.from && !before(tree.rest[place - 1]!.item, item)) place--
  const isFirst = place === tree.from
  const [child, next] = grow(isFirst ? tree.first : tree.rest[place - 1]!, item)
  if (isFirst && next === undefined) return [branch(child, tree.rest, tree.from)]
  const first = isFirst ? child : tree.first
  const rest = isFirst
    ? copied(tree.rest, tree.from, place, next)
    : copied(tree.rest, tree.from, place - 1, next, child)
  if (rest.length < width) return [branch(first, rest, 0)]
  const half = rest.length >> 1
  return [branch(first, rest.slice(0, half), 0), branch(rest[half]!, rest.slice(half + 1), 0)]
}

/** The heap with one item more. */
export const insert = <A extends Ranked>(heap: Heap<A>, item: A): Heap<A> => {
  if (heap === undefined) return leaf([item], 0)
  const [tree, next] = grow(heap, item)
  return next === undefined ? tree : branch(tree, [next], 0)
}

/** The heap without its smallest item. */
export const pop = <A extends Ranked>(heap: Heap<A>): Heap<A> => {
  if (heap === undefined) return undefined
  if (heap.first === undefined) return heap.from + 1 < heap.items.length ? leaf(heap.items, heap.from + 1) : undefined
  const left = heap.from < heap.rest.length
  const first = pop(heap.first)
  if (first !== undefined) return left ? branch(first, heap.rest, heap.from) : first
  if (!left) return undefined
  return heap.from + 1 < heap.rest.length
    ? branch(heap.rest[heap.from]!, heap.rest, heap.from + 1)
    : heap.rest[heap.from]
}
