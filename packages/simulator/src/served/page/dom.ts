/**
 * Makes and updates elements. Leaves unchanged attributes and text alone, so that focus and selection stay.
 */

export type Child = Node | string | null

type Attributes = Readonly<Record<string, string | boolean | undefined>>

const svgNames = new Set(["svg", "circle", "path", "line", "rect", "g", "text", "title", "polyline", "polygon"])

export const h = <K extends string>(
  name: K,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child>
): K extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[K] : SVGElement => {
  const element = svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name)
  set(element, attributes)
  for (const child of children) if (child !== null) element.append(child)
  return element as never
}

export const set = (element: Element, attributes: Attributes): void => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) {
      if (element.hasAttribute(name)) element.removeAttribute(name)
    } else {
      const text = value === true ? "" : value
      if (element.getAttribute(name) !== text) element.setAttribute(name, text)
    }
  }
}

export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

/** Keeps one element for each item, in the order of the items; `update` is called for each of them. */
export const keyed = <A, E extends Element>(
  parent: Element,
  items: ReadonlyArray<A>,
  key: (item: A) => string,
  make: (item: A) => E,
  update: (element: E, item: A) => void
): void => {
  const known = new Map<string, E>()
  for (const child of Array.from(parent.children)) {
    const name = child.getAttribute("data-key")
    if (name !== null) known.set(name, child as E)
  }
  let before: Element | null = null
  for (const item of items) {
    const name = key(item)
    let element = known.get(name)
    if (element === undefined) {
      element = make(item)
      element.setAttribute("data-key", name)
    }
    known.delete(name)
    update(element, item)
    const place: Element | null = before === null ? parent.firstElementChild : before.nextElementSibling
    if (place !== element) parent.insertBefore(element, place)
    before = element
  }
  for (const gone of known.values()) gone.remove()
}

/** Keeps `data-more` of the box at the sides ("left", "right") on which the region inside it has more to show. */
export const showsScroll = (region: Element, box: Element): void => {
  const look = (): void => {
    const { clientWidth, scrollLeft, scrollWidth } = region
    const sides = [
      ...(scrollLeft > 1 ? ["left"] : []),
      ...(scrollLeft + clientWidth < scrollWidth - 1 ? ["right"] : [])
    ]
    set(box, { "data-more": sides.length === 0 ? undefined : sides.join(" ") })
  }
  region.addEventListener("scroll", look, { passive: true })
  const resized = new ResizeObserver(look)
  resized.observe(region)
  for (const child of region.children) resized.observe(child)
}
