/**
 * The context of a failed expectation: the line of the test that made it and, under vitest, a page of the run.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import type * as History from "../journal/History.js"
import * as Timeline from "../timeline/Timeline.js"

/** This room in the build and in the sources, to which a runner maps the build. */
const rooms = ["dist", "src"].map((folder) => fileURLToPath(new URL(`../../${folder}/expect/`, import.meta.url)))

/** The frames of a stack that are not of these folders. */
export const framesOutside = (stack: string, folders: ReadonlyArray<string>): string =>
  stack
    .split("\n")
    .slice(1)
    .filter((line) => !folders.some((folder) => line.includes(folder)))
    .join("\n")

/** The frames of the caller, without those of this room, as the lines of a stack. */
export type CallSite = () => string

/** Captures where an expectation is made. The frames become text only when it fails. */
export const callSite = (): CallSite => {
  const holder: { readonly stack?: string } = {}
  Error.captureStackTrace(holder, callSite)
  return () => framesOutside(holder.stack ?? "", rooms)
}

/** `test/first.test.ts:27` of the first frame of the test, relative to the folder in which the tests run. */
const placeOf = (frames: string): string | undefined => {
  // A matcher is called by the runner.
  const own = frames.split("\n").find((frame) => !frame.includes("node_modules")) ?? ""
  const [, address = "", line = ""] = /(?:\(|at )((?:file:\/\/)?[^()]+):(\d+):\d+\)?$/.exec(own) ?? []
  if (address === "") return undefined
  const file = address.startsWith("file://") ? fileURLToPath(address) : address
  return `${Path.relative(process.cwd(), file)}:${line}`
}

/** Where pages go: a folder that version control and the watch mode of vitest leave out. */
const folder = Path.join("node_modules", ".cache", "effect-deadman")

/**
 * Under vitest, writes the run as a page, and returns the path of the file. A later failure of the same line replaces it.
 */
export const writePage = (evidence: History.Evidence, expectation: string, frames: string): string | undefined => {
  if (process.env["VITEST"] === undefined) return undefined
  const place = placeOf(frames)
  const name = (place ?? expectation).replace(/[^\w.-]+/g, "-").replace(/^[.-]+/, "")
  const file = Path.join(folder, `${name}.html`)
  const title = `${expectation} failed${place === undefined ? "" : ` at ${place}`}`
  try {
    Fs.mkdirSync(folder, { recursive: true })
    Fs.writeFileSync(file, Timeline.html(evidence, { title }))
    return file
  } catch {
    // A disk that is full or read-only must not hide the failure itself.
    return undefined
  }
}

/** The lines of a message that name the page. */
export const pageLines = (page: string | undefined): ReadonlyArray<string> =>
  page === undefined ? [] : ["", `  the run as a page: ${page}`]
