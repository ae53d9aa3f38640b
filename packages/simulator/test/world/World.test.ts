import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Network from "@effect-deadman/simulator/Network"
import { assert, describe, it } from "@effect/vitest"
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import { World } from "../../src/world/world.js"

describe("World", () => {
  it("tells of a request again each time its record changes", () => {
    let now = 0
    const venue = { timeToApply: 100, timeToComplete: 100 }
    const world = new World(Exchange.make({ venue, now }), Network.make({ seed: 1 }), Journal.make(), () => now)
    const told: Array<ReadonlyArray<number | undefined>> = []
    world.listeners.add((entry) => {
      if (entry._tag !== "Request") return
      const { answeredAt, appliedAt, arrivedAt, receivedAt, sentAt } = entry
      told.push([now, sentAt, arrivedAt, appliedAt, answeredAt, receivedAt])
    })
    const headers = { "x-simulator-fault": "delay-request;by=10ms|delay-answer;by=50ms" }
    world.send({ method: "GET", path: "/api/v2/public/time", headers, body: "" })
    for (now = 1; now < 1_000; now++) world.pump()
    assert.deepStrictEqual(told, [
      [0, 0, undefined, undefined, undefined, undefined],
      [10, 0, 10, undefined, undefined, undefined],
      [110, 0, 10, 110, undefined, undefined],
      [210, 0, 10, 110, 210, undefined],
      [260, 0, 10, 110, 210, 260]
    ])
  })
  it("keeps the beginning of a long body in memory, and not the whole", () => {
    V8.setFlagsFromString("--expose-gc")
    const collect = Vm.runInNewContext("gc") as () => void
    const world = new World(Exchange.make({ now: 0 }), Network.make({ seed: 1 }), Journal.make(), () => 0)
    const post = (body: string) => world.send({ method: "POST", path: "/api/v3/trade/place-order", headers: {}, body })
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 64; i++) post(Buffer.alloc(1_000_000, `${i}`).toString("latin1"))
    collect()
    assert.isBelow(process.memoryUsage().heapUsed - before, 32_000_000)
    const [, last] = world.journal.entries().slice(-2)
    assert(last?._tag === "Request")
    assert.strictEqual(last.body, "63".repeat(100))
  })
})
