/** Colours of the terminal by role. Pure. */

const codes = {
  calm: "32",
  soon: "33",
  urgent: "31",
  strong: "1",
  bad: "1;31",
  good: "1;32",
  soft: "2"
} as const

export type Role = keyof typeof codes

export type Paint = (role: Role, text: string) => string

/** Leaves every text as it is. */
export const plain: Paint = (_, text) => text

const escape = "\u001b"

export const coloured: Paint = (role, text) => (text === "" ? "" : `${escape}[${codes[role]}m${text}${escape}[0m`)

const code = new RegExp(`(${escape}\\[[\\d;]*m)`)

/** A line of at most `width` columns. Colours take none. */
export const cut = (line: string, width: number): string => {
  let left = Math.max(0, width)
  return line
    .split(code)
    .map((part, index) => {
      if (index % 2 === 1) return part
      const kept = part.slice(0, left)
      left -= kept.length
      return kept
    })
    .join("")
}
