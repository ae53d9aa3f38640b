// Packs the packages as for publishing, and prints the install lines of the READMEs with the tarballs.
import * as Path from "node:path"
import { installLines, pack, published, root } from "./lib/pack.mjs"

const into = Path.join(root, ".reports", "tarballs")
const tarballs = Object.fromEntries(published.map((name) => [name, pack(name, into)]))
const pages = ["README.md", "packages/simulator/README.md", "packages/cli/README.md"]
for (const page of pages) {
  console.log(`\n${page}`)
  for (const line of installLines(page, tarballs)) console.log(line)
}
