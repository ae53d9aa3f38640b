// Values for the wrong place, and how they are written.
import * as fc from "fast-check"

/** Values in the wrong place. A text with @@ stands for one that is too long to print, see `write`. */
export const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    5,
    1e12,
    1e12 + 1,
    2 ** 53,
    -62135596800001,
    "",
    " ",
    "0",
    "05",
    "-1",
    "5.0",
    "61",
    "1e400",
    "NaN",
    "null",
    "\u0000",
    "\ud800",
    "🙂",
    "\u202e",
    "__proto__",
    "constructor",
    "toString",
    "off",
    [],
    {},
    [[]],
    [null],
    { length: 3 },
    { toString: 1 },
    "1 second",
    "0.5 seconds",
    "Infinity",
    "2026-01-01",
    "@@number:1e400",
    "@@number:-0",
    "@@number:123456789012345678901234567890",
    "@@deep:30000",
    "@@deep:400",
    "@@long:300",
    "@@long:70000",
    "@@many:3000",
    "@@keys:300",
    '@@raw:{"__proto__":{"countdown":"10"}}',
    "@@raw:01"
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.integer().map(String),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 })
)

/** JSON of a value, with the long texts written out. */
export const write = (value) =>
  (JSON.stringify(value) ?? "null").replace(
    /"@@(number|deep|long|many|keys|raw):((?:[^"\\]|\\.)*)"/g,
    (_, kind, of) => {
      const size = Number(of)
      if (kind === "deep") return "[".repeat(size) + "]".repeat(size)
      if (kind === "long") return `"${"x".repeat(size)}"`
      if (kind === "many") return `[${"{},".repeat(size - 1)}{}]`
      if (kind === "keys") return `{${Array.from({ length: size }, (_, i) => `"k${i}":${i}`).join(",")}}`
      return JSON.parse(`"${of}"`)
    }
  )

/** Absent `weight` times as often as present. */
export const maybe = (arbitrary, weight = 3) =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
