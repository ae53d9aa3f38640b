/**
 * The page around the picture: the figures of each account, the legend, and the run as text.
 */
import type * as History from "../journal/History.js"
import * as Story from "../journal/History.js"
import type { Frame, Options } from "./picture.js"
import { cross, escape, largest, palette } from "./drawing.js"
import { frameOf, svg, zoomsOf } from "./picture.js"

const pageStyle =
  `:root{color-scheme:light dark;${palette.light}}@media (prefers-color-scheme:dark){:root{${palette.dark}}}` +
  `*{box-sizing:border-box}body{margin:0;padding:28px 32px 40px;background:var(--ground);color:var(--ink);` +
  `font:14px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}` +
  `h1{font-size:21px;margin:0;letter-spacing:-.01em}.sub{color:var(--soft);margin:2px 0 18px}` +
  `.cards{display:flex;flex-wrap:wrap;gap:12px;margin:0 0 18px}` +
  `.card{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:10px 16px}` +
  `.card h2{font-size:13px;margin:0 0 4px}.card dl{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0}` +
  `.card dt{font-size:11px;color:var(--soft)}.card dd{margin:0;font-size:18px;font-weight:620}` +
  `.card div.alarm dd{color:var(--fired)}` +
  `.bar{display:flex;flex-wrap:wrap;gap:12px;align-items:center;justify-content:space-between;margin:0 0 8px}` +
  `.bar fieldset{display:flex;border:0;padding:0;margin:0}` +
  `.bar legend{float:left;padding:0 10px 0 0;color:var(--soft);line-height:30px}` +
  `.bar input{position:absolute;opacity:0;pointer-events:none}` +
  `.bar label,.bar a{display:block;border:1px solid var(--line);background:var(--paper);padding:0 13px;line-height:28px;` +
  `color:var(--ink);text-decoration:none;cursor:pointer;font-size:13px}.bar a{border-radius:7px}` +
  `.bar label{margin-left:-1px}.bar label:first-of-type{border-radius:7px 0 0 7px}` +
  `.bar label:last-of-type{border-radius:0 7px 7px 0}` +
  `.bar input:checked+label{background:var(--ink);border-color:var(--ink);color:var(--ground)}` +
  `.bar input:focus-visible+label,.bar a:focus-visible,.pane:focus-visible{outline:2px solid var(--orders);outline-offset:2px}` +
  // Not `display: none`, which would take the patterns of the first picture from the others.
  `.pane{height:0;overflow:hidden;visibility:hidden}.pane svg{display:block}` +
  `.pane.z1 svg{width:100%;min-width:760px;height:auto}` +
  `.legend{display:flex;flex-wrap:wrap;gap:6px 20px;margin:14px 0;padding:0;list-style:none;color:var(--soft);font-size:12px}` +
  `.legend li{display:flex;align-items:center;gap:7px}.legend svg{flex:none}` +
  `details{margin-top:18px}summary{cursor:pointer;color:var(--soft)}` +
  `pre{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:14px 16px;overflow-x:auto;` +
  `font:12px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}`

const sign = (body: string): string =>
  `<svg class="dm" width="26" height="14" viewBox="0 0 26 14" aria-hidden="true">${body}</svg>`

const legend = (history: History.History): string => {
  const believes = history.lanes.some((lane) => lane.windows.length > 0)
  const copies = history.lanes.some((lane) => lane.requests.some((record) => record.copyOf !== undefined))
  const items: ReadonlyArray<readonly [string, string]> = [
    [`<circle cx="13" cy="7" r="4.5" fill="var(--calm)"/>`, "beat, applied and answered"],
    [`<circle cx="13" cy="7" r="4.5" fill="var(--soon)"/>`, "refused, or its answer is lost"],
    [`<path class="lost" d="M13 0V7"/>${cross(13, 8)}`, "lost"],
    [`<rect x="8.5" y="2.5" width="9" height="9" fill="var(--calm)"/>`, "switched off"],
    ...(copies
      ? [[`<path class="out" stroke-dasharray="5 3" d="M2 2L24 12"/>`, "copy that the network made"] as const]
      : []),
    [
      `<polygon class="segment" points="3,13 3,1 23,13"/><path class="edge" d="M3 13V1L23 13"/>`,
      "countdown of the exchange"
    ],
    ...(believes
      ? [[`<polygon class="believed" points="3,6 3,1 23,9 23,13 16,13"/>`, "window that the bot believes in"] as const]
      : []),
    [
      `<path d="M13 0V14" stroke="var(--fired)" stroke-dasharray="2 3"/><circle cx="13" cy="9" r="4.5" fill="var(--fired)"/>`,
      "fired: all orders cancelled"
    ],
    [`<rect class="bare" x="2" y="1" width="22" height="12"/>`, "orders open, switch not armed"],
    [`<path class="orders" d="M2 13V5H24V13Z"/><path class="ordersEdge" d="M2 5H24"/>`, "open orders"]
  ]
  return `<ul class="legend">${items.map(([body, text]) => `<li>${sign(body)}${text}</li>`).join("")}</ul>`
}

