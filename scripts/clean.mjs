// Removes the output of build and checks, but not node_modules.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { root } from "./lib/pack.mjs"

const packages = Fs.readdirSync(Path.join(root, "packages")).map((name) => Path.join(root, "packages", name))
for (const dir of [root, ...packages]) {
  for (const made of ["dist", ".tsbuild", ".reports", ".docs"]) {
    Fs.rmSync(Path.join(dir, made), { recursive: true, force: true })
  }
}
