import { describe, expect, it } from "@effect/vitest"
import * as VenueError from "@effect-deadman/core/VenueError"

const blank = { venueMessage: "", applied: "unknown", retryable: true } as const

const withoutCode: ReadonlyArray<readonly [VenueError.VenueError, what: string]> = [
  [
    new VenueError.TransportFailure({ ...blank, applied: "no", reason: "refused", detail: "" }),
    "connection refused, host or network unreachable"
  ],
  [
    new VenueError.TransportFailure({ ...blank, applied: "no", reason: "unresolved", detail: "" }),
    "host name not resolved"
  ],
  [
    new VenueError.TransportFailure({ ...blank, reason: "lost", detail: "" }),
    "connection reset, closed or not secured"
  ],
  [new VenueError.RequestTimeout({ ...blank, timeoutMillis: 5000 }), "no complete answer within the bound"],
  [
    new VenueError.UnreadableAnswer({ ...blank, reason: "notJson", detail: "" }),
    "empty, truncated, too long or no envelope, under any status; a redirect; success with a failing status"
  ],
  [new VenueError.RateLimited(blank), "HTTP 429 without a code"],
  [new VenueError.UnrecognizedCode(blank), "any other code"]
]

/** A table in the layout of the formatter. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) => `| ${row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

const again = (retryable: boolean) => (retryable ? "yes" : "no")

const rows = [
  ["Class", "When", "`applied`", "`retryable`"],
  ...VenueError.groups.map(({ applied, codes, error, retryable }) => [
    `\`${error._tag}\``,
    codes.join(", "),
    applied,
    again(retryable)
  ]),
  ...withoutCode.map(([error, what]) => [`\`${error._tag}\``, what, error.applied, again(error.retryable)])
]

const examples = VenueError.groups.map(({ codes: [code = ""] }) => VenueError.fromCode({ code, venueMessage: "" }))

const messages = [...examples, ...withoutCode.map(([error]) => error)].map(
  (error) => [error._tag, error.message.replace(/ \(code \d+\)/, "")] as const
)

const page = `# Errors

A call to the exchange fails with one of these classes. \`test/ErrorTable.test.ts\` writes this page from the code, and
\`vitest run -u\` updates it.

- \`applied\` is the effect on the countdown. With \`no\` the earlier countdown runs on unchanged. With \`unknown\` the
  call may have restarted it or turned it off.
- \`retryable\` states whether sending the same call again can help: at once after \`TimestampRefused\`, after a second
  otherwise. A call of unknown outcome is worth another try until the countdown has run out.

The codes count under any HTTP status. A call cannot be signed when the exchange's time cannot be learnt. It fails with
the class of that failure, and \`applied\` is always \`no\`, because nothing was sent.

${table(rows)}

## Messages

${[...new Map(messages.map(([tag, text]) => [text, `- \`${tag}\`: ${text}`])).values()].join("\n")}
`

describe("the error table", () => {
  it("in the documentation equals the one in the code", async () => {
    await expect(page).toMatchFileSnapshot("../docs/errors.md")
  })
})
