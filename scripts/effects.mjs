// Finds mistakes that the type checker does not see, by Effect's language service: effects that never run, a missing
// `yield*`, needless generators, and others.
import { spawnSync } from "node:child_process"
import * as Path from "node:path"
import { root } from "./lib/pack.mjs"

const program = Path.join(root, "node_modules", ".bin", "effect-language-service")
const options = ["--project", "tsconfig.whole.json", "--format", "text", "--severity", "error,warning", "--strict"]
// Without a configuration, even an empty one, the service checks nothing.
const { status, stderr, stdout } = spawnSync(program, ["diagnostics", ...options, "--lspconfig", "{}"], {
  cwd: root,
  encoding: "utf8"
})
console.log(stdout.trimEnd())
const checked = Number(/^Checked (\d+) files/m.exec(stdout)?.[1] ?? 0)
if (status !== 0 || checked === 0) {
  console.error(stderr.trimEnd())
  if (checked === 0)
    console.error("no file was checked, because tsconfig.whole.json names none or the tool has changed")
  process.exit(1)
}
