const number = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 })

/** The median of the values, as text. */
export const median = (values) => number.format([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)])

/** The least and the greatest value, as text. */
export const range = (values) => `${number.format(Math.min(...values))} .. ${number.format(Math.max(...values))}`

/** Prints a Markdown table. */
export const printTable = (title, head, rows) => {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)))
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`
  console.log(`\n${title}\n`)
  console.log(line(head))
  console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`)
  for (const row of rows) console.log(line(row))
}
