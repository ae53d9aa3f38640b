/** Reports a broken promise, at an instant in ms since the start of the run. */
export type Report = (promise: string, at: number, what: string) => void
