/** Checks the parts of the documentation that no compiler checks: tables, faults, and programs in other languages. */
import * as Expect from "@effect-deadman/simulator/Expect"
import * as Fault from "@effect-deadman/simulator/Fault"
import type * as History from "@effect-deadman/simulator/History"
import * as Latency from "@effect-deadman/simulator/Latency"
import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Vm from "node:vm"
import * as Processes from "./support/Processes.js"

const folder = Path.join(import.meta.dirname, "..")
const read = (page: string): string => Fs.readFileSync(Path.join(folder, page), "utf8")

/** The cells of the table of a page whose head begins like this. */
const table = (page: string, head: string): Array<Array<string>> => {
  const lines = read(page).split("\n")
  const start = lines.findIndex((line) => new RegExp(`^\\| ${head} +\\|`).test(line))
  assert.isAtLeast(start, 0, `${page} has a table "${head}"`)
  const rest = lines.slice(start + 2)
  return rest.slice(0, rest.indexOf("")).map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim())
  )
}

const codes = (cell: string | undefined): Array<string> =>
  [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")

const block = (page: string, info: string): string => {
  const found = new RegExp(`^\`\`\`${info}\n(.*?)^\`\`\``, "ms").exec(read(page))?.[1]
  assert.isDefined(found, `${page} has a block "${info}"`)
  return found ?? ""
}

describe("Documentation", () => {
  it("the table of faults has every kind, with its settings and their defaults", () => {
    const rows = table("docs/faults.md", "Kind")
    assert.sameMembers(
      rows.flatMap(([kinds]) => codes(kinds)),
      [...Fault.kindNames]
    )
    for (const [kinds, settings = ""] of rows) {
      for (const kind of codes(kinds)) {
        for (const [, setting, value] of settings.matchAll(/`(\w+)` \(([^)]+)\)/g)) {
          const told = Either.getOrThrow(Fault.parse(`${kind};${setting}=${value}`))
          assert.deepStrictEqual(Either.getOrThrow(Fault.parse(kind)), told, `${kind} has ${setting}=${value}`)
        }
      }
    }
    for (const [selection] of table("docs/faults.md", "Limited to")) {
      for (const code of codes(selection)) assert.isTrue(Either.isRight(Fault.parse(`drop-answer;${code}`)), code)
    }
    for (const line of block("docs/faults.md", "text faults").trim().split("\n"))
      assert.isTrue(Either.isRight(Fault.parse(line)), line)
    // Everything in that paragraph that looks like a length is one.
    const lengths = codes(/^A length is .*$/m.exec(read("docs/faults.md"))?.[0]).filter((code) =>
      /^(\d|[a-z]+\()/.test(code)
    )
    assert.lengthOf(lengths, 7)
    for (const length of lengths) assert.isTrue(Either.isRight(Latency.parse(length)), length)
  })

  it("the table of expectations has every expectation, as code that runs", () => {
    const { Expectation, ExpectationFailed: _, ...all } = Expect
    const rows = table("docs/expectations.md", "Expectation").map(([code]) => codes(code)[0] ?? "")
    assert.sameMembers(
      rows.map((code) => code.slice(0, code.indexOf("("))),
      Object.keys(all)
    )
    const evidence: History.Evidence = {
      seed: 0,
      start: 0,
      now: 1,
      entries: [{ _tag: "Start", at: 0, seed: 0, venue: Venue.defaults, accounts: [] }],
      dropped: 0
    }
    for (const code of rows) {
      const expectation: unknown = Vm.runInNewContext(code, { ...all })
      assert.instanceOf(expectation, Expectation, code)
      if (!(expectation instanceof Expectation)) continue
      const failed = Option.getOrUndefined(expectation.judge(evidence))
      assert.notInclude(failed?.observed ?? "", "was asked for", code)
    }
  })

  it(
    "the served exchange starts by the printed command, and the printed programs run",
    { timeout: Processes.patience },
    async () => {
      const line = /^npx @effect-deadman\/simulator serve (.*)$/m.exec(read("README.md"))?.[1] ?? ""
      assert.include(line, "--port 8080")
      const server = await Processes.serve(...line.replace("--port 8080", "--port 0").split(" "))
      const python = await Processes.run("python3", ["-c", block("docs/served.md", "python")], server.variables)
      assert.strictEqual(python.code, 0, python.out)
      const commands = /^```sh\n(json=.*?)^```/ms.exec(read("README.md"))?.[1] ?? ""
      assert.include(commands, "http://127.0.0.1:8080")
      const here = commands.replaceAll("http://127.0.0.1:8080", server.variable("BITGET_BASE_URL"))
      const answers = await Processes.run("sh", ["-ec", here])
      assert.strictEqual(answers.code, 0, answers.out)
      assert.include(answers.out, "FIRED, cancels 1")
      assert.include(answers.out, "+ drop-answer;times=1")
      assert.notInclude(answers.out, "error")
    }
  )

  it("the Python file drives the control API", { timeout: Processes.patience }, async () => {
    const server = await Processes.serve("--port", "0", "--clock", "manual")
    const file = Path.join(folder, "docs", "control.py")
    const drive = () => Processes.run("python3", [file, server.variable("BITGET_BASE_URL")])
    const first = await drive()
    assert.strictEqual(first.code, 0, first.out)
    assert.match(first.out, /holds {2}armedThroughout[^]*holds {2}ordersCancelled/)
    // The second run begins with a switch that has fired, and says what does not hold.
    const second = await drive()
    assert.strictEqual(second.code, 1, second.out)
    assert.match(second.out, /BROKEN armedThroughout/)
  })

  it("every link to a file leads to one", () => {
    const pages = ["README.md", ...Fs.readdirSync(Path.join(folder, "docs")).map((name) => `docs/${name}`)]
    for (const page of pages) {
      const links = [...read(page).matchAll(/\]\(([^):]+)\)/g)].map((match) => match[1] ?? "")
      for (const link of links) {
        const file = Path.join(folder, Path.dirname(page), link.replace(/#.*/, ""))
        assert.isTrue(Fs.existsSync(file), `${page}: ${link}`)
      }
    }
  })
})
