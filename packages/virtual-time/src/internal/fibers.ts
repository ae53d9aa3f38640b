/**
 * Finds the fibers of a world on demand. It keeps nothing per fiber while a program runs.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberStatus from "effect/FiberStatus"
import { globalValue } from "effect/GlobalValue"
import * as Runtime from "effect/Runtime"
import type { Waiting } from "../VirtualTimeError.js"
import type { AnyFiber } from "./ready.js"
import { childrenOf, endFiber } from "./death.js"
import { currentParty, type Party, type VirtualScheduler } from "./scheduler.js"

type WaitingFiber = typeof Waiting.Type

/**
 * The fibers of this world that no other fiber of it supervises: the program's first, daemons, and fibers forked in
 * scopes. Below a layer the program's first may be the child of a fiber that another scheduler runs.
 */
export const rootsOf = (world: VirtualScheduler): Array<AnyFiber> => {
  const roots: Array<AnyFiber> = []
  const visit = (fiber: AnyFiber): void => {
    if (fiber.currentScheduler === world) roots.push(fiber)
    else for (const child of childrenOf(fiber)) visit(child)
  }
  Fiber.unsafeRoots().forEach(visit)
  return roots
}

/** The fibers of one party, without those that wait for it from outside. */
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

/** The number of fibers that an error names, enough to see the pattern. */
const NAMED = 20

/** Names the fibers that ran last. When a limit is reached, they are the loop. */
export const runningFibers = (world: VirtualScheduler): ReadonlyArray<WaitingFiber> =>
  world.recent.slice(0, NAMED).map((fiber) => named(fiber))

const named = (fiber: AnyFiber): WaitingFiber => {
  const party = fiber.getFiberRef(currentParty)
  const span = fiber.currentSpan
  return {
    fiber: FiberId.threadName(fiber.id()),
    ...(party === undefined ? {} : { party: party.name }),
    ...(span?._tag === "Span" ? { span: span.name } : {}),
    held: party?.stopped === true
  }
}

/**
 * Names the fibers that wait. A fiber reports its status only by running, so the world runs while its time stands
 * still.
 */
export const waitingFibers = (world: VirtualScheduler): ReadonlyArray<WaitingFiber> => {
  const found: Array<WaitingFiber> = []
  const visit = (fiber: AnyFiber): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (found.length >= NAMED) return Effect.void
      const known = named(fiber)
      if (known.held) {
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
  world.grant(100_000)
  const observer = Runtime.runFork(Runtime.defaultRuntime, Effect.forEach(roots, visit, { discard: true }), {
    scheduler: world,
    immediate: false
  })
  world.runReady()
  forgetFibers([observer])
  return found
}

/**
 * Removes fibers from the process-wide set in which Effect keeps each unsupervised fiber until it exits. Fibers of an
 * ended world never exit, so a million runs would keep millions of them.
 */
export const forgetFibers = (fibers: ReadonlyArray<AnyFiber>): void => {
  if (fibers.length === 0) return
  const scope = globalValue<{ readonly roots?: unknown }>(Symbol.for("effect/FiberScope/Global"), () => ({}))
  if (scope.roots instanceof Set) for (const fiber of fibers) scope.roots.delete(fiber)
}
