/** Lines that scroll and, on a terminal, a status line below them that is painted in place. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Paint from "./Paint.js"

export interface Screen {
  /** Whether there is a status line. */
  readonly inPlace: boolean
  /** Colours, or none where the output has none. */
  readonly colour: Paint.Paint
  readonly print: (line: string) => void
  /** Replaces the status line. Does nothing where there is none. */
  readonly paint: (line: string) => void
}

/** The streams that a screen needs to know of. */
export type Output = Pick<NodeJS.WriteStream, "isTTY" | "columns" | "hasColors" | "write">

/** Whether the output is a terminal that can move its cursor, and no log of a CI run. */
const canPaint = (out: Output): boolean =>
  out.isTTY && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined

export const make = (out: Output): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const inPlace = canPaint(out)
      let shown = ""
      const clear = () => (shown === "" ? "" : "\r\u001b[2K")
      return {
        inPlace,
        // Of the environment `hasColors` respects NO_COLOR, among others.
        colour: out.isTTY && out.hasColors() ? Paint.coloured : Paint.plain,
        print: (line: string) => void out.write(`${clear()}${line}\n${shown}`),
        paint: (line: string) => {
          if (!inPlace) return
          // A line that wraps cannot be erased.
          const next = Paint.cut(line, (out.columns ?? 80) - 1)
          out.write(clear() + next)
          shown = next
        }
      }
    }),
    (screen) => Effect.sync(() => screen.paint(""))
  )
