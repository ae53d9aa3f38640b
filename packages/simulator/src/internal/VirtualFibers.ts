/**
 * The fibers of a world, found when they are needed: nothing is kept per fiber while a program runs.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberStatus from "effect/FiberStatus"
import { globalValue } from "effect/GlobalValue"
import * as Runtime from "effect/Runtime"
import type { AnyFiber } from "./Ready.js"
import { childrenOf, endFiber } from "./VirtualDeath.js"
import { currentParty, type Party, type World } from "./VirtualWorld.js"

export interface WaitingFiber {
  readonly fiber: string
  readonly party?: string
  readonly span?: string
  readonly on?: string
  readonly held: boolean
}

/** The fibers of this world that no other fiber supervises: the program's first, daemons, and those forked in scopes. */
export const rootsOf = (world: World): Array<AnyFiber> =>
  Fiber.unsafeRoots().filter((fiber) => fiber.currentScheduler === world)

/** The fibers of one party, those that wait for it from outside left out. */
const membersOf = (party: Party): ReadonlyArray<AnyFiber> => {
  const members: Array<AnyFiber> = []
  const visit = (fiber: AnyFiber): void => {
    if (fiber.getFiberRef(currentParty) === party) members.push(fiber)
    for (const child of childrenOf(fiber)) visit(child)
  }
  rootsOf(party.world).forEach(visit)
  return members
}

/** Ends a party as `kill -9` ends a process: its timers, its fibers, none of its finalizers. */
export const crashParty = (party: Party): void => {
  const members = membersOf(party)
  party.world.crash(party)
  members.forEach(endFiber)
}

/** How many waiting fibers an error names: enough to see the pattern. */
const NAMED = 20

/** Names the fibers that wait. A fiber tells its status only by running, so the world runs for it; its time stands still. */
export const waitingFibers = (world: World): ReadonlyArray<WaitingFiber> => {
  const found: Array<WaitingFiber> = []
  const visit = (fiber: AnyFiber): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (found.length >= NAMED) return Effect.void
      const party = fiber.getFiberRef(currentParty)
      const held = party?.stopped === true
      const span = fiber.currentSpan
      const known = {
        fiber: FiberId.threadName(fiber.id()),
        ...(party === undefined ? {} : { party: party.name }),
        ...(span?._tag === "Span" ? { span: span.name } : {}),
        held
      }
      if (held) {
        found.push(known)
        return Effect.void
      }
      return Effect.gen(function* () {
        const status = yield* fiber.status
        if (FiberStatus.isDone(status)) return
        const on = FiberStatus.isSuspended(status) ? status.blockingOn : FiberId.none
        found.push(FiberId.isRuntime(on) && on.id !== fiber.id().id ? { ...known, on: FiberId.threadName(on) } : known)
        yield* Effect.forEach(yield* fiber.children, visit, { discard: true })
      })
    })
  const roots = rootsOf(world)
  world.maxSteps = world.steps + 100_000
  const observer = Runtime.runFork(Runtime.defaultRuntime, Effect.forEach(roots, visit, { discard: true }), {
    scheduler: world,
    immediate: false
  })
  world.runReady()
  forgetFibers([observer])
  return found
}

/**
 * Effect keeps each unsupervised fiber in a process-wide set until it exits. Those of a world that has ended never will, and
 * a million runs would keep millions of them.
 */
export const forgetFibers = (fibers: ReadonlyArray<AnyFiber>): void => {
  if (fibers.length === 0) return
  const scope = globalValue<{ readonly roots?: unknown }>(Symbol.for("effect/FiberScope/Global"), () => ({}))
  if (scope.roots instanceof Set) for (const fiber of fibers) scope.roots.delete(fiber)
}
