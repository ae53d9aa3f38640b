/** Collects the log of one run. */
import type * as Log from "./Log.js"

type Unnumbered<A> = A extends unknown ? Omit<A, "seq"> : never

export interface Recorder {
  readonly entries: Array<Log.Entry>
  readonly now: () => number
  /** Numbers the entry and keeps the object itself. */
  readonly add: (entry: Unnumbered<Exclude<Log.Entry, Log.Call>>) => void
  /** Adds what happens now to the host or the bot. */
  readonly deed: (what: string, length?: number) => void
  readonly call: (wire: string, left: boolean) => Log.Call
  readonly end: (call: Log.Call, end: Log.End, code?: string) => void
  readonly calls: Array<Log.Call>
  /** The orders that a firing spares. */
  readonly spared: Set<string>
  /** Whether the heartbeat before the judged one still lives. */
  before: boolean
  /** Called after each call has ended. */
  onEnd: (() => void) | undefined
}

export const make = (now: () => number): Recorder => {
  const entries: Array<Log.Entry> = []
  const calls: Array<Log.Call> = []
  let seq = 0
  const recorder: Recorder = {
    entries,
    calls,
    spared: new Set(),
    now,
    add: (unnumbered) => {
      const entry: typeof unnumbered & { seq?: number } = unnumbered
      entry.seq = seq++
      entries.push(entry as Log.Entry)
    },
    deed: (what, length) => recorder.add({ _tag: "Deed", at: now(), what, length }),
    call: (wire, left) => {
      const call: Log.Call = {
        _tag: "Call",
        seq: seq++,
        id: calls.length,
        at: now(),
        before: recorder.before,
        wire,
        endSeq: undefined,
        endAt: undefined,
        end: undefined,
        code: undefined,
        left
      }
      calls.push(call)
      entries.push(call)
      return call
    },
    end: (call, end, code) => {
      if (call.end !== undefined) return
      call.end = end
      call.endAt = now()
      call.endSeq = seq++
      call.code = code
      recorder.onEnd?.()
    },
    before: false,
    onEnd: undefined
  }
  return recorder
}
