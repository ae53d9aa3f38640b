// Writes the API pages: one for each module that users can import, named as they import it.
import * as Fs from "node:fs"
import * as Path from "node:path"
import ts from "typescript"

/** The modules behind the `exports` of a package, without an index of them: source path and name. */
const modulesOf = (folder) => {
  const manifest = JSON.parse(Fs.readFileSync(Path.join(folder, "package.json"), "utf8"))
  const found = []
  for (const [key, target] of Object.entries(manifest.exports)) {
    const types = target?.types
    if (types === undefined || types === "./dist/index.d.ts") continue
    const source = types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts")
    if (!key.includes("*")) found.push([key, source])
    else {
      for (const file of Fs.readdirSync(Path.join(folder, Path.dirname(source)))) {
        const name = key.replace("*", Path.basename(file, ".ts"))
        const isPublic = file.endsWith(".ts") && name !== "./index" && manifest.exports[name] !== null
        if (isPublic) found.push([name, source.replace("*", Path.basename(file, ".ts"))])
      }
    }
  }
  return found.map(([key, source]) => [Path.resolve(folder, source), manifest.name + key.slice(1)])
}

const modules = new Map(
  ["packages/core", "packages/cluster", "packages/simulator", "packages/virtual-time"].flatMap(modulesOf)
)

for (const path of modules.keys()) {
  const isDescribed = Fs.readFileSync(path, "utf8").startsWith("/**")
  if (!isDescribed) throw new Error(`${path} does not begin with a comment that describes the module`)
}

// The first comment of a file describes the page. TypeDoc needs `@module` with the name in it. This adds it while the
// compiler reads, so that no file has to repeat its name.
const read = ts.sys.readFile
ts.sys.readFile = (path, encoding) => {
  const name = modules.get(Path.resolve(path))
  const text = read(path, encoding)
  return name === undefined ? text : text?.replace("*/", `\n * @module ${name}\n */`)
}

export default {
  $schema: "https://typedoc.org/schema.json",
  name: "effect-deadman",
  entryPoints: [...modules.keys()],
  tsconfig: "tsconfig.whole.json",
  out: "docs/api",
  readme: "none",
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  categorizeByGroup: false,
  treatWarningsAsErrors: true,
  disableSources: true,
  validation: { notExported: false, invalidLink: true, notDocumented: false }
}
