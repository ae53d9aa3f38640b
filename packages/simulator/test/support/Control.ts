/** The served exchange on a clock that a test moves, and a typed client of its control API. */
import * as ControlApi from "@effect-deadman/simulator/ControlApi"
import * as Server from "@effect-deadman/simulator/Server"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const connect = Effect.flatMap(Server.Server, ({ url }) => HttpApiClient.make(ControlApi.Api, { baseUrl: url }))

export const served = (options?: Server.Options) =>
  Effect.provide(
    Layer.mergeAll(
      Server.layer({ clock: { mode: "manual" }, venue: { timestampWindow: 3_600_000 }, ...options }),
      FetchHttpClient.layer
    )
  )
