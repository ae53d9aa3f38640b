// One project, because Stryker's runner knows one pool. MUTATE_TESTS holds the test files that judge the module.
import * as Path from "node:path"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import { alias } from "../../vitest.config.js"

const tests = JSON.parse(process.env["MUTATE_TESTS"] ?? "[]") as Array<string>

/** The files in the order of the list, quick ones first, because a mutant ends with the first test that fails. */
class AsListed extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const place = ({ moduleId }: TestSpecification) => tests.findIndex((name) => moduleId.endsWith(name))
    return [...files].sort((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  resolve: { alias },
  test: {
    include: tests,
    runner: Path.join(import.meta.dirname, "runner.mjs"),
    sequence: { sequencer: AsListed },
    setupFiles: [Path.join(import.meta.dirname, "seed.mjs")],
    // Stryker bounds a mutant that hangs. A shorter bound would kill mutants on a busy machine.
    testTimeout: 300_000,
    // The test files of one mutant share a worker and its imports. The next mutant gets another worker.
    poolOptions: { threads: { isolate: false } }
  }
})
