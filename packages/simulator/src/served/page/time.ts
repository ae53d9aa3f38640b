/** Instants and durations as the page shows them. */

const two = (value: number): string => String(value).padStart(2, "0")

/** The exchange's time of day, UTC, to the tenth of a second. */
export const clock = (ms: number): string => {
  const date = new Date(ms)
  const tenths = Math.floor(date.getUTCMilliseconds() / 100)
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}.${tenths}`
}

export const instant = (ms: number): string => {
  const date = new Date(ms)
  return `${clock(ms).slice(0, 8)}.${String(date.getUTCMilliseconds()).padStart(3, "0")}`
}

export const length = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`)

export const ago = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  return `${Math.floor(seconds / 3_600)} h ago`
}

/** To the tenth of a second within the first minute. */
export const agoExactly = (ms: number): string =>
  ms < 59_950 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s ago` : ago(ms)
