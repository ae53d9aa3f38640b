/**
 * Serves the live page from the package: its document, and its scripts as the build has made them.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as LivePageShell from "./livePageShell.js"

/** Only what is on the page may run there, and it may talk to this server only. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'"

/** Next to this module when it was built; the tests run from the sources, next to the build. */
const folders = ["./page/", "../../dist/served/page/"].map((path) => fileURLToPath(new URL(path, import.meta.url)))

const scripts = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const folder = folders.find((folder) => Fs.existsSync(`${folder}main.js`))
  if (folder === undefined) return found
  for (const name of Fs.readdirSync(folder)) {
    if (name.endsWith(".js")) found.set(name, Fs.readFileSync(folder + name, "utf8"))
  }
  return found
}

/** The routes of the page. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const document = HttpServerResponse.html(LivePageShell.html).pipe(
      HttpServerResponse.setHeaders({
        "content-security-policy": policy,
        "cache-control": "no-cache",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff"
      })
    )
    yield* router.get("/", Effect.succeed(document))
    yield* router.get(
      "/favicon.ico",
      Effect.succeed(HttpServerResponse.text(LivePageShell.icon, { contentType: "image/svg+xml" }))
    )
    for (const [name, text] of scripts()) {
      const script = HttpServerResponse.text(text, {
        contentType: "text/javascript; charset=utf-8",
        headers: { "cache-control": "no-cache", "x-content-type-options": "nosniff" }
      })
      yield* router.get(`/_sim/page/${name}`, Effect.succeed(script))
    }
  })
)
