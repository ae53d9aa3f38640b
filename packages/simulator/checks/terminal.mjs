// The output of a terminal as an SVG.
import { colours, escape } from "../dist/timeline/drawing.js"

const size = 13
const lineHeight = 19
/** The width of a letter of most fonts of terminals, as a share of its size. */
const letter = 0.602

/** The colour of the page for each code of the terminal that the demonstration uses. */
const roles = { 31: "urgent", 32: "calm", 33: "soon", 2: "soft" }

const escapeCode = "\u001b"
const code = new RegExp(`${escapeCode}\\[([\\d;]*)m`)

/** The parts of a line, each with the codes that it has. */
const partsOf = (line) => {
  const parts = []
  let codes = []
  for (const [index, text] of line.split(code).entries()) {
    if (index % 2 === 1) codes = text === "0" ? [] : text.split(";")
    else if (text !== "") parts.push({ text, codes })
  }
  return parts
}

export const terminalSvg = (lines, theme) => {
  const column = theme === "dark" ? 1 : 0
  const rows = lines.map(partsOf)
  const length = (parts) => parts.reduce((sum, { text }) => sum + text.length, 0)
  const width = Math.ceil(Math.max(...rows.map(length)) * size * letter) + 40
  const height = rows.length * lineHeight + 36
  const body = rows.map((parts, index) => {
    let columns = 0
    const spans = parts.map(({ codes, text }) => {
      const role = codes.map((code) => roles[code]).find((role) => role !== undefined)
      const fill = role === undefined ? "" : ` fill="${colours[role][column]}"`
      // Each part has its place, whatever font the reader has.
      const x = (20 + columns * size * letter).toFixed(1)
      columns += text.length
      const kept = escape(text).replaceAll(" ", "\u00a0")
      return `<tspan x="${x}"${fill}${codes.includes("1") ? ' font-weight="700"' : ""}>${kept}</tspan>`
    })
    return spans.length === 0 ? "" : `<text y="${index * lineHeight + 30}">${spans.join("")}</text>`
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="${colours.paper[column]}" stroke="${colours.line[column]}"/>` +
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${size}" ` +
    `fill="${colours.ink[column]}">${body.join("")}</g></svg>\n`
  )
}
