/**
 * Serves the live page: its files from the sources, which the package contains, and its scripts from the build.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"

/** The page runs its own scripts, uses its own styles and talks to this server; everything else is blocked. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** `src` and `dist` lie side by side, so that these paths hold from either. */
const sources = new URL("../../src/served/page/", import.meta.url)
const build = new URL("../../dist/", import.meta.url)

/** The scripts, by their paths in the build. They import each other by these. */
const scripts = (): ReadonlyArray<string> => {
  const folder = new URL("served/page/", build)
  const names = Fs.existsSync(folder) ? Fs.readdirSync(folder).filter((name) => name.endsWith(".js")) : []
  return ["timeline/drawing.js", ...names.map((name) => `served/page/${name}`)]
}

const file = (url: URL, contentType: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.sync(() =>
    HttpServerResponse.text(Fs.readFileSync(url, "utf8"), {
      contentType: `${contentType}; charset=utf-8`,
      headers: { "cache-control": "no-cache", "x-content-type-options": "nosniff", ...headers }
    })
  )

/** The routes of the page. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const headers = { "content-security-policy": policy, "referrer-policy": "no-referrer" }
    yield* router.get("/", file(new URL("index.html", sources), "text/html", headers))
    yield* router.get("/favicon.ico", file(new URL("icon.svg", sources), "image/svg+xml"))
    for (const name of ["base.css", "style.css"]) {
      yield* router.get(`/_sim/page/${name}`, file(new URL(name, sources), "text/css"))
    }
    for (const path of scripts()) {
      yield* router.get(`/_sim/page/${path}`, file(new URL(path, build), "text/javascript"))
    }
  })
)
