/**
 * The program of the command `replay`.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Exchange from "../exchange/Exchange.js"
import type * as History from "../journal/History.js"
import * as Journal from "../journal/Journal.js"
import * as Timeline from "../timeline/Timeline.js"
import * as JournalFile from "./journalFile.js"

/** The options of the command line, parsed. */
export interface Given {
  readonly file: string
  readonly html: Option.Option<string>
  readonly account: Option.Option<string>
}

/** Rebuilds the exchange from a run and prints a summary. Returns the run as the timeline takes it. */
const rebuilt = Effect.fnUntraced(function* (entries: ReadonlyArray<Journal.Entry>) {
  const state = yield* Journal.replay(entries)
  const [start] = entries
  if (start?._tag !== "Start") return yield* Effect.dieMessage("a journal that was replayed begins with its start")
  const accounts = Exchange.accounts(state)
  const open = accounts.reduce((sum, { declared }) => sum + Exchange.openOrders(state, declared.uid).length, 0)
  yield* Console.log(
    `Rebuilt from ${entries.length} entries, and the exchange did the same again: ` +
      `${accounts.length} account${accounts.length === 1 ? "" : "s"}, ${open} open order${open === 1 ? "" : "s"}, seed ${start.seed}.`
  )
  const evidence: History.Evidence = { seed: start.seed, start: start.at, now: state.now, dropped: 0, entries }
  return evidence
})

/** Replays each run of the file, and prints the timelines or writes the last one as a page. */
export const replay = Effect.fnUntraced(function* ({ account, file, html }: Given) {
  const files = yield* FileSystem.FileSystem
  const { runs, torn } = yield* JournalFile.read(yield* files.readFileString(file))
  if (torn) {
    yield* Console.log("The last line is incomplete. The replay leaves it out, with all entries of the same instant.")
  }
  const options = { account: Option.getOrUndefined(account) }
  for (const [index, entries] of runs.entries()) {
    const evidence = yield* rebuilt(entries)
    const name = runs.length === 1 ? file : `${file}, run ${index + 1} of ${runs.length}`
    if (Option.isNone(html)) {
      yield* Console.log(`\n${Timeline.text(evidence, options)}`)
    } else if (index === runs.length - 1) {
      yield* files.writeFileString(html.value, Timeline.html(evidence, { ...options, title: name }))
      yield* Console.log(`The timeline${runs.length === 1 ? "" : " of the last run"} is in ${html.value}`)
    }
  }
})
