/**
 * What nobody outside the exchange knows, as named options with the default that is most likely.
 *
 * @since 0.1.0
 */

/**
 * How the simulated venue answers where its documentation is silent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Venue {
  /** HTTP status of a business failure: 400 was seen live, some write-ups say 200. */
  readonly failureStatus: 200 | 400
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const defaults: Venue = { failureStatus: 400 }
