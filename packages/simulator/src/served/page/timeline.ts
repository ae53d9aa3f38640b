/**
 * The last minute as a picture: for each account the time left on its countdown, with the beat at each refill, and above
 * it the faults while they were in force. Drawn with the same parts as the exported timeline.
 */
import * as Drawing from "../../timeline/drawing.js"
import type * as History from "../../journal/History.js"
import type * as Journal from "../../journal/Journal.js"
import type { Account, ActiveFault, Entry } from "./control.js"
import { set } from "./dom.js"
import * as Time from "./time.js"

const span = 60_000
const axisTop = 20
const headHeight = 30

/** A few accounts use the height that many would need. On a narrow screen the whole chart stays above the bar. */
const plotHeightOf = (accounts: number, width: number): number =>
  width < 480 ? 96 : accounts === 1 ? 168 : accounts === 2 ? 132 : 104

/** A beat without an answer counts as lost only after this time (ms). */
const patience = 2_000

interface Lane {
  readonly segments: Array<History.Segment>
  readonly fires: Array<{ readonly at: number; readonly deadline: number; cancelled: Array<Journal.CancelRecord> }>
  readonly beats: Array<Journal.RequestRecord>
}

interface Story {
  readonly laneOf: (uid: string) => Lane
  readonly faults: ReadonlyArray<Drawing.Fault>
  readonly maintenance: ReadonlyArray<History.Span>
}

/** Reads the entries that the page has, which may begin in the middle of a run, and the faults in force. */
const storyOf = (entries: ReadonlyArray<Entry>, active: ReadonlyArray<ActiveFault>): Story => {
  const lanes = new Map<string, Lane>()
  const laneOf = (uid: string): Lane => {
    const lane = lanes.get(uid) ?? { segments: [], fires: [], beats: [] }
    lanes.set(uid, lane)
    return lane
  }
  const added = new Map<string, Array<number>>()
  const acted = new Map<string, Array<number>>()
  const over: Array<History.Span> = []
  const maintenance: Array<History.Span> = []
  for (const entry of entries) {
    switch (entry._tag) {
      case "Switch": {
        const { at, by, deadline = at, seconds = 0, transition } = entry
        const { fires, segments } = laneOf(entry.account)
        const last = segments.at(-1)
        const refilled = transition === "armed" || transition === "refreshed"
        if (last?.end === "running")
          segments[segments.length - 1] = { ...last, to: at, end: refilled ? "refreshed" : transition }
        if (refilled) segments.push({ from: at, to: undefined, deadline, seconds, end: "running", by })
        else if (transition === "fired") fires.push({ at, deadline, cancelled: [] })
        break
      }
      case "Cancelled":
        if (entry.cause === "countdown") laneOf(entry.account).fires.at(-1)?.cancelled.push(entry)
        break
      case "Request":
        if (entry.account === undefined || entry.copyOf !== undefined) break
        if (entry.endpoint === "countdown-cancel-all") laneOf(entry.account).beats.push(entry)
        for (const fault of entry.faults) acted.set(fault, [...(acted.get(fault) ?? []), entry.sentAt])
        break
      case "Fault":
        if (entry.change === "added") added.set(entry.fault, [...(added.get(entry.fault) ?? []), entry.at])
        else over.push({ label: entry.fault, from: added.get(entry.fault)?.shift() ?? -Infinity, to: entry.at })
        break
      case "Maintenance":
        if (entry.phase === "begun") maintenance.push({ label: "maintenance", ...entry.window })
        break
    }
  }
  const inForce = active.map(({ fault, since }): History.Span => ({ label: fault, from: since, to: undefined }))
  const faults = [...over, ...inForce].map((fault) => ({
    ...fault,
    acted: (acted.get(fault.label) ?? []).filter((at) => at >= fault.from && at <= (fault.to ?? Infinity))
  }))
  return { laneOf, faults, maintenance }
}

type Outcome = "good" | "refused" | "deaf" | "lost" | "waits"

const outcomeOf = (beat: Journal.RequestRecord, now: number): Outcome => {
  if (beat.receivedAt !== undefined) return beat.code === "00000" ? "good" : "refused"
  if (beat.abortedAt === undefined && now - beat.sentAt < patience) return "waits"
  return beat.appliedAt === undefined ? "lost" : "deaf"
}

const outcomes: Readonly<Record<Outcome, string>> = {
  good: "answered",
  refused: "refused",
  deaf: "applied, but the answer is lost",
  lost: "lost",
  waits: "waiting"
}

/** Each beat where it refilled the countdown, or, if it did not, on the falling line where it was sent. */
const beats = (
  frame: Drawing.Frame,
  { beats, segments }: Lane,
  y: (remaining: number) => number,
  now: number
): string =>
  beats
    .filter((beat) => beat.sentAt >= frame.from)
    .map((beat) => {
      const outcome = outcomeOf(beat, now)
      const refilled = segments.find((segment) => segment.by === beat.id)
      const at = refilled?.from ?? beat.sentAt
      const segment = refilled ?? segments.findLast((segment) => segment.from <= at && (segment.to ?? now) >= at)
      const [column, row] = [frame.x(at), y(segment === undefined ? 0 : segment.deadline - at)]
      const sign =
        outcome === "lost"
          ? Drawing.cross(column, row)
          : `<circle cx="${Drawing.n(column)}" cy="${Drawing.n(row)}" r="3.5"/>`
      return Drawing.titled(`beat ${frame.time(beat.sentAt)}: ${outcomes[outcome]}`, sign, `beat ${outcome}`)
    })
    .join("")

let drawn = ""

export const draw = (
  svg: SVGElement,
  shown: {
    readonly entries: ReadonlyArray<Entry>
    readonly accounts: ReadonlyArray<Account>
    readonly faults: ReadonlyArray<ActiveFault>
    readonly now: number
  }
): void => {
  const { accounts, now } = shown
  const width = Math.max(320, svg.clientWidth)
  const frame = Drawing.frame({ from: now - span, to: now, left: 52, right: width - 16, time: Time.instant })
  const story = storyOf(shown.entries, shown.faults)
  const faults = Drawing.faults(frame, axisTop + 6, story.faults)
  let top = axisTop + 6 + faults.height
  const first = top
  const plotHeight = plotHeightOf(accounts.length, width)
  let lanes = ""
  for (const { openOrders, uid } of accounts) {
    const lane = story.laneOf(uid)
    const box = { top: top + headHeight, height: plotHeight }
    const ceiling = Drawing.ceilingOf(lane.segments.map((segment) => segment.deadline - segment.from))
    lanes +=
      `<text class="name" x="0" y="${top + 15}">${Drawing.escape(uid)}</text>` +
      `<text x="${frame.right}" y="${top + 15}" text-anchor="end">${openOrders} open</text>` +
      Drawing.scale(frame, box, ceiling) +
      Drawing.countdown(frame, box, ceiling, lane.segments) +
      beats(frame, lane, Drawing.rowOf(box, ceiling), now) +
      Drawing.firings(frame, box, lane.fires)
    top += headHeight + plotHeight + 12
  }
  set(svg, { viewBox: `0 0 ${width} ${top}`, height: String(top) })
  const picture =
    Drawing.axis(frame, { top: axisTop, height: top - axisTop }, now, (seconds) =>
      seconds === "0" ? "now" : `${seconds} s`
    ) +
    Drawing.maintenance(frame, { top: first, height: top - first }, story.maintenance) +
    faults.body +
    lanes
  // While the clock is paused, the elements stay, and with them a title that is shown.
  if (picture === drawn) return
  drawn = picture
  svg.innerHTML = picture
}
