/**
 * The port `OpenOrders` over the exchange machine and the network, without HTTP. The list meets the faults of the network
 * like any other request.
 */
import * as OpenOrders from "@effect-deadman/core/OpenOrders"
import type * as Sighting from "@effect-deadman/core/Sighting"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Network from "@effect-deadman/simulator/Network"
import * as Effect from "effect/Effect"
import type { Plan } from "./Plan.js"
import type { Schedule } from "./Scene.js"
import * as Venue from "./Venue.js"

/** The world that the lists share with the writes. */
export interface Shared {
  readonly plan: Plan
  readonly schedule: Schedule
  /** Moves the exchange to now, and gives the instant on its clock. */
  readonly pump: () => number
  readonly state: () => Exchange.State
  readonly network: <A>(step: (network: Network.State, now: number) => readonly [A, Network.State]) => A
}

/** The longest time that the client waits for a list, ms. */
const patience = 5_000

export const make = ({ network, plan, pump, schedule, state }: Shared): OpenOrders.OpenOrders["Type"] => {
  let lists = 0
  const after = (millis: number, run: () => void): void => (millis <= 0 ? run() : schedule(millis, run))

  const request = (before: number, sentAt: Sighting.Sighting["sentAt"]) =>
    Effect.async<Sighting.Sighting | undefined, string>((resume) => {
      let isOver = false
      const end = (answer: Effect.Effect<Sighting.Sighting | undefined, string>): void => {
        if (!isOver) resume(answer)
        isOver = true
      }
      const fail = (why: string) => end(Effect.fail(why))
      schedule(patience, () => fail("no answer"))
      const arrive = (passage: Network.Passage): void => {
        const door = network((network, now) => Network.arrive(network, passage, now, 0))
        if (door._tag === "Gateway") return fail("a gateway answered")
        if (door._tag !== "Exchange") return
        const acceptedAt = pump()
        if (Exchange.inMaintenance(state())) return fail("45001")
        const found = Exchange.listedOrders(state(), Venue.own).open.find(({ createdTime }) => createdTime < before)
        const off = ((lists++ % 3) - 1) * plan.clock.machineSkew
        const answer = network((network, now) => Network.answer(network, passage, now))
        if (answer._tag === "Lost") return
        if (answer._tag === "Reset") return after(answer.after, () => fail("reset"))
        after(answer.after, () => {
          if (answer.replace !== undefined || answer.keep !== undefined) return fail("unreadable")
          end(
            Effect.succeed(
              found === undefined ? undefined : { createdAt: found.createdTime, listedAt: acceptedAt + off, sentAt }
            )
          )
        })
      }
      const departure = network((network, now) =>
        Network.depart(
          network,
          { account: Venue.own, endpoint: "/api/v3/trade/unfilled-orders", countdown: undefined },
          now
        )
      )
      if (departure._tag === "Refused" || departure._tag === "Reset") {
        return after(departure.after, () => fail("no connection"))
      }
      if (departure._tag === "Lost") return
      const { passage } = departure
      const [first] = departure.arrivals
      if (first !== undefined) after(first.after + (first.hold ?? 0), () => arrive(passage))
    })

  return OpenOrders.OpenOrders.of({
    account: "campaign",
    survivor: (before) => Effect.flatMap(OpenOrders.reading, (sentAt) => request(before, sentAt))
  })
}
