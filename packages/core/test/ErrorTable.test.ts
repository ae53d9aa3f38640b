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
    "empty, truncated, too long or no envelope, whatever the status; redirect; success that contradicts itself"
  ],
  [new VenueError.RateLimited(blank), "HTTP 429 without a code"],
  [new VenueError.UnrecognizedCode(blank), "any code that is not above"]
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

Every call to the exchange fails with one of these classes. This page is written by \`test/ErrorTable.test.ts\` from the code;
\`vitest run -u\` brings it up to date.

- \`applied\` says what is known of the countdown after the failure: with \`no\` the earlier one runs on untouched, with
  \`unknown\` it may have been restarted or switched off.
- \`retryable\` says whether sending the same call again can help: at once after \`TimestampRefused\`, a second later after
  anything else. What is of unknown outcome is worth another try until the countdown has run out.

The codes count whatever the HTTP status is. A call that could not be signed, because the exchange's clock could not be asked
for, fails with the class of that failure and \`applied\` is \`no\`, whatever the table says: nothing was sent.

${table(rows)}

## What the messages say

${[...new Map(messages.map(([tag, text]) => [text, `- \`${tag}\`: ${text}`])).values()].join("\n")}
`

describe("the error table", () => {
  it("in the docs equals that in the code", async () => {
    await expect(page).toMatchFileSnapshot("../docs/errors.md")
  })
})
