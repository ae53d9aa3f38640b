/**
 * Replays a property from the seed and the path that its failure has printed:
 *
 *   PROPERTY_SEED=1191395921 PROPERTY_PATH=5:1:0 npx vitest run <file> -t <name>
 */
import * as fc from "fast-check"

const { PROPERTY_PATH: path, PROPERTY_SEED: seed } = process.env
fc.configureGlobal({ seed: Number(seed), ...(path === undefined ? {} : { path }) })
