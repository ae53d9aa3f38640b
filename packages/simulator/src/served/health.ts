/**
 * `GET /health`: answers while the server does. Needs no token, so that a supervisor can ask.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { version } from "./version.js"
import type * as Served from "./views.js"

export const path = "/health"

export const layer = (served: Served.Served) =>
  HttpApiBuilder.Router.use((router) =>
    router.get(
      path,
      Effect.sync(() =>
        HttpServerResponse.unsafeJson(
          { status: "ok", version, now: served.world.pump() },
          { headers: { "cache-control": "no-store" } }
        )
      )
    )
  )
