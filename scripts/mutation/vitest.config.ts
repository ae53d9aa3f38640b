// One project, because Stryker's runner knows one pool. MUTATE_TESTS holds the test files that judge the module.
import * as Path from "node:path"
import { defineConfig } from "vitest/config"
import { alias } from "../../vitest.config.js"

export default defineConfig({
  resolve: { alias },
  test: {
    include: JSON.parse(process.env["MUTATE_TESTS"] ?? "[]") as Array<string>,
    runner: Path.join(import.meta.dirname, "runner.mjs"),
    setupFiles: [Path.join(import.meta.dirname, "seed.mjs")],
    // Stryker bounds a mutant that hangs. A shorter bound would kill mutants on a busy machine.
    testTimeout: 300_000,
    // The test files of one mutant share a worker and its imports. The next mutant gets another worker.
    poolOptions: { threads: { isolate: false } }
  }
})
