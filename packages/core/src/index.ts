/**
 * @since 0.1.0
 */
export * as Countdown from "./Countdown.js"

/**
 * @since 0.1.0
 */
export * as CountdownCancelAll from "./CountdownCancelAll.js"

/**
 * @since 0.1.0
 */
export * as VenueError from "./VenueError.js"

/**
 * @since 0.1.0
 */
export * as FireWindow from "./FireWindow.js"
