/**
 * Server-sent events with an end to what they keep for a reader that does not read.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** A reader may be so many events and characters behind; what comes after that it misses, and is told. */
const longestBacklog = 2_000
const largestBacklog = 1_000_000

/** A comment now and then tells both ends that the other is there. */
const keepAlive = 15_000

const encoder = new TextEncoder()

export const event = (name: string, data: unknown, id?: number): string =>
  `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

/** Where a source puts its events. */
export interface Outbox {
  /** False when the reader is too far behind. */
  readonly write: (event: string) => boolean
  /** An event that is made when the reader takes it, after the others. A later one replaces it. */
  readonly newest: (make: () => string) => void
}

/** A stream of bytes that a source feeds until the reader goes. `missed` makes an event of how many did not fit. */
export const make = (options: {
  readonly attach: (outbox: Outbox) => () => void
  readonly missed?: ((count: number) => string) | undefined
}): Stream.Stream<Uint8Array> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      let backlog: Array<string> = [": hello\n\n"]
      let size = 0
      let missed = 0
      let newest: (() => string) | undefined
      let waiting: ((effect: Effect.Effect<Uint8Array>) => void) | undefined
      const take = () => {
        if (missed > 0 && options.missed !== undefined) backlog.push(options.missed(missed))
        if (newest !== undefined) backlog.push(newest())
        const text = backlog.join("")
        backlog = []
        size = 0
        missed = 0
        newest = undefined
        return encoder.encode(text)
      }
      const flush = () => {
        const resume = waiting
        waiting = undefined
        resume?.(Effect.sync(take))
      }
      const write = (event: string) => {
        if (backlog.length >= longestBacklog || size + event.length > largestBacklog) {
          missed++
          return false
        }
        backlog.push(event)
        size += event.length
        flush()
        return true
      }
      const replace = (make: () => string) => {
        newest = make
        flush()
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const detach = options.attach({ write, newest: replace })
          const beat = setInterval(() => write(": still here\n\n"), keepAlive)
          return () => {
            clearInterval(beat)
            detach()
          }
        }),
        (detach) => Effect.sync(detach)
      )
      return Stream.repeatEffect(
        Effect.async<Uint8Array>((resume) => {
          if (backlog.length > 0 || newest !== undefined) return resume(Effect.sync(take))
          waiting = resume
          return Effect.sync(() => {
            waiting = undefined
          })
        })
      )
    })
  )
