// Makes the pictures of the READMEs from real runs, light and dark, into .github/pictures: the live page in a real
// Chromium, the timeline of the same run, and the terminal of `pnpm start`. Needs `script` of util-linux for a terminal.
//
//   pnpm pictures
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { chromium } from "playwright-core"
import { chromiumPath } from "./chromium.mjs"
import { palettePng } from "./png.mjs"
import { terminalSvg } from "./terminal.mjs"

const root = Path.join(import.meta.dirname, "..", "..", "..")
const folder = Path.join(root, ".github", "pictures")
Fs.mkdirSync(folder, { recursive: true })

const themes = ["light", "dark"]
/** What the READMEs may load for each picture, in bytes. */
const most = 60_000

const save = (name, content) => {
  Fs.writeFileSync(Path.join(folder, name), content)
  const { size } = Fs.statSync(Path.join(folder, name))
  console.log(`${(size / 1_000).toFixed(0).padStart(4)} kB  ${name}`)
  if (size > most) throw new Error(`${name} has ${size} bytes; the READMEs load at most ${most} for a picture`)
}

/** A bot beats and has four orders, loses an answer, and is cut off until the switch fires. */
const run = async (url) => {
  const post = async (path, body) => {
    const response = await fetch(`${url}/_sim${path}`, { method: "POST", body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
  }
  const account = "/accounts/1000001"
  const beat = () => post(`${account}/beat`, { countdown: "10" })
  const advance = (ms) => post("/clock/advance", { ms })
  const beats = async (count) => {
    for (let beats = 0; beats < count; beats++) {
      await beat()
      await advance(3_000)
    }
  }
  await beat()
  const quotes = { buy: ["49950", "49900"], sell: ["50050", "50100"] }
  for (const [side, prices] of Object.entries(quotes)) {
    for (const price of prices) await post(`${account}/orders`, { side, price })
  }
  await advance(3_000)
  await beats(5)
  await post("/faults", { fault: "drop-answer;times=1" })
  await beats(5)
  await advance(1_000)
  await post("/faults", { fault: "partition" })
  await beats(3)
  await advance(1_200)
}

/** The page has two columns from 961 pixels on. */
const viewport = { width: 1_100, height: 842 }

await Effect.runPromise(
  Effect.gen(function* () {
    const { url } = yield* Server.Server
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() => chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] })),
      (browser) => Effect.promise(() => browser.close())
    )
    yield* Effect.promise(async () => {
      const page = await browser.newPage({ viewport })
      await page.goto(url)
      await run(url)
      await page.locator("[data-end=countdown]").nth(3).waitFor()
      for (const colorScheme of themes) {
        await page.emulateMedia({ colorScheme })
        // The colours of buttons and chart follow in the next frames.
        await page.waitForTimeout(300)
        save(`page-${colorScheme}.png`, await palettePng(page, await page.screenshot()))
      }
    })
    const svg = Timeline.svg(yield* Simulator.record)
    for (const theme of themes) {
      save(
        `timeline-${theme}.svg`,
        svg.replace(/@media \(prefers-color-scheme:dark\)\{(.*?\})\}/, theme === "dark" ? "$1" : "")
      )
    }
  }).pipe(
    Effect.scoped,
    // The port that the documentation names.
    Effect.provide(Server.layer({ port: 8790, clock: { mode: "manual", start: Date.UTC(2026, 0, 5, 14, 30) } }))
  )
)

const demo = Path.join(root, "packages", "examples", "dist", "demo", "main.js")
const output = execFileSync("script", ["-qefc", `${process.execPath} ${demo}`, "/dev/null"], {
  env: { ...process.env, CI: undefined, NO_COLOR: undefined, TERM: "xterm-256color" },
  encoding: "utf8"
})
// Without the status line, which is erased before each line.
const lines = output.split("\r\n").map((line) => line.slice(line.lastIndexOf("\u001b[2K") + 1).replace(/^\[2K/, ""))
/** The line of a headline. */
const headline = (number) => lines.findIndex((line) => line.startsWith(`\u001b[1m${number}. `))
const shown = [...lines.slice(0, headline(2)), ...lines.slice(headline(4))]
for (const theme of themes) save(`terminal-${theme}.svg`, terminalSvg(shown, theme))
