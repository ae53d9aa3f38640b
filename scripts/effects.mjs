// What the type checker cannot see: effects that are made and never run, a missing `yield*`, needless generators, and
// whatever else Effect's language service warns of.
import { spawnSync } from "node:child_process"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "..")
const program = Path.join(root, "node_modules", ".bin", "effect-language-service")
const options = ["--project", "tsconfig.whole.json", "--format", "text", "--severity", "error,warning", "--strict"]
// Without a configuration, an empty one too, it looks at nothing and finds nothing.
const { status, stderr, stdout } = spawnSync(program, ["diagnostics", ...options, "--lspconfig", "{}"], {
  cwd: root,
  encoding: "utf8"
})
console.log(stdout.trimEnd())
const checked = Number(/^Checked (\d+) files/m.exec(stdout)?.[1] ?? 0)
if (status !== 0 || checked === 0) {
  console.error(stderr.trimEnd())
  if (checked === 0) console.error("no file was looked at: tsconfig.whole.json names none, or the tool has changed")
  process.exit(1)
}
