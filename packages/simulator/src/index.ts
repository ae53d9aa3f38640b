/**
 * @since 0.1.0
 */
export * as Venue from "./Venue.js"
