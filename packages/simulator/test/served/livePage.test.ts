import * as Server from "@effect-deadman/simulator/Server"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const types: Readonly<Record<string, string>> = { css: "text/css", js: "text/javascript", ico: "image/svg+xml" }

describe("Live page", () => {
  it.live("serves each file that the page loads, each with its type, and none from another host", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const read = (path: string) =>
        Effect.promise(async () => {
          const response = await fetch(new URL(path, url))
          return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
        })
      const page = yield* read("/")
      assert.include(page.type, "text/html")
      const waiting = [...page.text.matchAll(/<(?:link|script)[^>]*(?:href|src)="([^"]+)"/g)].map(
        ([, path = ""]) => path
      )
      assert.isAbove(waiting.length, 2)
      const loaded = new Set<string>()
      for (const path of waiting) {
        if (loaded.has(path)) continue
        loaded.add(path)
        assert.match(path, /^\/[^/]/, "a path on this server")
        const file = yield* read(path)
        assert.strictEqual(file.status, 200, path)
        const extension = path.slice(path.lastIndexOf(".") + 1)
        assert.include(file.type, types[extension] ?? "a known type", path)
        if (extension !== "js") continue
        for (const [, imported = ""] of file.text.matchAll(/^(?:import|export) .*?from "([^"]+)"/gm)) {
          assert.match(imported, /^\./, `${path} imports only what is served beside it`)
          waiting.push(new URL(imported, new URL(path, url)).pathname)
        }
      }
      assert.isAbove(loaded.size, 6)
    }).pipe(Effect.provide(Server.layer({ clock: { mode: "manual" } })))
  )
})
