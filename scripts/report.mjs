// Prints the closing line of a CI run, taken from vitest's JSON report.
import * as Fs from "node:fs"

const report = JSON.parse(Fs.readFileSync(process.argv[2] ?? ".reports/tests.json", "utf8"))
const skipped = report.numPendingTests + (report.numTodoTests ?? 0)
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`
)
if (report.numPassedTests === 0 || !report.success) process.exitCode = 1
