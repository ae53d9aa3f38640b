// Packs the packages as they would be published, and prints the lines of the READMEs that install them from there: before
// they are on npm.
import * as Path from "node:path"
import { installLines, pack, published, root } from "./lib/pack.mjs"

const into = Path.join(root, ".reports", "tarballs")
const tarballs = Object.fromEntries(published.map((name) => [name, pack(name, into)]))
const pages = ["README.md", "packages/simulator/README.md", "packages/cli/README.md"]
for (const line of pages.flatMap((page) => installLines(page, tarballs))) console.log(line)