const card = (frame: Frame, lane: History.Lane): string => {
  const inside = (at: number | undefined) => at !== undefined && at >= frame.from && at <= frame.to
  const beats = lane.beats.filter((beat) => beat.record.copyOf === undefined && inside(beat.record.sentAt))
  const lost = beats.filter((beat) =>
    ["request lost", "answer lost", "refused", "not handled"].includes(Story.fateOf(beat.record))
  )
  const fires = lane.fires.filter((fire) => inside(fire.at))
  const closest = -largest(
    -Infinity,
    lane.segments
      .filter((segment) => segment.end !== "fired" && segment.end !== "running")
      .map((segment) => (segment.to ?? segment.from) - segment.deadline)
  )
  const items: ReadonlyArray<readonly [string, string, boolean]> = [
    ["beats", String(beats.length), false],
    ["lost", String(lost.length), false],
    ["fired", String(fires.length), fires.length > 0],
    ["cancelled by it", String(fires.reduce((sum, fire) => sum + fire.cancelled.length, 0)), false],
    ["closest to firing", Number.isFinite(closest) ? `${(closest / 1000).toFixed(3)} s` : "\u2013", false],
    ["open at the end", String(Story.openOrders(lane, frame.to).length), false]
  ]
  return (
    `<section class="card"><h2>${escape(lane.account)}</h2><dl>` +
    items
      .map(([name, value, alarm]) => `<div${alarm ? ' class="alarm"' : ""}><dt>${name}</dt><dd>${value}</dd></div>`)
      .join("") +
    `</dl></section>`
  )
}

const zoomBar = (zooms: ReadonlyArray<number>, seed: number): string =>
  `<div class="bar"><fieldset><legend>Zoom</legend>` +
  zooms
    .map(
      (zoom) =>
        `<input type="radio" name="zoom" id="z${zoom}"${zoom === 1 ? " checked" : ""}>` +
        `<label for="z${zoom}">${zoom === 1 ? "Fit" : `${zoom} \u00d7`}</label>`
    )
    .join("") +
  // An empty address is that of the page itself, whether a server or a disk has it.
  `</fieldset><a href="" download="timeline-seed-${seed}.html">Download</a></div>`

const panes = (history: History.History, options: Options, zooms: ReadonlyArray<number>): string =>
  zooms
    .map((zoom) => {
      const name = zoom === 1 ? "The timeline" : `The timeline, ${zoom} times as wide`
      return (
        `<style>body:has(#z${zoom}:checked) .z${zoom}{height:auto;overflow-x:auto;visibility:visible}</style>` +
        `<div class="pane z${zoom}" tabindex="0" role="region" aria-label="${name}">${svg(history, options, zoom)}</div>`
      )
    })
    .join("\n")

/** A page that opens from disk. */
export const html = (
  history: History.History,
  options: Options & { readonly title?: string | undefined },
  text: string
): string => {
  const frame = frameOf(history, options)
  const lanes = history.lanes.filter((lane) => options.account === undefined || lane.account === options.account)
  const title = escape(options.title ?? "Dead man's switch")
  const missing = history.evidence.dropped === 0 ? "" : ` · ${history.evidence.dropped} older entries are missing`
  const length = `${((frame.to - frame.from) / 1000).toFixed(3)} s`
  const cards = lanes.length > 12 ? "" : `<div class="cards">${lanes.map((lane) => card(frame, lane)).join("")}</div>`
  const zooms = zoomsOf(history, options)
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${title}</title><style>${pageStyle}</style></head>\n<body><main><h1>${title}</h1>` +
    `<p class="sub">seed ${history.evidence.seed} · ${length} · ${lanes.length} account${lanes.length === 1 ? "" : "s"}${missing}</p>\n` +
    `${cards}\n${zoomBar(zooms, history.evidence.seed)}\n${panes(history, options, zooms)}\n${legend(history)}\n` +
    `<details><summary>The same as text</summary><pre>${escape(text)}</pre></details></main></body></html>\n`
  )
}
