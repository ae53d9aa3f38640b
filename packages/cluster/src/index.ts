/**
 * @since 0.2.0
 */
export * as AccountStore from "./AccountStore.js"

/**
 * @since 0.2.0
 */
export * as AccountStorePg from "./AccountStorePg.js"

/**
 * @since 0.2.0
 */
export * as ClusterError from "./ClusterError.js"

/**
 * @since 0.2.0
 */
export * as ClusterHeartbeats from "./ClusterHeartbeats.js"

/**
 * @since 0.2.0
 */
export * as ClusterMetrics from "./ClusterMetrics.js"

/**
 * @since 0.2.0
 */
export * as ClusterOptions from "./ClusterOptions.js"

/**
 * @since 0.2.0
 */
export * as ClusterStatus from "./ClusterStatus.js"

/**
 * @since 0.2.0
 */
export * as Continuity from "./Continuity.js"

/**
 * @since 0.2.0
 */
export * as Fence from "./Fence.js"

/**
 * @since 0.2.0
 */
export * as Handover from "./Handover.js"

/**
 * @since 0.2.0
 */
export * as Ownership from "./Ownership.js"

/**
 * @since 0.2.0
 */
export * as OwnershipSharding from "./OwnershipSharding.js"

/**
 * @since 0.2.0
 */
export * as PostgresClient from "./PostgresClient.js"

/**
 * @since 0.2.0
 */
export * as StatusApi from "./StatusApi.js"
