/**
 * @since 0.1.0
 */
export * as BaseUrl from "./BaseUrl.js"

/**
 * @since 0.1.0
 */
export * as BitgetClient from "./BitgetClient.js"

/**
 * @since 0.1.0
 */
export * as BitgetCountdown from "./BitgetCountdown.js"

/**
 * @since 0.2.0
 */
export * as BitgetOpenOrders from "./BitgetOpenOrders.js"

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
export * as Credentials from "./Credentials.js"

/**
 * @since 0.2.0
 */
export * as OpenOrders from "./OpenOrders.js"

/**
 * @since 0.2.0
 */
export * as Prometheus from "./Prometheus.js"

/**
 * @since 0.1.0
 */
export * as ServerClock from "./ServerClock.js"

/**
 * @since 0.1.0
 */
export * as Signature from "./Signature.js"

/**
 * @since 0.1.0
 */
export * as VenueError from "./VenueError.js"

/**
 * @since 0.1.0
 */
export * as FireWindow from "./FireWindow.js"

/**
 * @since 0.1.0
 */
export * as Heartbeat from "./Heartbeat.js"

/**
 * @since 0.1.0
 */
export * as HeartbeatError from "./HeartbeatError.js"

/**
 * @since 0.1.0
 */
export * as HeartbeatOptions from "./HeartbeatOptions.js"

/**
 * @since 0.1.0
 */
export * as HeartbeatStatus from "./HeartbeatStatus.js"

/**
 * @since 0.1.0
 */
export * as Liveness from "./Liveness.js"

/**
 * @since 0.1.0
 */
export * as Release from "./Release.js"

/**
 * @since 0.1.0
 */
export * as Heartbeats from "./Heartbeats.js"

/**
 * @since 0.2.0
 */
export * as Sighting from "./Sighting.js"
