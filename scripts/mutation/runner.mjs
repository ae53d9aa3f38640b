// Stryker counts failed tests only. A module that throws while it is loaded leaves no test that could fail, so such a
// mutant would survive. Here that is a failed test.
import { it } from "vitest"
import { VitestTestRunner } from "vitest/runners"

export default class Runner extends VitestTestRunner {
  async importFile(path, source) {
    try {
      return await super.importFile(path, source)
    } catch (error) {
      if (source !== "collect") throw error
      it("loads", () => {
        throw error
      })
    }
  }
}
