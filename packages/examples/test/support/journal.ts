/** Questions of process tests to the exchange that they run against. */
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Effect from "effect/Effect"

/** The entries of one kind for one account. */
export const own = <Tag extends Journal.Entry["_tag"]>(uid: string, tag: Tag) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
    (entries) =>
      entries.filter(
        (entry): entry is Extract<Journal.Entry, { readonly _tag: Tag }> =>
          entry._tag === tag && "account" in entry && entry.account === uid
      )
  )

/** The placed orders of an account, in flight included. */
export const placings = (uid: string) =>
  Effect.map(own(uid, "Request"), (requests) => requests.filter(({ endpoint }) => endpoint.endsWith("place-order")))

/** The exchange's clock. */
export const now = Effect.flatMap(Simulator.Simulator, (simulator) => simulator.time.now)
