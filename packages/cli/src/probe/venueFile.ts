/** The findings as the file that the simulator reads. Pure. The simulator owns the schema; a test holds this to it. */
import type { Findings } from "./model.js"

/** Where and when the exchange was measured. */
export interface Measured {
  /** ISO 8601. */
  readonly at: string
  readonly exchange: string
  readonly demo: boolean
}

/** The text of the file. */
export const print = ({ findings }: Findings, measured: Measured): string => {
  const venue: Record<string, unknown> = {}
  const bounds: Record<string, unknown> = {}
  const notIdentified: Record<string, string> = {}
  for (const { option, result } of findings) {
    if (result._tag === "NotIdentified") {
      notIdentified[option] = result.reason
      continue
    }
    const [name = option, inner] = option.split(".")
    venue[name] = inner === undefined ? result.value : { ...(venue[name] as object | undefined), [inner]: result.value }
    if (result.bounds !== undefined) bounds[option] = result.bounds
  }
  return `${JSON.stringify({ measured, venue, bounds, notIdentified }, null, 2)}\n`
}
