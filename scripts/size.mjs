// The bytes that the library adds to a program with Effect: minified and gzipped, without `effect` and the platform.
import { build } from "esbuild"
import * as Path from "node:path"
import { gzipSync } from "node:zlib"
import { root } from "./lib/pack.mjs"

const dist = Path.join(root, "packages", "core", "dist")

const bundles = [
  // 12.1 kB before the repairs of stamps, guard, release and the port, 15.1 kB with them. Sightings add 1.5 kB: the rule,
  // the requests beside the beats, the gap of a lost switch, and no client of an exchange.
  { name: "Heartbeat", budget: 17_200, code: `export * from "./Heartbeat.js"` },
  {
    name: "Heartbeat and the client below it",
    budget: 30_000,
    code: `
      export { make } from "./Heartbeat.js"
      export { layer as switchLayer } from "./BitgetCountdown.js"
      export { layerConfig } from "./BitgetClient.js"
      export { layerConfig as credentials } from "./Credentials.js"
    `
  }
]

const kB = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`
for (const { budget, code, name } of bundles) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: code, resolveDir: dist },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["effect", "effect/*", "@effect/platform", "@effect/platform/*"],
    metafile: true,
    write: false
  })
  // Without the imports, which disappear in a bundle with Effect.
  const text = outputFiles[0].text.replaceAll(/import\s*(\*\s*as\s+\w+|\{[^}]*\})\s*from\s*"[^"]+";/g, "")
  const size = gzipSync(text, { level: 9 }).length
  console.log(`${name}: ${kB(size)} (budget ${kB(budget)})`)
  if (size > budget) {
    process.exitCode = 1
    const inputs = Object.entries(Object.values(metafile.outputs)[0].inputs)
    inputs.sort(([, one], [, other]) => other.bytesInOutput - one.bytesInOutput)
    console.error(`${name} is over its budget; the largest parts, minified and not zipped:`)
    for (const [path, { bytesInOutput }] of inputs.slice(0, 12)) console.error(`  ${kB(bytesInOutput)}  ${path}`)
  }
}
