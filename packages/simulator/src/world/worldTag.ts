/**
 * How a driver in this package gets at the world behind a `Simulator`: it travels in the same context, under a tag that
 * nobody outside can name.
 */
import * as Context from "effect/Context"
import type { World } from "./world.js"

export class WorldTag extends Context.Tag("@effect-deadman/simulator/internal/World")<WorldTag, World>() {}
