/**
 * The simulated exchange as a service: test controls, and an `HttpClient` connected to it.
 *
 * The exchange runs on Effect's clock, so under `TestClock` time passes when the test says so. Each access moves the
 * exchange to now first, so a test never depends on the order in which fibers wake.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Exchange from "../exchange/Exchange.js"
import type * as History from "../journal/History.js"
import * as Journal from "../journal/Journal.js"
import * as Fault from "../network/Fault.js"
import * as Network from "../network/Network.js"
import { didYouMean } from "../network/nearest.js"
import type * as Random from "../network/Random.js"
import * as Timeline from "../timeline/Timeline.js"
import { drive } from "./drive.js"
import { entriesOf } from "./entries.js"
import * as MemoryClient from "./httpClient.js"
import * as SimulatorOptions from "./options.js"
import { World, WorldTag } from "./world.js"

/**
 * @since 0.1.0
 */
export { demoUid, InvalidAccounts, InvalidOption, type InvalidOptions, type Options } from "./options.js"

/**
 * The exchange has no such account.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownAccount extends Schema.TaggedError<UnknownAccount>("@effect-deadman/simulator/UnknownAccount")(
  "UnknownAccount",
  { account: Schema.String, known: Schema.Array(Schema.String) }
) {
  override get message(): string {
    return (
      `The simulated exchange has no account "${this.account}"${didYouMean(this.account, this.known) || "."} ` +
      `It has: ${this.known.join(", ")}. Declare it in the option \`accounts\` of Simulator.layer.`
    )
  }
}

/**
 * The exchange refused a command of the test, with the code that it would send to a bot.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExchangeRefused extends Schema.TaggedError<ExchangeRefused>("@effect-deadman/simulator/ExchangeRefused")(
  "ExchangeRefused",
  { account: Schema.String, code: Schema.String, venueMessage: Schema.String }
) {
  override get message(): string {
    return `The simulated exchange refused this for account ${this.account} with code ${this.code}: ${this.venueMessage}`
  }
}

/**
 * A fault that cannot be added.
 *
 * @since 0.1.0
 * @category errors
 */
export type InvalidFault = Fault.FaultSyntaxError | Network.TooManyFaults

/**
 * An order for `placeOrder`: what is left out is a limit buy of 0.01 BTCUSDT at 50000 in USDT-FUTURES, in the first
 * account.
 *
 * @since 0.1.0
 * @category models
 */
export type TestOrder = Partial<Exchange.NewOrder> & { readonly account?: string | undefined }

/**
 * The test controls.
 *
 * @since 0.1.0
 * @category tags
 */
export class Simulator extends Context.Tag("@effect-deadman/simulator/Simulator")<
  Simulator,
  {
    /** The UID of the first account, the default wherever an account is optional. */
    readonly account: string
    /** The seed that replays the run. */
    readonly seed: Random.Seed
    readonly exchange: {
      /** The state of the exchange, now. */
      readonly state: Effect.Effect<Exchange.State>
      /** Applies an event, now. A refusal is among the outputs. */
      readonly step: (event: Exchange.Event) => Effect.Effect<ReadonlyArray<Exchange.Output>>
    }
    /** Crashes the parties of virtual time that have sent requests of this account, and returns their number. */
    readonly crashParties: (account: string) => Effect.Effect<number>
    readonly journal: {
      readonly entries: Effect.Effect<ReadonlyArray<Journal.Entry>>
      /** How many entries the journal has dropped. */
      readonly dropped: Effect.Effect<number>
      readonly ndjson: Effect.Effect<string>
      readonly note: (entry: Journal.Entry) => Effect.Effect<void>
      /** Every entry from now on. A request comes again each time its record changes. */
      readonly events: Stream.Stream<Journal.Entry>
    }
    readonly network: {
      /** Adds a fault, as a value or as text, until the scope closes. */
      readonly add: (fault: Fault.Fault | string) => Effect.Effect<Network.Active, InvalidFault, Scope.Scope>
      /** Adds a fault that stays until it is removed. */
      readonly addUntilRemoved: (fault: Fault.Fault | string) => Effect.Effect<Network.Active, InvalidFault>
      /** Removes a fault by its id; does nothing when there is none. */
      readonly remove: (id: number) => Effect.Effect<void>
      /** Removes all faults. */
      readonly heal: Effect.Effect<void>
      /** The faults in force, with their counters. */
      readonly faults: Effect.Effect<ReadonlyArray<Network.Active>>
    }
    readonly time: {
      /** The exchange's clock: ms since the epoch. */
      readonly now: Effect.Effect<number>
      /** Its reading when the simulator was made. */
      readonly start: number
    }
  }
>() {}

