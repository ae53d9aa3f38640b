// Type-checks every ```ts block in the documentation: doc comments of exports, README files, docs/*.md.
//
// Each block is a module, as a user would paste it. A block that begins with ```ts continued continues the block before
// it in the same file. Like a user's code, blocks see the packages through their `exports`, not the sources. A block
// with parse or type errors, or with an import of an internal module, fails here with its own line.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { walk } from "./lib/pages.mjs"
import { root } from "./lib/pack.mjs"

// This package has installed everything that an example may use.
const examples = "packages/examples"
/** The pages of these packages see only what their own package has installed. */
const alone = ["packages/virtual-time", "packages/cluster"]

const sources = ["core", "simulator", "virtual-time", "cluster"].flatMap((name) =>
  walk(Path.join(root, "packages", name, "src"), ".ts")
)
const pages = walk(root, ".md")

const faults = []
const modules = []
for (const path of [...sources, ...pages]) {
  const where = Path.relative(root, path).replaceAll("\\", "/")
  const isSource = path.endsWith(".ts")
  const lines = Fs.readFileSync(path, "utf8").split("\n")
  /** A line of documentation without its comment marks, `undefined` for a line of code. */
  const prose = (line) => (isSource ? /^\s*(?:\/\*)?\* ?(.*)$/.exec(line)?.[1] : line)
  let open
  for (const [index, line] of lines.entries()) {
    const text = prose(line)
    if (open === undefined) {
      if (text?.trim() === "@example" && !prose(lines[index + 1] ?? "")?.startsWith("```ts")) {
        faults.push(`${where}:${index + 1}: enclose the @example in \`\`\`ts and \`\`\``)
      }
      const fence = /^\s*```ts\b *(.*)$/.exec(text ?? "")
      if (fence === null) continue
      const last = modules.at(-1)
      const goesOn = fence[1] === "continued"
      if (!goesOn && fence[1] !== "") faults.push(`${where}:${index + 1}: \`\`\`ts ${fence[1]} has no meaning`)
      if (goesOn && last?.where !== where) {
        faults.push(`${where}:${index + 1}: \`\`\`ts continued has no block before it in this file`)
      }
      open = goesOn && last?.where === where ? last : { where, line: index + 1, code: [] }
      if (open !== last) modules.push(open)
      open.blocks = (open.blocks ?? 0) + 1
    } else if (text === undefined || text.trim() === "```") {
      if (text === undefined) faults.push(`${where}:${index + 1}: the \`\`\`ts block is not closed`)
      open = undefined
    } else {
      // Keeps the line numbers of the file, for the compiler's messages.
      while (open.code.length < index) open.code.push("")
      open.code.push(text)
    }
  }
  if (open !== undefined) faults.push(`${where}: a \`\`\`ts block is not closed`)
}
if (modules.length === 0) faults.push("no ```ts block was found: this check reads the wrong files")

const fileOf = new Map()
for (const home of [examples, ...alone]) {
  const out = Path.join(root, home, ".docs")
  Fs.rmSync(out, { recursive: true, force: true })
  Fs.mkdirSync(out, { recursive: true })
  for (const [index, { code, line, where }] of modules.entries()) {
    if ((alone.find((folder) => where.startsWith(`${folder}/`)) ?? examples) !== home) continue
    const name = `${String(index).padStart(3, "0")}-${Path.basename(where).replace(/\W/g, "-")}-${line}.ts`
    fileOf.set(name, where)
    // So that a block without an import is a module, too.
    Fs.writeFileSync(Path.join(out, name), `${code.join("\n")}\nexport {}\n`)
  }
  Fs.writeFileSync(
    Path.join(out, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../tsconfig.base.json",
      compilerOptions: {
        composite: false,
        incremental: false,
        declaration: false,
        declarationMap: false,
        sourceMap: false,
        noEmit: true,
        noUnusedLocals: false,
        types: ["node"]
      },
      include: ["*.ts"]
    })
  )
  const tsc = Path.join(root, "node_modules", ".bin", "tsc")
  const { status, stdout } = spawnSync(tsc, ["-p", out, "--pretty", "false"], { cwd: out, encoding: "utf8" })
  if (status !== 0) {
    faults.push(
      stdout.trimEnd().replace(/^(\d{3}-[^(\n]+\.ts)\((\d+),/gm, (_, name, line) => `${fileOf.get(name)}:${line} (`)
    )
  }
}

const blocks = modules.reduce((sum, module) => sum + module.blocks, 0)
console.log(`${blocks} blocks of code in ${new Set(modules.map((module) => module.where)).size} files`)
if (faults.length > 0) {
  for (const fault of faults) console.error(fault)
  process.exit(1)
}
