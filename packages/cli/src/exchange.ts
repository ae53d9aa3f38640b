/** The exchange as the environment names it: `BITGET_API_KEY` and the others that core's README lists. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Layer from "effect/Layer"

/** The signed client of the account, and the clock of the exchange. */
export const layer = BitgetClient.layerConfig.pipe(Layer.provide([Credentials.layerConfig, FetchHttpClient.layer]))
