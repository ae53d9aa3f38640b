// Checks the live page in a real Chromium: a countdown that is refilled and fires, a network that is cut, the chart, the
// keyboard, and a restart of the server, without an error on the console. Screenshots go to .reports/page.
//
//   pnpm check:page
import * as Server from "@effect-deadman/simulator/Server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { chromium } from "playwright-core"
import { chromiumPath } from "./chromium.mjs"

const shots = Path.join(import.meta.dirname, "..", ".reports", "page")
Fs.mkdirSync(shots, { recursive: true })

const serve = async (options) => {
  const scope = Effect.runSync(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(Server.layer(options), scope))
  return {
    server: Effect.runSync(Effect.provide(Server.Server, context)),
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] })
let running = await serve({ clock: { mode: "manual" } })
const { url } = running.server
const complaints = []
let restarting = false
try {
  const page = await browser.newPage({ viewport: { width: 1320, height: 1150 }, colorScheme: "light" })
  // Ends a hang only, because a busy machine takes its time.
  page.setDefaultTimeout(120_000)
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("console", (message) => {
    if (message.type() !== "error") return
    // A browser reports each lost connection on the console, which a restart of the server causes.
    if (!restarting || !message.text().includes("ERR_")) complaints.push(message.text())
  })
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) complaints.push(`asked ${request.url()}`)
  })
  await page.goto(url)
  const card = page.getByRole("article", { name: "Account 1000001" })
  const has = (text, where = card) => where.getByText(text, { exact: true }).first().waitFor()
  const button = (name, where = page) => where.getByRole("button", { name })
  const advance = async (seconds) => {
    for (let left = seconds; left > 0; left--) await page.keyboard.press(".")
  }
  const step = async (what, does) => {
    await does()
    console.log(`  ok  ${what}`)
  }

  await step("the button places an order, and the list shows it", async () => {
    await has("off")
    await button("Place order", card).click()
    await button("Place order", card).click()
    await card.locator(".orders li").nth(1).waitFor()
    assert.match(
      await page.locator("#curl").textContent(),
      /^curl -X POST --json .*\/_sim\/accounts\/1000001\/orders'$/
    )
  })
  await step("a beat fills the ring, time empties it, the next beat fills it again", async () => {
    await button("Beat once", card).click()
    await has("10.0")
    await advance(4)
    await has("6.0")
    await button("Beat once", card).click()
    await has("10.0")
    await page.screenshot({ path: Path.join(shots, "armed.png") })
  })
  await step("a beat is lost after the button has cut the network", async () => {
    await button("Cut the network").click()
    await button("Cut the network").and(page.locator("[aria-pressed=true]")).waitFor()
    await button("Beat once", card).click()
    await advance(4)
    await has("no answer", page.locator("#log"))
    await has("6.0")
  })
  await step("the switch fires, and the orders are gone", async () => {
    await button("+5 s").click()
    await advance(1)
    await has("fired")
    await has("No open orders.")
    assert.equal(await card.locator(".orders li").count(), 0)
    assert.match(await card.locator(".why").textContent(), /cancelled 2 orders/)
  })
  await step("the picture of the last minute shows beats, the fault and the firing", async () => {
    const timeline = page.locator("#timeline")
    await timeline.locator(".fire").waitFor()
    assert.equal(await timeline.locator(".segment").count(), 2)
    const opacity = (element) => getComputedStyle(element).fillOpacity
    assert.equal(await timeline.locator(".segment").first().evaluate(opacity), "0.16", "the chart has its style")
    assert.equal(await timeline.locator(".beat.good").count(), 2)
    assert.equal(await timeline.locator(".beat.lost").count(), 1)
    assert.equal(await timeline.locator(".fault").count(), 1)
    assert.match(await timeline.locator(".fire text").textContent(), /^fired .*, -2$/)
    assert.ok((await timeline.locator("text").allTextContents()).includes("10 s"), "the y axis is in seconds")
    await page.screenshot({ path: Path.join(shots, "fired.png") })
    await page.emulateMedia({ colorScheme: "dark" })
    await page.screenshot({ path: Path.join(shots, "fired-dark.png") })
    await page.emulateMedia({ colorScheme: "light" })
    await page.setViewportSize({ width: 400, height: 900 })
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(wider, 0, "the page is wider than a narrow screen")
    await page.screenshot({ path: Path.join(shots, "narrow.png"), fullPage: true })
    await page.setViewportSize({ width: 1320, height: 1150 })
  })
  await step("the form refuses a misspelt fault with its position, and adds a fault", async () => {
    const field = page.getByPlaceholder("drop-answer")
    await field.fill("drop-anser")
    await field.press("Enter")
    await page.getByRole("alert").filter({ hasText: "position 0 has" }).waitFor()
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("400 (Bad Request)")))
    await field.fill("drop-answer;times=3")
    await field.press("Enter")
    await has("drop-answer;times=3", page.locator("#faults"))
    await button("Heal all").click()
    await page.locator("#healthy").waitFor({ state: "visible" })
  })
  await step("faults that are over end in the chart, and their labels stay apart", async () => {
    await advance(5)
    await page.waitForFunction(() => {
      const edge = document.querySelector("#timeline").getBoundingClientRect().right
      const bars = [...document.querySelectorAll("#timeline .fault")]
      return bars.length === 2 && bars.every((bar) => bar.getBoundingClientRect().right < edge - 20)
    })
    // The chart is drawn anew all the time, so everything is measured at once.
    const { edge, labels } = await page.locator("#timeline").evaluate((svg) => {
      const labels = [...svg.querySelectorAll(".faultt")].map((label) => label.getBoundingClientRect().toJSON())
      return { labels, edge: svg.getBoundingClientRect().right }
    })
    const [a, b] = labels
    const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
    assert.ok(apart, "one label covers the other")
    for (const label of labels) assert.ok(label.right <= edge, "a label is cut off")
    await page.screenshot({ path: Path.join(shots, "two-faults.png") })
  })
  await step("the keyboard reaches every button", async () => {
    await page.locator("body").click({ position: { x: 2, y: 400 } })
    const reached = new Set()
    for (let tab = 0; tab < 40; tab++) {
      await page.keyboard.press("Tab")
      reached.add(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ""))
    }
    for (const name of ["+1 s", "Start demo bot", "Beat once", "Place order", "Cut the network", "Add", "Copy"]) {
      assert.ok(reached.has(name), `Tab never reaches "${name}"`)
    }
  })
  await step("the demo bot beats by the exchange's clock", async () => {
    await page.keyboard.press("s")
    await has("10.0")
    await advance(3)
    await page.waitForFunction(() => document.querySelectorAll("#log tr[data-kind=good]").length === 4)
    await has("10.0")
  })
  await step("the page reconnects after a restart of the server", async () => {
    restarting = true
    await running.stop()
    await has("reconnecting", page.locator("header"))
    running = await serve({
      port: Number(new URL(url).port),
      clock: { mode: "manual" },
      accounts: [{ uid: "1000001" }, { uid: "second" }]
    })
    await page.getByRole("article", { name: "Account second" }).waitFor()
    await has("live", page.locator("header"))
  })
  await step("the documentation of the control API loads nothing from other hosts", async () => {
    restarting = false
    await page.goto(`${url}/_sim/docs`)
    await page.getByText("Adds a fault of the network").first().waitFor()
  })
  assert.deepEqual(complaints, [])
  console.log(
    `  ok  no error on the console, no request to another host\nScreenshots: ${Path.relative(process.cwd(), shots)}`
  )
} finally {
  await browser.close()
  await running.stop()
}
