/** The template `fleet` as a process, to its end. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as BotProcess from "../src/demo/BotProcess.js"

it.live(
  "three real runners on a real PostgreSQL keep every promise when one is killed, one stopped, the store away",
  () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const fleet = yield* BotProcess.start(fileURLToPath(new URL("../dist/fleet/main.js", import.meta.url)), {
        env: { FLEET_ACCOUNTS: "6", DATABASE_URL: "" },
        onLine: (line) => lines.push(line)
      })
      assert.strictEqual(yield* fleet.ended, "exit code 0", lines.join("\n"))
      assert.strictEqual(lines.filter((line) => line === "  kept").length, 3, lines.join("\n"))
      for (const title of [/^kill -9 of desk-1/, /^SIGTERM to desk-2/, /^PostgreSQL away \(6 accounts\)/]) {
        assert.isTrue(
          lines.some((line) => title.test(line)),
          `${title}\n${lines.join("\n")}`
        )
      }
    }).pipe(Effect.scoped)
)
