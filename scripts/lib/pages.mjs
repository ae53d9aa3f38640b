// Finds the files of this repository, without the output of tools and the installed packages.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { root } from "./pack.mjs"

/** The files below `folder` whose names end with `suffix`. */
export const walk = (folder, suffix) =>
  Fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = Path.join(folder, entry.name)
    if (entry.isDirectory()) return /^(node_modules|dist|api|peers|\..*)$/.test(entry.name) ? [] : walk(path, suffix)
    return entry.name.endsWith(suffix) ? [path] : []
  })

/** Every page of the documentation: its path from the root, and its text. */
export const pages = () =>
  walk(root, ".md").map((path) => ({
    path: Path.relative(root, path).replaceAll("\\", "/"),
    text: Fs.readFileSync(path, "utf8")
  }))
