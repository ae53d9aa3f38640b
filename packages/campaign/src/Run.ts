/** Runs one plan in virtual time: the bot, its surroundings, and the deeds of the plan. */
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Bot from "./Bot.js"
import * as FullStack from "./FullStack.js"
import type * as Log from "./Log.js"
import type { Deed, Plan } from "./Plan.js"
import * as PortOnly from "./PortOnly.js"
import * as Recorder from "./Recorder.js"
import type { Scene, SceneEnd } from "./Scene.js"
import * as Venue from "./Venue.js"

/** The exchange refuses a request signed 30 s ago, so a request that is under way for longer changes nothing. */
const drainMillis = 31_500
/** A service that ignores interruptions gives up after 45 s. */
const deafMillis = 46_000

/** The time after an instant at which everything that it started has run, ms. */
const justAfter = 0.001

export const run = (plan: Plan): Log.Log => {
  let recorder: Recorder.Recorder | undefined
  let end: SceneEnd | undefined
  let outstanding = 0
  let open = 0
  let crashed = false
  const held = new Set<string>()
  const output: Array<string> = []

  const program = Effect.gen(function* () {
    const time = yield* VirtualTime.VirtualTime
    const log = (recorder = Recorder.make(time.unsafeElapsed))
    const party = yield* time.party("bot")
    if (plan.clock.wallOffset !== 0) yield* party.stepWall(plan.clock.wallOffset)
    if (plan.clock.rate !== 1) yield* Effect.orDie(party.setRate(plan.clock.rate))
    const schedule = (millis: number, run: () => void): void => {
      outstanding++
      time.unsafeSchedule(millis, () => {
        outstanding--
        run()
      })
    }
    const scene: Scene =
      plan.stack === "port" ? PortOnly.make(plan, schedule, log) : yield* FullStack.make(plan, log, output)
    scene.place("bystander")
    const bot = yield* Bot.make({ plan, log, scene, schedule, held, output })

    const perform = (deed: Deed): void => {
      if (crashed && deed.do !== "place" && deed.do !== "cancel" && deed.do !== "other-client") return
      log.deed(deed.do, "length" in deed ? deed.length : undefined)
      switch (deed.do) {
        case "place":
          return scene.place("own", deed.reduceOnly)
        case "cancel":
          return scene.cancel()
        case "other-client":
          return scene.otherClient(deed.seconds)
        case "heal":
          return scene.heal()
        case "look":
          return bot.look()
        case "verdict":
          return bot.read()
        case "beat":
          return void bot.beat()
        case "interrupted-beat": {
          const fiber = bot.beat()
          if (fiber !== undefined) schedule(deed.length, () => fiber.unsafeInterruptAsFork(FiberId.none))
          return
        }
        case "reconcile":
          return bot.reconcile()
        case "suspend":
        case "stall":
          Effect.runSync(deed.do === "suspend" ? party.suspendFor(deed.length) : party.stallFor(deed.length))
          bot.stop()
          return schedule(deed.length + justAfter, bot.goOn)
        case "lapse":
          bot.setAlive(false)
          return schedule(deed.length, () => bot.setAlive(true))
        case "step-wall":
          Effect.runSync(party.stepWall(deed.by))
          return bot.look()
        case "crash":
          crashed = true
          bot.crashed()
          Effect.runSync(party.crash)
          return schedule(drainMillis, drained)
        case "close": {
          const { how, interruptedAfter } = deed
          const interrupt = () => bot.fiber.unsafeInterruptAsFork(FiberId.none)
          if (how === "interruption") interrupt()
          else bot.close(how === "success" ? Exit.void : Exit.fail("the bot failed"))
          if (interruptedAfter !== undefined) schedule(interruptedAfter, interrupt)
        }
      }
    }
    const lastDeed = plan.deeds.reduce(
      (last, deed) => Math.max(last, deed.at + ("length" in deed ? deed.length : 0)),
      0
    )
    for (const deed of plan.deeds) schedule(deed.at, () => perform(deed))
    if (plan.client.read && plan.stack === "port") log.onEnd = () => schedule(justAfter, bot.look)

    let leave: ((exit: Effect.Effect<void, string>) => void) | undefined
    let cancelLongest: (() => void) | undefined
    /** Nothing is under way any more, but a running countdown still fires. */
    const drained = (): void => {
      const left = Math.max(lastDeed + 1 - log.now(), scene.firesIn() ?? 0)
      if (left > 0) return schedule(left + 1_000, drained)
      open = scene.open()
      cancelLongest?.()
      leave?.(Effect.void)
    }
    bot.fiber.addObserver(() => schedule(plan.client.deaf ? deafMillis : drainMillis, drained))
    yield* Effect.async<void, string>((resume) => {
      leave = resume
      const longest = lastDeed + 2 * plan.client.armTimeout + 4 * plan.client.releaseTimeout + 400_000
      cancelLongest = time.unsafeSchedule(longest, () => resume(Effect.fail("the scope never closed")))
    }).pipe(Effect.ensuring(Effect.sync(() => void (end = scene.finish()))))
  }).pipe(Effect.scoped)

  const outcome = VirtualTime.run(program, {
    seed: plan.seed,
    start: Venue.startOfWorld,
    instants: plan.ties.instants,
    parties: plan.ties.parties,
    maxTime: "1 hour",
    maxSteps: 200_000
  })
  const { exit, leftover } = outcome
  return {
    entries: recorder?.entries ?? [],
    end: outcome.now - Venue.startOfWorld,
    leftover: crashed
      ? undefined
      : { fibers: leftover.fibers, timers: leftover.timers - outstanding, held: held.size, requests: open },
    defect: Exit.isSuccess(exit) ? undefined : Cause.pretty(exit.cause),
    output: end?.output,
    secrets: end?.secrets ?? [],
    replay: end?.replay,
    trace: outcome.trace,
    timeline: end?.timeline
  }
}
