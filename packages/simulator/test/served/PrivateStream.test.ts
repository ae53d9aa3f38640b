/**
 * The pushes of the private WebSocket, without a socket.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Network from "@effect-deadman/simulator/Network"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as PrivateStream from "../../src/served/privateStream.js"
import { World } from "../../src/world/world.js"
import { demoKeys, signature } from "../support/Bot.js"

const account = "1000001"
const start = 1_700_000_000_000

interface Push {
  readonly action: string
  readonly ts: number
  readonly data: ReadonlyArray<Readonly<Record<string, string>>>
}

/** The pushes while `act` runs: instant, status, executed quantity. `pass` moves the exchange's clock. */
const pushesOf = (
  venue: Venue.Options,
  act: (step: (event: Exchange.Event) => ReadonlyArray<Exchange.Output>, pass: (millis: number) => void) => void
) => {
  let now = start
  const world = new World(
    Exchange.make({ accounts: [{ uid: account }], venue, now }),
    Network.make({ seed: 1 }),
    Journal.make(),
    () => now
  )
  const sent: Array<string> = []
  const session = new PrivateStream.Session(world, {
    send: (text) => void sent.push(text),
    close: () => assert.fail("closed"),
    backlog: () => 0
  })
  try {
    const sign = signature(demoKeys.secret, `${now}GET/user/verify`)
    const args = [{ apiKey: demoKeys.key, passphrase: demoKeys.passphrase, timestamp: String(now), sign }]
    session.receive(JSON.stringify({ op: "login", args }))
    session.receive(JSON.stringify({ op: "subscribe", args: [{ instType: "UTA", topic: "order" }] }))
    act(
      (event) => world.step(event),
      (millis) => {
        now += millis
        world.pump()
      }
    )
  } finally {
    session.end()
  }
  return sent
    .map((text) => JSON.parse(text) as Push)
    .filter((message) => message.action === "snapshot")
    .flatMap(({ data, ts }) => data.map((order) => [ts - start, order["orderStatus"], order["cumExecQty"]] as const))
}

const order = { category: "SPOT", symbol: "BTCUSDT", side: "buy", orderType: "limit", qty: "4", price: "3" } as const
const place = { _tag: "PlaceOrder", account, order } as const
const beat = { _tag: "SetCountdown", account, seconds: 5 } as const

describe("The private stream", () => {
  it("pushes every change of an order: placed, filled in part, cancelled by the countdown", () => {
    const pushes = pushesOf({ triggerLatency: 20 }, (step, pass) => {
      const [placed] = step(place)
      const orderId = placed?._tag === "Placed" ? placed.order.orderId : ""
      step(place)
      step(beat)
      pass(1_000)
      step({ _tag: "FillOrder", account, orderId, qty: "1" })
      pass(9_000)
    })
    assert.deepStrictEqual(pushes, [
      [0, "live", "0"],
      [0, "live", "0"],
      [1_000, "partially_filled", "1"],
      [5_020, "cancelled", "1"],
      [5_020, "cancelled", "0"]
    ])
  })

  it("pushes an order that is placed with a latency once, when it enters the book", () => {
    const pushes = pushesOf({ placingLatency: 300 }, (step, pass) => {
      step(place)
      step({ ...place, order: { ...order, orderType: "market" } })
      pass(299)
      pass(10_000)
    })
    assert.deepStrictEqual(pushes, [
      [300, "live", "0"],
      [300, "live", "0"],
      [300, "filled", "4"]
    ])
  })
})
