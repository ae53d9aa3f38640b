import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { defineConfig } from "vitest/config"

const packages = Path.join(import.meta.dirname, "packages")

// Tests run against the sources, so that a failing line is the line one edits; `tsc -b` has checked them before. The
// `exports` of each package say which source stands for which name.
const alias = Fs.readdirSync(packages).flatMap((folder) => {
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

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    // Bounds a hang and nothing else: on a machine that other work keeps busy everything takes ten times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Effect makes much short-lived garbage: a larger young generation takes a quarter off the programs in virtual time.
    poolOptions: { forks: { execArgv: ["--max-semi-space-size=64"] } },
    // On two cores vitest would take one worker, and wait with it: a good part of the tests waits for real processes.
    maxWorkers: Math.max(3, Os.availableParallelism() - 1),
    // Only tests that wait for real processes ask to run side by side; they spend their time waiting.
    maxConcurrency: 20,
    reporters: process.env["CI"] ? ["default", ["json", { outputFile: ".reports/tests.json" }]] : ["default"]
  }
})
