/**
 * The judge. It knows what the exchange did, which rows the store gave, and what the next owner claims, and it shares no
 * code with the package.
 */
import type { Evidence } from "./Evidence.js"
import { beats } from "./rules/beats.js"
import { claims } from "./rules/claims.js"
import { holding } from "./rules/holding.js"
import { releases } from "./rules/releases.js"
import type { Report } from "./rules/rule.js"
import { works } from "./rules/works.js"

export interface Breach {
  readonly promise: string
  readonly at: number
  readonly what: string
}

const rules = [releases, beats, claims, works, holding]

export const judge = (evidence: Evidence): ReadonlyArray<Breach> => {
  const breaches: Array<Breach> = []
  const report: Report = (promise, at, what) => void breaches.push({ promise, at, what })
  if (evidence.log.defect !== undefined) report("ends", evidence.log.end, evidence.log.defect)
  for (const rule of rules) rule(evidence, report)
  return breaches
}
