/**
 * Ends fibers in ways that Effect does not offer: as a killed process, and by a defect from outside.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as FiberStatus from "effect/FiberStatus"
import type { AnyFiber } from "./ready.js"

/** The members of Effect's fibers beyond their public interface. */
interface Internals {
  readonly _queue: Array<Message>
  readonly getChildren: () => ReadonlySet<AnyFiber>
  readonly setExitValue: (exit: Exit.Exit<never, never>) => void
  tell: (message: Message) => void
}

type Message =
  | { readonly _tag: "Stateful"; readonly onFiber: (fiber: Internals, status: FiberStatus.FiberStatus) => void }
  | { readonly _tag: "InterruptSignal"; readonly cause: Cause.Cause<never> }
  | { readonly _tag: "Resume" | "YieldNow" }

const internals = (fiber: AnyFiber): Internals => fiber as unknown as Internals

/** The fibers that it supervises. */
export const childrenOf = (fiber: AnyFiber): Iterable<AnyFiber> => internals(fiber).getChildren()

/**
 * Ends a fiber at once, without a further step or finalizer. Fibers outside that wait for it find it interrupted,
 * because otherwise a scope or a parent that awaits its fibers would wait for ever for a dead process.
 */
export const endFiber = (fiber: AnyFiber): void => {
  if (fiber.unsafePoll() !== null) return
  const dead = internals(fiber)
  const inbox = dead._queue.splice(0)
  dead.tell = (message) => {
    if (message._tag === "Stateful") message.onFiber(dead, FiberStatus.done)
  }
  dead.setExitValue(Exit.interrupt(FiberId.none))
  for (const message of inbox) dead.tell(message)
}

/** Interrupts a fiber so that it fails with this defect. Its finalizers run. */
export const interruptWith = (fiber: AnyFiber, defect: unknown): void =>
  internals(fiber).tell({ _tag: "InterruptSignal", cause: Cause.die(defect) })
