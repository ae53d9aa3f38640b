import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Join from "../src/internal/join.js"

const anna = { name: "anna", boot: "anna-1" }
const twin = { name: "anna", boot: "anna-2" }

describe("a runner that was replaced", () => {
  it.scoped("gets its name back once the other is gone, with all settings that it has joined with", () =>
    Effect.gen(function* () {
      const store = yield* AccountStore.makeMemory
      yield* Join.join(store, anna, { shardsPerGroup: "300" }, 6_000)
      yield* Join.join(store, anna, { countdown: "30000 ms" }, 60_000)
      yield* store.join({ runner: twin, settings: {}, living: 0, remembered: 0 })
      assert.isFalse(yield* Join.rejoin(store, anna))
      assert.isFalse((yield* store.report(twin, [])).isTaken)
      yield* store.leave(twin)
      assert.isTrue(yield* Join.rejoin(store, anna))
      assert.isTrue((yield* store.report(twin, [])).isTaken)
      for (const settings of [{ shardsPerGroup: "60" }, { countdown: "20000 ms" }]) {
        const other = { name: "bert", boot: "bert-1" }
        const answer = yield* store.join({ runner: other, settings, living: 4_000, remembered: 60_000 })
        assert.strictEqual(answer._tag, "Mismatch")
      }
    })
  )
})
