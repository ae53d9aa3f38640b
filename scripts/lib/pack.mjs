// Packs the published packages exactly as `pnpm publish` does.
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

export const root = Path.join(import.meta.dirname, "..", "..")

/** The published packages, by the name of their folder. */
export const published = ["virtual-time", "core", "simulator", "cluster", "cli"]

/** The command of the pnpm that package.json names. */
const pnpmCommand = () => {
  // `pnpm run` sets it to the running pnpm. Outside of it, npx finds the right one.
  const running = process.env.npm_execpath ?? ""
  if (/pnpm[^/\\]*$/.test(running)) return [process.execPath, running]
  const { packageManager } = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))
  return ["npx", "-y", packageManager]
}

/** The same, quoted for the shell. */
export const pnpmLine = () =>
  pnpmCommand()
    .map((part) => `'${part}'`)
    .join(" ")

/** Packs one package into a folder. Returns the path of the tarball. */
export const pack = (name, into) => {
  Fs.mkdirSync(into, { recursive: true })
  const cwd = Path.join(root, "packages", name)
  const [program, ...args] = [...pnpmCommand(), "pack", "--json", "--pack-destination", into]
  const said = execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  return Path.resolve(into, JSON.parse(said.slice(said.indexOf("{"))).filename)
}

/** The packages that the install command of a package needs, too, because npm does not find one that is not published. */
export const companions = { cli: ["core"], simulator: ["virtual-time"] }

/** The install commands of a page, with tarballs in place of the packages. */
export const installLines = (page, tarballs) =>
  [...Fs.readFileSync(Path.join(root, page), "utf8").matchAll(/^npm install .*$/gm)].map(([command]) =>
    Object.entries(tarballs).reduce(
      (line, [name, file]) =>
        line.replace(
          `@effect-deadman/${name}`,
          [...(companions[name] ?? []).map((companion) => tarballs[companion]), file].join(" ")
        ),
      command
    )
  )

/** Unpacks a tarball next to itself. Returns the folder and its files. */
export const unpack = (tarball) => {
  const folder = tarball.replace(/\.tgz$/, "")
  Fs.mkdirSync(folder, { recursive: true })
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"])
  const files = Fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => Path.relative(folder, Path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
  return { folder, files }
}
