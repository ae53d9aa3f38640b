/**
 * @since 0.1.0
 */
export * as Exchange from "./exchange/Exchange.js"

/**
 * @since 0.1.0
 */
export * as Expect from "./expect/Expect.js"

/**
 * @since 0.1.0
 */
export * as Fault from "./network/Fault.js"

/**
 * @since 0.1.0
 */
export * as Faults from "./world/Faults.js"

/**
 * @since 0.1.0
 */
export * as History from "./journal/History.js"

/**
 * @since 0.1.0
 */
export * as Journal from "./journal/Journal.js"

/**
 * @since 0.1.0
 */
export * as Latency from "./network/Latency.js"

/**
 * @since 0.1.0
 */
export * as Network from "./network/Network.js"

/**
 * @since 0.1.0
 */
export * as Protocol from "./exchange/Protocol.js"

/**
 * @since 0.1.0
 */
export * as Random from "./network/Random.js"

/**
 * @since 0.1.0
 */
export * as Simulator from "./world/Simulator.js"

/**
 * @since 0.1.0
 */
export * as Timeline from "./timeline/Timeline.js"

/**
 * @since 0.1.0
 */
export * as Venue from "./exchange/Venue.js"

/**
 * @since 0.2.0
 */
export * as VenueFile from "./exchange/VenueFile.js"

/**
 * @since 0.1.0
 */
export * as VirtualTime from "@effect-deadman/virtual-time"
