import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { defineConfig } from "vitest/config"

const packages = Path.join(import.meta.dirname, "packages")

// Tests run against the sources, so that stack traces point into them. `tsc -b` has checked them before. The `exports`
// of each package map its modules to sources.
export const alias = Fs.readdirSync(packages).flatMap((folder) => {
  const { exports = {}, name } = JSON.parse(Fs.readFileSync(Path.join(packages, folder, "package.json"), "utf8"))
  return Object.entries<null | string | { readonly default: string }>(exports).flatMap(([path, target]) =>
    target === null || typeof target === "string"
      ? []
      : [
          {
            find: new RegExp(`^${name}${path.slice(1).replace("*", "(.+)")}$`),
            replacement: Path.join(
              packages,
              folder,
              target.default.replace("./dist/", "src/").replace("*", "$1").replace(/\.js$/, ".ts")
            )
          }
        ]
  )
})

/** Tests that start processes or serve sockets. They spend their time waiting. */
const processes = [
  "packages/campaign/test/Processes.test.ts",
  "packages/cli/test/probe/{Served,command}.test.ts",
  "packages/cli/test/{run,check,version,run/ports}.test.ts",
  "packages/cluster/test/{AccountStorePg,OwnershipSharding}.test.ts",
  "packages/core/test/{HostileVenue,Wire}.test.ts",
  "packages/examples/test/**/*.test.ts",
  "packages/simulator/test/Readme.test.ts",
  "packages/simulator/test/served/**/*.test.ts"
]

/** Tests of real processes that take long. `scripts/check.mjs` runs them, with SLOW set. */
const slow = ["packages/*/test/slow/**/*.test.ts"]

const cores = Math.max(2, Os.availableParallelism())

const shared = {
  // Bounds only a hang, because a busy machine is no reason to fail.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  setupFiles: [
    Path.join(import.meta.dirname, "scripts", "turn.mjs"),
    ...(process.env["PROPERTY_SEED"] === undefined ? [] : [Path.join(packages, "core/test/support/replay.ts")])
  ]
}

export default defineConfig({
  test: {
    reporters: process.env["CI"] ? ["default", ["json", { outputFile: ".reports/tests.json" }]] : ["default"],
    // Imports are most of the cost of a file, and no test changes a module. Two pools, because they run side by side:
    // one keeps a core busy, the other waits for processes and sockets.
    poolOptions: {
      // No fewer workers than at most, because the pool fails when it ends one that is idle twice.
      threads: { isolate: false, minThreads: cores, maxThreads: cores },
      forks: { isolate: false, minForks: cores, maxForks: cores }
    },
    projects: [
      {
        resolve: { alias },
        test: {
          ...shared,
          name: "unit",
          pool: "threads",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: [...processes, ...slow]
        }
      },
      {
        resolve: { alias },
        test: { ...shared, name: "processes", pool: "forks", include: processes, maxConcurrency: 20 }
      },
      ...(process.env["SLOW"] === undefined
        ? []
        : [
            {
              resolve: { alias },
              test: { ...shared, name: "slow", pool: "forks" as const, include: slow, maxConcurrency: 20 }
            }
          ])
    ]
  }
})
