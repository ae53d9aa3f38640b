// Writes the pages of options from the doc comments and the defaults in the code. Without --write, fails when a page is
// out of date.
//
//   node scripts/options.mjs --write
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Prettier from "prettier"
import ts from "typescript"
import { root } from "./lib/pack.mjs"

const core = Path.join(root, "packages", "core")
const simulator = Path.join(root, "packages", "simulator")
/** The module of each package that has the options. */
const modules = { [core]: "HeartbeatOptions", [simulator]: "exchange/Venue" }
const load = (folder, module) => import(Path.join(folder, "dist", `${module}.js`))

const HeartbeatOptions = await load(core, modules[core])
const Release = await load(core, "Release")
const Venue = await load(simulator, modules[simulator])

const files = Object.entries(modules).map(([folder, module]) => Path.join(folder, "src", `${module}.ts`))
const { config } = ts.readConfigFile(Path.join(root, "tsconfig.base.json"), ts.sys.readFile)
const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, composite: false }, root)
const program = ts.createProgram(files, { ...options, incremental: false, noEmit: true })
const checker = program.getTypeChecker()
// Without the path of this folder in front of a type that a page does not import.
const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope

/** The fields of an exported type: name, type and doc comment. */
const fieldsOf = (folder, typeName) => {
  const file = program.getSourceFile(Path.join(folder, "src", `${modules[folder]}.ts`))
  const symbol = checker.getExportsOfModule(checker.getSymbolAtLocation(file)).find(({ name }) => name === typeName)
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map((field) => {
    const type = checker.getTypeOfSymbol(field)
    const meaning = ts.displayPartsToString(field.getDocumentationComment(checker)).replaceAll(/\s+/g, " ")
    if (meaning === "") throw new Error(`${typeName}.${field.name} has no doc comment`)
    const isOptional = (field.flags & ts.SymbolFlags.Optional) !== 0
    const given = isOptional ? checker.getNonNullableType(type) : type
    return { name: field.name, type: checker.typeToString(given, file, flags), meaning }
  })
}

const code = (text) => `\`${text.replaceAll("|", "\\|")}\``
const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")
const generated = "`scripts/options.mjs --write` writes this page from the doc comments and the defaults in the code."

// ---------------------------------------------------------------------------------------------------------------------
// The heartbeat

const rightOf = (either) => {
  if (either._tag === "Left") throw either.left
  return either.right
}
const settings = rightOf(HeartbeatOptions.resolve({}))
const { livenessTimeout } = rightOf(HeartbeatOptions.resolve({ liveness: { _tag: "any check" } }))

const resolved = (name) => {
  const value = name === "livenessTimeout" ? livenessTimeout : settings[name]
  if (value === undefined) return "none"
  if (name === "countdown") return code(`${value} s`)
  if (typeof value === "number") return code(value % 1_000 === 0 ? `${value / 1_000} s` : `${value} ms`)
  const policy = Object.keys(Release).find((key) => Release[key] === value)
  return code(policy === undefined ? JSON.stringify(value) : `Release.${policy}`)
}

/** Options that break one inequality each, to get its text from the error. */
const contradictions = [
  { countdown: "4 seconds" },
  { interval: "500 millis" },
  { interval: "9 seconds" },
  { releaseTimeout: "1 second" },
  { settle: "31 seconds" },
  { predecessor: { acceptedAt: 0, completedAt: 0, shortestCountdown: 0 } }
].map((given) => {
  const result = HeartbeatOptions.resolve(given)
  if (result._tag === "Right") throw new Error(`${JSON.stringify(given)} was expected to be refused`)
  return result.left.inequality
})

const heartbeatPage = `# Options of the heartbeat

\`Heartbeat.make\` and \`Heartbeat.layer\` take these, all of them optional. The defaults are those for the default countdown. ${generated}

${table(
  ["Option", "Default", "Type", "Meaning"],
  fieldsOf(core, "Options").map(({ meaning, name, type }) => [code(name), resolved(name), code(type), meaning])
)}

The options must fit together. \`InvalidOptions\` names the inequality that does not hold, its numbers, and what to change:

${[...new Set(contradictions)].map((inequality) => `- \`${inequality}\``).join("\n")}
`

// ---------------------------------------------------------------------------------------------------------------------
// The simulated exchange

/** Checks that the default in a doc comment is the one in the code. */
const check = ({ meaning, name }, value) => {
  const documented = /\b[Dd]efault `?"?([\w-]+(?:,\d{3})*)/.exec(meaning)?.[1]?.replaceAll(",", "")
  if (documented !== undefined && documented !== "none" && documented !== String(value)) {
    throw new Error(`the doc comment of Venue.${name} has the default ${documented}, the code has ${value}`)
  }
}

const venueRows = fieldsOf(simulator, "Venue").flatMap((field) => {
  const value = Venue.defaults[field.name]
  const row = (name, value, type, meaning) => [code(name), code(JSON.stringify(value)), code(type), meaning]
  if (typeof value === "object" && !Array.isArray(value)) {
    return Object.entries(value).map(([key, inner], index) =>
      row(`${field.name}.${key}`, inner, typeof inner, index === 0 ? field.meaning : "")
    )
  }
  check(field, value)
  return [row(field.name, value, field.type, field.meaning)]
})

const venuePage = `# Options of the simulated exchange

Each is an open question about the exchange, with the most likely answer as its default. \`Simulator.layer({ venue: { sweepPeriod: 1_000 } })\` sets one. Lengths of time are in ms. ${generated}

${table(["Option", "Default", "Type", "Meaning"], venueRows)}
`

// ---------------------------------------------------------------------------------------------------------------------

const pages = {
  [Path.join(core, "docs", "options.md")]: heartbeatPage,
  [Path.join(simulator, "docs", "venue-options.md")]: venuePage
}
for (const [path, text] of Object.entries(pages)) {
  const style = await Prettier.resolveConfig(path)
  const page = await Prettier.format(text, { ...style, filepath: path })
  if (process.argv.includes("--write")) Fs.writeFileSync(path, page)
  else if (!Fs.existsSync(path) || Fs.readFileSync(path, "utf8") !== page) {
    console.error(`${Path.relative(root, path)} is out of date: run \`node scripts/options.mjs --write\``)
    process.exitCode = 1
  }
}
