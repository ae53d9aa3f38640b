import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as EventStream from "../../src/served/eventStream.js"

describe("EventStream", () => {
  it.live("keeps a bounded number of events for a slow reader, and reports how many it missed", () =>
    Effect.gen(function* () {
      let detached = false
      let kept = 0
      const stream = EventStream.make({
        attach: (outbox) => {
          for (let id = 0; id < 5_000; id++) if (outbox.write(EventStream.event("entry", { id }))) kept++
          return () => (detached = true)
        },
        missed: (missed) => EventStream.event("gap", { missed })
      })
      const chunks = yield* Stream.runCollect(Stream.take(stream, 1))
      const text = Chunk.toReadonlyArray(chunks)
        .map((bytes) => new TextDecoder().decode(bytes))
        .join("")
      assert.isBelow(kept, 2_001)
      assert.strictEqual(text.split("event: entry").length - 1, kept)
      assert.include(text, `event: gap\ndata: {"missed":${5_000 - kept}}`)
      assert.isTrue(detached)
    })
  )

  it.live("keeps a bounded number of characters, and only the newest replaceable event, made when it is read", () =>
    Effect.gen(function* () {
      let kept = 0
      const made: Array<number> = []
      const stream = EventStream.make({
        attach: (outbox) => {
          for (let id = 0; id < 100; id++) {
            if (outbox.write(EventStream.event("entry", "x".repeat(100_000)))) kept++
            outbox.newest(() => {
              made.push(id)
              return EventStream.event("state", { id })
            })
          }
          return () => {}
        }
      })
      const [bytes] = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(stream, 1)))
      const text = new TextDecoder().decode(bytes)
      assert.strictEqual(kept, 9)
      assert.deepStrictEqual(made, [99])
      assert.isBelow(text.length, 1_000_100)
      assert.isTrue(text.endsWith('event: state\ndata: {"id":99}\n\n'))
    })
  )
})
