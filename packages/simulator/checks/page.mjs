// Checks the live page in a real Chromium: a countdown that is refilled and fires, a network that is cut, the chart, the
// demo bot, a narrow screen, contrast and keyboard (axe-core), and a restart of the server, without an error on the
// console. Screenshots go to .reports/page.
//
//   pnpm check:page
import * as Server from "@effect-deadman/simulator/Server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import axe from "axe-core"
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
  /** Waits until the clock has advanced, because two advances at once end at the same instant. */
  const advances = async (does) => {
    await Promise.all([page.waitForResponse((response) => response.url().endsWith("/clock/advance")), does()])
  }
  const advance = async (seconds) => {
    for (let left = seconds; left > 0; left--) await advances(() => page.keyboard.press("."))
  }
  /** Fails with every rule of accessibility that the page breaks, and where. */
  const accessible = async (what) => {
    await page.evaluate(axe.source)
    const broken = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] })
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`)
    })
    assert.deepEqual(broken, [], what)
  }
  /** Waits for the start of an animation of the ring, which each call of `beat` has to cause. */
  const pulses = async (beat) => {
    await card.locator(".ring").evaluate((ring) => {
      const animate = ring.animate.bind(ring)
      ring.animate = (...given) => {
        ring.setAttribute("data-pulsed", "")
        return animate(...given)
      }
    })
    await beat()
    await card.locator(".ring[data-pulsed]").waitFor()
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
    await has("last beat 0.0 s ago")
    await advance(4)
    await has("6.0")
    await has("last beat 4.0 s ago")
    await pulses(() => button("Beat once", card).click())
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
  await step(
    "the switch fires: the orders stay struck through, and the table has the firing and the cancels",
    async () => {
      await advances(() => button("+5 s").click())
      await advance(1)
      await has("fired")
      assert.match(await card.locator(".why").textContent(), /cancelled 2 orders/)
      const rows = card.locator(".orders li")
      await rows.getByText("by the switch", { exact: true }).nth(1).waitFor()
      assert.equal(await rows.count(), 2)
      const struck = (element) => getComputedStyle(element).textDecorationLine
      for (const what of await rows.locator(".what").all()) assert.equal(await what.evaluate(struck), "line-through")
      assert.equal(await rows.getByRole("button").count(), 0, "a cancelled order has no button")
      const log = page.locator("#log")
      await page.getByRole("heading", { name: "Events" }).waitFor()
      assert.equal(await log.locator("tr", { hasText: "the switch fires" }).getByText("−2", { exact: true }).count(), 1)
      assert.equal(await log.locator("tr", { hasText: /cancelled: buy 0\.01 BTCUSDT @ \d+by the switch/ }).count(), 2)
    }
  )
  await step("the table says after how long a request was answered, and every instant on demand", async () => {
    const heads = () => page.locator("#table th:visible").allTextContents()
    assert.deepEqual(await heads(), ["Time (UTC)", "Account", "Event", "Result", "Answered after", "Fault"])
    assert.equal(await page.locator("#log tr[data-kind=good] .after").first().textContent(), "0 ms")
    await button("Every instant").click()
    assert.equal((await heads()).length, 9)
    await button("Every instant").click()
    assert.equal((await heads()).length, 6)
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
    assert.equal(await timeline.locator(".fire text").textContent(), "fired, −2")
    assert.ok((await timeline.locator("text").allTextContents()).includes("10 s"), "the y axis is in seconds")
    const refills = await timeline.evaluate((svg) => {
      const starts = [...svg.querySelectorAll(".edge")].map((edge) => edge.getAttribute("d").match(/V([\d.]+)L/)[1])
      const beats = [...svg.querySelectorAll(".beat.good circle")].map((beat) => beat.getAttribute("cy"))
      return { starts, beats }
    })
    assert.deepEqual(refills.beats, refills.starts, "a beat stands on the refill that it causes")
    assert.ok((await timeline.boundingBox()).height > 200, "the chart of one account uses the height")
    await page.screenshot({ path: Path.join(shots, "fired.png") })
    await page.emulateMedia({ colorScheme: "dark" })
    await page.screenshot({ path: Path.join(shots, "fired-dark.png") })
    await page.emulateMedia({ colorScheme: "light" })
  })
  await step("on a narrow screen one can cut the network and watch, and the table shows that it scrolls", async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(wider, 0, "the page is wider than a narrow screen")
    assert.ok((await page.locator("header").boundingBox()).height < 60, "the header has one row")
    for (const part of [button("Cut the network"), card.locator(".ring"), page.locator("#timeline")]) {
      const { height, y } = await part.boundingBox()
      assert.ok(y >= 0 && y + height <= 844, "ring, chart and button are in view together")
    }
    const cut = await button("Cut the network").boundingBox()
    assert.ok(cut.y > 780, "the bar is at the bottom")
    const chart = await page.locator("#timeline").boundingBox()
    assert.ok(chart.y + chart.height <= cut.y, "the bar covers the chart")
    await button("More").click()
    await button("Lose answers").waitFor()
    await button("More").click()
    await button("Lose answers").waitFor({ state: "hidden" })
    await page.locator("#table-box[data-more=right]").waitFor()
    await page.getByText("scrolls sideways").waitFor()
    await page.locator("#table").evaluate((table) => table.scrollTo({ left: table.scrollWidth }))
    await page.locator("#table-box[data-more=left]").waitFor()
    await accessible("the narrow page")
    await page.screenshot({ path: Path.join(shots, "narrow.png") })
    await page.setViewportSize({ width: 1320, height: 1150 })
  })
  await step("contrast, names and keyboard of the page pass axe, light and dark", async () => {
    await accessible("light")
    await page.emulateMedia({ colorScheme: "dark" })
    await accessible("dark")
    await page.emulateMedia({ colorScheme: "light" })
  })
  await step("every button has one line", async () => {
    const heights = await page.locator("button:visible").evaluateAll((all) => all.map((one) => one.offsetHeight))
    assert.ok(Math.max(...heights) < 40, `the highest button has ${Math.max(...heights)} pixels`)
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
    for (const name of ["+1 s", "Start demo bot", "Beat once", "Place order", "Cut the network", "Add fault", "Copy"]) {
      assert.ok(reached.has(name), `Tab never reaches "${name}"`)
    }
  })
  await step("the demo bot beats by the exchange's clock and places orders, which the firing cancels", async () => {
    const bot = button("Start demo bot", card)
    assert.match(await bot.getAttribute("class"), /primary/)
    await bot.click()
    await has("10.0")
    await card.locator(".orders li:not([data-end])").nth(3).waitFor()
    const good = await page.locator("#log tr[data-kind=good]").count()
    await advance(3)
    await page.waitForFunction((good) => document.querySelectorAll("#log tr[data-kind=good]").length > good, good)
    await has("10.0")
    await button("Cut the network").click()
    await button("Cut the network").and(page.locator("[aria-pressed=true]")).waitFor()
    await advances(() => button("+5 s").click())
    await advances(() => button("+5 s").click())
    await has("fired")
    await card.locator(".orders li[data-end=countdown]").nth(3).waitFor()
    await page.locator("#log tr", { hasText: "the switch fires" }).getByText("−4", { exact: true }).waitFor()
    await button("Heal all").click()
  })
  await step("the demo bot is no primary button while a bot beats that is not of the page", async () => {
    await card.locator(".bot.primary").waitFor()
    const beat = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }
    await fetch(`${url}/_sim/accounts/1000001/beat`, beat)
    await has(", from your bot")
    assert.equal(await card.locator(".bot").getAttribute("class"), "bot")
    await advance(13)
    await card.locator(".bot.primary").waitFor()
  })
  await step("the exported timeline fits its box, zooms, and can be downloaded", async () => {
    await page.goto(`${url}/_sim/timeline`)
    const shown = page.locator(".pane:visible")
    const overflow = () => shown.evaluate((pane) => pane.scrollWidth - pane.clientWidth)
    assert.equal(await overflow(), 0, "the picture fits")
    await page.getByText("4 ×", { exact: true }).click()
    assert.ok((await overflow()) > 3_000, "the picture is four times as wide, and scrolls")
    await page.keyboard.press("ArrowLeft")
    assert.ok((await overflow()) > 1_000 && (await overflow()) < 3_000, "the keyboard changes the zoom")
    await accessible("the timeline")
    const download = page.waitForEvent("download")
    await page.getByRole("link", { name: "Download" }).click()
    assert.equal((await download).suggestedFilename(), "timeline-seed-0.html")
    await page.goto(url)
    await has("live", page.locator("header"))
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
