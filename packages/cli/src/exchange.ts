/** The exchange as the environment names it: `BITGET_API_KEY` and the others that core's README lists. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Layer from "effect/Layer"

/** The signed client of the account, and the clock of the exchange. */
export const layer = BitgetClient.layerConfig.pipe(Layer.provide([Credentials.layerConfig, FetchHttpClient.layer]))

/** The same with this label of the account, in place of the one in the environment. */
export const layerOf = (account: string | undefined): typeof layer =>
  account === undefined
    ? layer
    : Layer.provide(
        layer,
        Layer.setConfigProvider(
          ConfigProvider.orElse(ConfigProvider.fromMap(new Map([["BITGET_ACCOUNT_LABEL", account]])), () =>
            ConfigProvider.fromEnv()
          )
        )
      )
