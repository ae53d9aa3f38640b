// Packs each published package and checks its tarball: the files, the manifest, and whether users can import the
// modules.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { pack, published, root, unpack } from "./lib/pack.mjs"

const into = Path.join(root, ".reports", "packs")
Fs.rmSync(into, { recursive: true, force: true })

const faults = []
const fault = (name, text) => faults.push(`${name}: ${text}`)

/** The files that belong in a tarball. */
const expected = [
  /^package\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^docs\/.+\.(md|json|svg|png|py)$/,
  /^src\/.+\.(ts|html|css|svg)$/,
  /^bin\.mjs$/,
  /^deploy\/(Dockerfile|.+\.(service|yaml|py))$/,
  /^dist\/.+\.(js|d\.ts|html|css)(\.map)?$/
]

/** The peers of a package. A tool that rewrites these ranges breaks every installation. */
const peersOf = (name) =>
  ({ cli: {}, "virtual-time": { effect: "^3.22.0" } })[name] ?? {
    effect: "^3.22.0",
    "@effect/platform": "^0.97.0"
  }

const checkManifest = (name, tarball) => {
  const { files, folder: unpacked } = unpack(tarball)
  const manifest = JSON.parse(Fs.readFileSync(Path.join(unpacked, "package.json"), "utf8"))
  const source = JSON.parse(Fs.readFileSync(Path.join(root, "packages", name, "package.json"), "utf8"))

  for (const file of files) {
    if (!expected.some((pattern) => pattern.test(file))) {
      fault(name, `the tarball holds ${file}, which no user needs: narrow "files" in its package.json`)
    }
  }
  const entries = Object.entries(manifest.exports).filter(([path, entry]) => entry?.default && !path.includes("*"))
  const built = entries.flatMap(([, entry]) => [entry.default, entry.types]).map((path) => path.slice(2))
  for (const needed of [
    "LICENSE",
    "README.md",
    ...built,
    ...Object.values(manifest.bin ?? {}).map((path) => Path.posix.normalize(path))
  ]) {
    if (!files.includes(needed)) fault(name, `the tarball lacks ${needed}`)
  }
  for (const field of ["dependencies", "peerDependencies", "devDependencies", "optionalDependencies"]) {
    for (const [dependency, range] of Object.entries(manifest[field] ?? {})) {
      if (/^(workspace|catalog|link|file):/.test(range)) {
        fault(name, `${field}.${dependency} is "${range}" in the tarball, which works only in this repository`)
      }
    }
  }
  for (const [peer, range] of Object.entries({ ...source.peerDependencies, ...peersOf(name) })) {
    const packed = manifest.peerDependencies?.[peer]
    if (packed !== range) fault(name, `the peer ${peer} is "${packed}" in the tarball, and must be "${range}"`)
    if (manifest.dependencies?.[peer] !== undefined) {
      fault(name, `${peer} is a dependency and a peer, but two copies of it do not work together: keep the peer`)
    }
  }
  // A pattern opens every module, so the internal ones have to be closed.
  if (manifest.exports["./*"] !== undefined && manifest.exports["./internal/*"] !== null) {
    fault(name, `"./internal/*" is not closed in "exports"`)
  }
  if (manifest.sideEffects !== false) fault(name, `"sideEffects" is not false, so bundlers keep unused modules`)
  if (manifest.type !== "module") fault(name, `"type" is not "module"`)
  if (manifest.engines?.node === undefined) fault(name, `"engines.node" is missing`)
  if (manifest.publishConfig?.access !== "public" || manifest.publishConfig?.provenance !== true) {
    fault(name, `"publishConfig" is not { "access": "public", "provenance": true }`)
  }

  // The code imports only the packages that the manifest names.
  const allowed = new Set([
    manifest.name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {})
  ])
  for (const file of files.filter((path) => /^dist\/.+\.(js|d\.ts)$/.test(path))) {
    const code = Fs.readFileSync(Path.join(unpacked, file), "utf8")
    for (const [, specifier] of code.matchAll(/^(?:(?:im|ex)port [^"'\n]*from|import) ["']([^"'.][^"'\n]*)["']/gm)) {
      if (specifier.startsWith("node:")) {
        if (name === "core") fault(name, `${file} imports ${specifier}, but core runs in browsers, too`)
        continue
      }
      const wanted = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
      if (!allowed.has(wanted)) fault(name, `${file} imports ${specifier}, which its package.json does not name`)
    }
  }
  return { files, manifest }
}

const checkWithPublint = async (name, tarball) => {
  const bytes = Fs.readFileSync(tarball)
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true
  })
  for (const message of messages) {
    fault(name, `publint: ${formatMessage(message, pkg)}`)
  }
}

const checkWithAttw = (name, tarball, files, manifest) => {
  const named = Object.keys(manifest.exports).filter((path) => /^\.\/[A-Za-z]+$/.test(path))
  const matched =
    manifest.exports["./*"] === undefined ? [] : files.filter((path) => /^dist\/[A-Za-z]+\.js$/.test(path))
  const modules = [...named.map((path) => path.slice(2)), ...matched.map((path) => Path.basename(path, ".js"))].filter(
    (module) => module !== "index"
  )
  // A command exports no module.
  if (manifest.exports["."] === undefined) return 0
  const attw = Path.join(root, "node_modules", ".bin", "attw")
  const args = [tarball, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji", "--entrypoints", "."]
  const { status, stderr, stdout } = spawnSync(attw, [...args, ...modules], { encoding: "utf8" })
  if (status !== 0) fault(name, `attw does not find all types:\n${stdout}${stderr}`)
  return modules.length
}

for (const name of published) {
  const tarball = pack(name, into)
  const { files, manifest } = checkManifest(name, tarball)
  await checkWithPublint(name, tarball)
  const modules = checkWithAttw(name, tarball, files, manifest)
  const size = (Fs.statSync(tarball).size / 1_000).toFixed(0)
  console.log(`${manifest.name} ${manifest.version}: ${files.length} files, ${modules} modules, ${size} kB packed`)
}
if (faults.length > 0) {
  for (const text of faults) console.error(text)
  process.exit(1)
}
