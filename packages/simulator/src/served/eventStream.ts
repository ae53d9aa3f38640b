/**
 * Server-sent events with a bounded backlog for slow readers.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The largest backlog of a reader, in events and characters. The reader misses later events, and is notified. */
const longestBacklog = 2_000
const largestBacklog = 1_000_000

/** The interval of comments that keep the connection alive, in ms. */
const keepAlive = 15_000

const encoder = new TextEncoder()

export const event = (name: string, data: unknown, id?: number): string =>
  `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

/** The receiver of a source's events. */
export interface Outbox {
  /** False when the reader is too far behind. */
  readonly write: (event: string) => boolean
  /** Adds an event that is made when the reader takes it, after all others. A later one replaces it. */
  readonly newest: (make: () => string) => void
}

/** A stream of bytes that a source feeds until the reader disconnects. `missed` makes an event from the number of missed
 * events. */
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
