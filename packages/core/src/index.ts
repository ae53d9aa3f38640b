/**
 * @since 0.1.0
 */
export * as Countdown from "./Countdown.js"
