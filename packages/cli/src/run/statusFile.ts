/** The status file: one JSON object, replaced as a whole, so that a reader never sees half of it. */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import type { Report } from "./report.js"

/**
 * Writes the report as it is when its turn comes, one after the other, so that the newest is the last. Fails with the
 * error of the system. A slow disk does not stop the process.
 */
export const make = (path: string, report: () => Report): Effect.Effect<void, Error> => {
  // In the same folder, because a rename does not cross file systems.
  const next = `${path}.${process.pid}.tmp`
  const turns = Effect.unsafeMakeSemaphore(1)
  return turns.withPermits(1)(
    Effect.tryPromise({
      try: async () => {
        await Fs.writeFile(next, `${JSON.stringify(report())}\n`)
        await Fs.rename(next, path)
      },
      catch: (error) => (error instanceof Error ? error : new Error(String(error)))
    })
  )
}