/**
 * A simulator on the clock of the caller, until the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: SimulatorOptions.Options
) => Effect.Effect<Context.Context<Simulator | HttpClient.HttpClient>, SimulatorOptions.InvalidOptions, Scope.Scope> =
  Effect.fnUntraced(function* (options: SimulatorOptions.Options = {}) {
    const settings = yield* SimulatorOptions.decode(options)
    const clock = yield* Effect.clock
    const runtime = yield* Effect.runtime<never>()
    const venueNow = () => Math.floor(clock.unsafeCurrentTimeMillis()) + settings.venueOffset
    const start = venueNow()
    const world = new World(
      Exchange.make({ accounts: settings.accounts, venue: settings.venue, now: start }),
      Network.make(settings),
      Journal.make({ size: settings.journalSize }),
      venueNow
    )
    yield* Effect.forEach(settings.faults, (fault) => world.addFault(fault), { discard: true })
    yield* drive(world, clock, runtime)

    const events = yield* entriesOf(world)
    const look = <A>(read: () => A): Effect.Effect<A> =>
      Effect.sync(() => {
        world.pump()
        return read()
      })
    const add = (fault: Fault.Fault | string) => Effect.flatMap(Fault.decode(fault), (fault) => world.addFault(fault))
    return Context.empty().pipe(
      Context.add(
        Simulator,
        Simulator.of({
          account: settings.accounts[0]!.uid,
          seed: world.network.seed,
          exchange: {
            state: look(() => world.state),
            step: (event) => Effect.sync(() => world.step(event))
          },
          crashParties: (account) =>
            Effect.suspend(() => {
              const parties = [...(world.senders.get(account) ?? [])].filter((party) => !party.isCrashed())
              const crash = Effect.forEach(parties, (party) => party.crash, { discard: true })
              return Effect.as(crash, parties.length)
            }),
          journal: {
            entries: look(() => world.journal.entries()),
            dropped: look(() => world.journal.dropped()),
            ndjson: look(() => Journal.toNdjson(world.journal.entries())),
            note: (entry) => look(() => world.note(entry)),
            events
          },
          network: {
            add: (fault) =>
              Effect.acquireRelease(add(fault), (active) => Effect.sync(() => world.removeFault(active.id))),
            addUntilRemoved: add,
            remove: (id) => Effect.sync(() => world.removeFault(id)),
            heal: Effect.sync(() => {
              for (const active of world.network.faults) world.removeFault(active.id)
            }),
            faults: look(() => world.network.faults)
          },
          time: { now: Effect.sync(() => world.pump()), start }
        })
      ),
      Context.add(HttpClient.HttpClient, MemoryClient.make(world)),
      Context.add(WorldTag, world)
    )
  })

/**
 * The simulator, and an `HttpClient` that reaches only the simulator.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: SimulatorOptions.Options
): Layer.Layer<Simulator | HttpClient.HttpClient, SimulatorOptions.InvalidOptions> => Layer.scopedContext(make(options))

/**
 * The configuration that a bot reads from its environment, for the first account: `BITGET_API_KEY`,
 * `BITGET_SECRET_KEY`, `BITGET_PASSPHRASE` and `BITGET_BASE_URL`. Any other value comes from the current provider.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerCredentials: Layer.Layer<never, never, Simulator> = Layer.unwrapEffect(
  Effect.gen(function* () {
    const simulator = yield* Simulator
    const state = yield* simulator.exchange.state
    const key = Exchange.account(state, simulator.account)?.declared.keys?.[0]
    const settings = new Map([["BITGET_BASE_URL", "https://bitget.simulator"]])
    if (key !== undefined) {
      settings.set("BITGET_API_KEY", key.key)
      settings.set("BITGET_PASSPHRASE", key.passphrase)
      if (key.secret !== undefined) settings.set("BITGET_SECRET_KEY", key.secret)
    }
    const own = ConfigProvider.fromMap(settings)
    return yield* Effect.configProviderWith((ambient) =>
      Effect.succeed(Layer.setConfigProvider(ConfigProvider.orElse(own, () => ambient)))
    )
  })
)

// ---------------------------------------------------------------------------------------------------------------------
// Accessors
// ---------------------------------------------------------------------------------------------------------------------

const withAccount = <A, E>(
  account: string | undefined,
  use: (uid: string, state: Exchange.State, simulator: Context.Tag.Service<Simulator>) => Effect.Effect<A, E>
): Effect.Effect<A, E | UnknownAccount, Simulator> =>
  Effect.flatMap(Simulator, (simulator) =>
    Effect.flatMap(simulator.exchange.state, (state): Effect.Effect<A, E | UnknownAccount> => {
      const uid = account ?? simulator.account
      if (Exchange.account(state, uid) !== undefined) return use(uid, state, simulator)
      const known = Exchange.accounts(state).map((account) => account.declared.uid)
      return Effect.fail(new UnknownAccount({ account: uid, known }))
    })
  )

/**
 * Puts an order into the book, without network and without the checks of a key.
 *
 * @since 0.1.0
 * @category accessors
 */
