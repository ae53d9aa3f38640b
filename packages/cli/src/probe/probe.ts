/** The program of `deadman probe`: measures, prints the report and writes the file. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import process from "node:process"
import { codes, Ending } from "../exitCodes.js"
import { infer } from "./infer.js"
import { type Category, categories } from "./model.js"
import * as Plan from "./plan.js"
import * as Progress from "./progress.js"
import * as Report from "./report.js"
import { run } from "./run.js"
import * as VenueFile from "./venueFile.js"

/** The options of the command line. */
export interface Given {
  readonly category: Category
  readonly symbol: string | undefined
  readonly price: string | undefined
  readonly qty: string | undefined
  readonly output: string
  readonly live: boolean
  readonly yes: boolean
}

/** The plan of a command line. */
export const planOf = ({ category, live, price, qty, symbol }: Given): Plan.Options => {
  const usual = Plan.markets[category]
  return {
    ...Plan.defaults,
    market: { category, symbol: symbol ?? usual.symbol, price: price ?? usual.price, qty: qty ?? usual.qty },
    others: live ? [] : categories.filter((other) => other !== category)
  }
}

/** One line that changes on a terminal, and one after the other elsewhere. */
const tell = (progress: Progress.Progress): Effect.Effect<void> =>
  Effect.sync(() => {
    const { isTTY } = process.stderr
    const text = Progress.line(progress)
    const stays = progress._tag === "Begins" || progress._tag === "Left"
    process.stderr.write(isTTY ? `\r\u001B[K${text}${stays ? "\n" : ""}` : `deadman: ${text}\n`)
  })

const endLine = Effect.sync(() => {
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K")
})

const usage = (message: string) => new Ending({ code: codes.usage, message })

export const probe = Effect.fnUntraced(function* (given: Given) {
  const files = yield* FileSystem.FileSystem
  const { output } = given
  // Before three minutes of work, not after them.
  yield* Effect.scoped(files.open(output, { flag: "wx" })).pipe(
    Effect.mapError((error) =>
      error._tag === "SystemError" && error.reason === "AlreadyExists"
        ? usage(`${output} exists. Give --output another name, or remove it.`)
        : usage(`${output} cannot be written: ${error.message}. Give --output another path.`)
    )
  )
  const demo = !given.live
  const client = Layer.unwrapEffect(
    Effect.map(BitgetClient.config, (config) => BitgetClient.layer({ ...config, demoTrading: demo }))
  ).pipe(Layer.provide([Credentials.layerConfig, FetchHttpClient.layer]))

  yield* Effect.gen(function* () {
    const { baseUrl } = yield* BitgetClient.BitgetClient
    const observations = yield* Effect.ensuring(run(planOf(given), tell), endLine)
    const findings = infer(observations)
    const measured = { at: new Date().toISOString(), exchange: baseUrl, demo }
    yield* files.writeFileString(output, VenueFile.print(findings, measured))
    yield* Console.log(Report.print(findings, measured, output))
  }).pipe(
    Effect.provide(client),
    // The empty file says nothing.
    Effect.onError(() => Effect.ignore(files.remove(output))),
    Effect.catchTags({
      ForeignOrders: ({ message }) => usage(message),
      NoRestingOrder: ({ message }) => usage(message)
    })
  )
})
