/**
 * Lines to a file descriptor that never stop the process: not when the reader has gone away, and not when it has stopped
 * reading, as a terminal after Ctrl-S. `process.stderr` would block on such a terminal, and with it the heartbeat.
 */
import * as Fs from "node:fs"

/** The most lines that wait for the reader. More are dropped and counted. */
const most = 1_000

export interface Output {
  readonly line: (text: string) => void
  /** Waits until all lines are written or cannot be, `bound` ms at most. */
  readonly flushed: (bound: number) => Promise<void>
}

/** Makes the output to a file descriptor. `write` is replaced in tests. */
export const make = (fd: number, write: typeof Fs.write = Fs.write): Output => {
  const waiting: Array<string> = []
  const idle: Array<() => void> = []
  let writing = false
  let dropped = 0

  const next = (rest: Buffer): void => {
    write(fd, rest, 0, rest.length, null, (error, written) => {
      if (error?.code === "EAGAIN") return void setTimeout(() => next(rest), 50)
      if (error === null && written < rest.length) return next(rest.subarray(written))
      // After any other error, such as EPIPE, the line is lost. The next one is tried again.
      writing = false
      start()
    })
  }
  const start = (): void => {
    if (writing) return
    if (waiting.length === 0) return idle.splice(0).forEach((done) => done())
    const lost = dropped === 0 ? "" : `deadman: warning: ${dropped} lines were dropped, because nothing read them\n`
    dropped = 0
    writing = true
    next(Buffer.from(waiting.splice(0).join("") + lost))
  }
  return {
    line: (text) => {
      if (waiting.length >= most) dropped += 1
      else waiting.push(`${text}\n`)
      start()
    },
    flushed: (bound) =>
      new Promise((resolve) => {
        setTimeout(resolve, bound).unref()
        if (!writing && waiting.length === 0) resolve()
        else idle.push(resolve)
      })
  }
}
