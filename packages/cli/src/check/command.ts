/** The command line of `deadman check`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { codes, Ending } from "../exitCodes.js"

const options = {
  arm: Options.boolean("arm").pipe(
    Options.withDescription(
      "Arms the switch for 60 s and turns it off again, which alone shows whether the exchange has opened the endpoint " +
        "to the account. Requires --yes. Default: false"
    )
  ),
  yes: Options.boolean("yes").pipe(
    Options.withDescription(
      "Confirms --arm: no other program holds the switch of this account, which would be turned off. Default: false"
    )
  )
}

export const command = Command.make("check", options, ({ arm, yes }) =>
  Effect.gen(function* () {
    if (arm && !yes) {
      return yield* new Ending({
        code: codes.usage,
        message:
          "--arm turns off the switch of any other program on this account. If there is none, confirm it with --yes. " +
          "Nothing was sent."
      })
    }
    const { check } = yield* Effect.promise(() => import("./check.js"))
    yield* check({ arm })
  })
).pipe(
  Command.withDescription(
    "Checks everything that the switch needs, and says what to do: variables, clock, key, signature, passphrase, " +
      "address, account, permission, rate. Changes nothing: its only write cancels an order that does not exist."
  )
)
