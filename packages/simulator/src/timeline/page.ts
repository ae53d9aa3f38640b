/**
 * The page around the picture: the figures of each account, the legend, and the run as text.
 */
import type * as History from "../journal/History.js"
import * as Story from "../journal/History.js"
import type { Frame, Options } from "./picture.js"
import { cross, escape, largest, palette } from "./drawing.js"
import { frameOf, svg } from "./picture.js"

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
  `.scroll{overflow-x:auto}.scroll svg{display:block}` +
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
    [`<circle cx="13" cy="7" r="4.5" fill="var(--soon)"/>`, "refused, or answered as an error"],
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
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${title}</title><style>${pageStyle}</style></head>\n<body><h1>${title}</h1>` +
    `<p class="sub">seed ${history.evidence.seed} · ${length} · ${lanes.length} account${lanes.length === 1 ? "" : "s"}${missing}</p>\n` +
    `${cards}\n<div class="scroll">${svg(history, options)}</div>\n${legend(history)}\n` +
    `<details><summary>The same as text</summary><pre>${escape(text)}</pre></details></body></html>\n`
  )
}
