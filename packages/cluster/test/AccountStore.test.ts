import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { conformance } from "./support/storeConformance.js"

describe("the store in memory", () => {
  const store = Effect.runSync(AccountStore.makeMemory)
  let names = 0
  conformance(
    () => store,
    (label) => `${label}-${names++}`,
    (effect) => Effect.runPromise(effect)
  )
})
