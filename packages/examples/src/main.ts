import * as Countdown from "@effect-deadman/core/Countdown"

export const countdown = Countdown.fromDuration("10 seconds")