export const placeOrder = (
  order: TestOrder = {}
): Effect.Effect<Exchange.Order, UnknownAccount | ExchangeRefused, Simulator> =>
  withAccount(order.account, (uid, _, simulator) => {
    const { account: __, ...given } = order
    const complete: Exchange.NewOrder = {
      category: "USDT-FUTURES",
      symbol: "BTCUSDT",
      side: "buy",
      orderType: "limit",
      qty: "0.01",
      price: "50000",
      ...given
    }
    return Effect.flatMap(
      simulator.exchange.step({ _tag: "PlaceOrder", account: uid, order: complete }),
      (outputs): Effect.Effect<Exchange.Order, ExchangeRefused> => {
        for (const output of outputs) {
          if (output._tag === "Refused") {
            return Effect.fail(new ExchangeRefused({ account: uid, code: output.code, venueMessage: output.msg }))
          }
          if (output._tag === "Placed") return Effect.succeed(output.order)
        }
        return Effect.dieMessage("an order was neither refused nor placed")
      }
    )
  })

/**
 * The open orders of an account, oldest first.
 *
 * @since 0.1.0
 * @category accessors
 */
export const openOrders = (account?: string): Effect.Effect<ReadonlyArray<Exchange.Order>, UnknownAccount, Simulator> =>
  withAccount(account, (uid, state) => Effect.succeed(Exchange.openOrders(state, uid)))

/**
 * The state of an account's switch. The real exchange has no endpoint that reads it.
 *
 * @since 0.1.0
 * @category accessors
 */
export const countdown = (account?: string): Effect.Effect<Exchange.Switch, UnknownAccount, Simulator> =>
  withAccount(account, (uid, state) => Effect.succeed(Exchange.countdown(state, uid)))

/**
 * Adds a mark to the journal, for example `"crash"`, at the exchange's time.
 *
 * @since 0.1.0
 * @category accessors
 */
export const mark = (name: string, account?: string): Effect.Effect<void, never, Simulator> =>
  Effect.flatMap(Simulator, (simulator) =>
    Effect.flatMap(simulator.time.now, (at) => simulator.journal.note({ _tag: "Mark", at, name, account }))
  )

/**
 * Adds the bot's own view to the journal, for pictures and assertions: its state, and the edges of the window in which
 * the switch may fire (ms of the exchange's clock).
 *
 * @since 0.1.0
 * @category accessors
 */
export const recordWindow = (window: {
  readonly account?: string | undefined
  readonly state: string
  readonly earliestFire?: number | undefined
  readonly latestFire?: number | undefined
}): Effect.Effect<void, never, Simulator> =>
  Effect.flatMap(Simulator, (simulator) =>
    Effect.flatMap(simulator.time.now, (at) =>
      simulator.journal.note({ _tag: "Window", at, ...window, account: window.account ?? simulator.account })
    )
  )

/**
 * Every entry of the journal from now on. A request comes again each time its record changes. Entries wait, without a
 * bound, until the reader takes them.
 *
 * @since 0.1.0
 * @category accessors
 */
export const events: Stream.Stream<Journal.Entry, never, Simulator> = Stream.unwrap(
  Effect.map(Simulator, (simulator) => simulator.journal.events)
)

/**
 * Each firing of a switch from now on.
 *
 * @since 0.1.0
 * @category accessors
 */
export const fired: Stream.Stream<Journal.SwitchRecord, never, Simulator> = Stream.filter(
  events,
  (entry): entry is Journal.SwitchRecord => entry._tag === "Switch" && entry.transition === "fired"
)

/**
 * The run so far, as a value: `Expect` judges it, `History` reads it, `Timeline` draws it. It does not change when the
 * run goes on.
 *
 * @since 0.1.0
 * @category accessors
 */
export const record: Effect.Effect<History.Evidence, never, Simulator> = Effect.gen(function* () {
  const { journal, seed, time } = yield* Simulator
  const now = yield* time.now
  const entries = yield* journal.entries
  const dropped = yield* journal.dropped
  // The records of requests under way still change, so they are copied.
  return { seed, start: time.start, now, dropped, entries: entries.map((entry) => ({ ...entry })) }
})

/**
 * The run so far as text, see `Timeline.text`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const timeline = (options?: Timeline.TextOptions): Effect.Effect<string, never, Simulator> =>
  Effect.map(record, (evidence) => Timeline.text(evidence, options))

/**
 * The run so far as an HTML page to write to disk, see `Timeline.html`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const timelinePage = (
  options?: Timeline.Options & { readonly title?: string | undefined }
): Effect.Effect<string, never, Simulator> => Effect.map(record, (evidence) => Timeline.html(evidence, options))
