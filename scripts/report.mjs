// Prints the last line of a CI run from vitest's JSON report: the number of tests that passed and failed.
import * as Fs from "node:fs"

const path = process.argv[2] ?? ".reports/tests.json"
const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, success: false }
const report = Fs.existsSync(path) ? JSON.parse(Fs.readFileSync(path, "utf8")) : none
const skipped = report.numPendingTests + (report.numTodoTests ?? 0)
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`
)
if (report.numPassedTests === 0 || !report.success) process.exitCode = 1
