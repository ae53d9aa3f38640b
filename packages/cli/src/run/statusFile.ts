/** The status file: one JSON object, replaced as a whole, so that a reader never sees half of it. */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import type { Report } from "./report.js"

/** Writes the report. Fails with the error of the system. */
export const write = (path: string, report: Report): Effect.Effect<void, Error> =>
  Effect.try({
    try: () => {
      // In the same folder, because a rename does not cross file systems.
      const next = `${path}.${report.pid}.tmp`
      Fs.writeFileSync(next, `${JSON.stringify(report)}\n`)
      Fs.renameSync(next, path)
    },
    catch: (error) => (error instanceof Error ? error : new Error(String(error)))
  })
