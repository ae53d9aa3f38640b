import { BitgetClient, BitgetCountdown, Credentials, Heartbeat } from "@effect-deadman/core"
import { Expect, Faults, Simulator } from "@effect-deadman/simulator"
import { it } from "@effect-deadman/simulator/VirtualTimeVitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const world = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide(Credentials.layerConfig),
  Layer.provide(Simulator.layerCredentials),
  Layer.provideMerge(Simulator.layer())
)

it.virtual("my bot crashes, its orders are gone within ten seconds", () =>
  Effect.gen(function* () {
    yield* Heartbeat.make({ countdown: "10 seconds" })
    yield* Simulator.placeOrder()
    yield* Effect.sleep("7 seconds")
    yield* Faults.crash()
    yield* Effect.sleep("15 seconds")
    yield* Expect.armedThroughout({ to: "crash" })
    yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
  }).pipe(Effect.provide(world))
)
