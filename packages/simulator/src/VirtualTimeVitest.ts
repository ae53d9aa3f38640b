/**
 * `@effect-deadman/virtual-time/vitest`, so that a test needs one package.
 *
 * @since 0.1.0
 */
export * from "@effect-deadman/virtual-time/vitest"
