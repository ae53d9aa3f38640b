import type { Evidence } from "../Evidence.js"

/** Reports a breach of a promise, at an instant in ms since the start of the run. */
export type Report = (promise: string, at: number, what: string) => void
/** Checks a promise, or a part of one. */
export type Rule = (evidence: Evidence, report: Report) => void

/** The least time between two writes, ms. */
export const promisedPace = 1_000

/** Milliseconds as text, in seconds. */
export const s = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`
