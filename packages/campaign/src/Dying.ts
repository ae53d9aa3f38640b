/** A clock and a port that throw. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"

/** The clock of a host that throws while it is `broken`, and in the span of its readings that the plan names. */
export class DyingClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  broken = false
  /** Whether it has thrown in the judged heartbeat. */
  hasThrown = false
  private isCounting = false
  private readings = 0

  private readonly clock: Clock.Clock
  private readonly span: Plan["clockDies"]
  private readonly log: Recorder

  constructor(clock: Clock.Clock, span: Plan["clockDies"], log: Recorder) {
    this.clock = clock
    this.span = span
    this.log = log
  }

  /** Counts the readings from now on. */
  count(): void {
    this.isCounting = true
  }

  unsafeCurrentTimeMillis(): number {
    this.read()
    return this.clock.unsafeCurrentTimeMillis()
  }

  unsafeCurrentTimeNanos(): bigint {
    this.read()
    return this.clock.unsafeCurrentTimeNanos()
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    this.demand()
    return this.clock.sleep(duration)
  }

  private read(): void {
    if (this.isCounting) this.readings++
    this.demand()
  }

  private demand(): void {
    const { broken, readings, span } = this
    const isDue = span !== undefined && readings >= span.reading && readings < span.reading + span.times
    if (!broken && !(this.isCounting && isDue)) return
    this.hasThrown ||= !broken
    this.log.deed(broken ? "clock died before" : "clock died")
    throw new Error("the clock has failed")
  }
}

/** The port whose calls of the plan's span throw, and whose "0" of the earlier heartbeat does, if the plan says so. */
export const port = (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  { portDies, predecessor }: Plan,
  log: Recorder
): CountdownCancelAll.CountdownCancelAll["Type"] => {
  if (portDies === undefined && predecessor?.ends !== "port dies") return service
  let calls = 0
  const isDue = (where: "set" | "horizon"): boolean => {
    if (log.before || portDies?.where !== where) return false
    const call = calls++
    return call >= portDies.call && call < portDies.call + portDies.times
  }
  const die = (): never => {
    log.deed(log.before ? "port died before" : "port died")
    throw new Error("the port has failed")
  }
  return CountdownCancelAll.CountdownCancelAll.of({
    ...service,
    horizon: Effect.suspend(() => (isDue("horizon") ? die() : service.horizon)),
    set: (setting) => {
      const ofBefore = log.before && predecessor?.ends === "port dies" && setting === "off"
      return ofBefore || isDue("set") ? die() : service.set(setting)
    }
  })
}
