/** The stamps that a plan draws reach the client of the whole stack. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Plan from "../src/Plan.js"
import * as Stamps from "../src/Stamps.js"

const drawn = Plan.draw(0, { stack: "http" })

const planWith = (venue: Partial<Plan.Plan["venue"]>): Plan.Plan => ({
  ...drawn,
  venue: { ...drawn.venue, wrongMachine: undefined, ...venue },
  clock: { ...drawn.clock, machineSkew: 0 }
})

const accepted = "x-bg-request-accept-time"
const exchange = HttpClient.make((request) =>
  Effect.succeed(
    HttpClientResponse.fromWeb(
      request,
      new Response('{"code":"00000","msg":"success","requestTime":1000,"data":{}}', { headers: { [accepted]: "1000" } })
    )
  )
)

/** The stamps on the first `count` answers: the header, and `requestTime`. */
const stampsOf = (plan: Plan.Plan, path: string, count: number) => {
  const client = Stamps.client(exchange, plan)
  const read = Effect.gen(function* () {
    const answer = yield* client.get(`https://bitget.test/api/v3/trade/${path}`)
    const body = (yield* answer.json) as { readonly requestTime?: number }
    return [answer.headers[accepted], body.requestTime] as const
  })
  return Effect.all(Array.from({ length: count }, () => read))
}

describe("The stamps of the whole stack", () => {
  for (const { stamps, header, requestTime } of [
    { stamps: "headers", header: "1000", requestTime: 1_000 },
    { stamps: "requestTime", header: undefined, requestTime: 1_000 },
    { stamps: "zero", header: undefined, requestTime: 0 },
    { stamps: "none", header: undefined, requestTime: undefined }
  ] as const) {
    it.effect(`are as drawn: ${stamps}`, () =>
      Effect.gen(function* () {
        const [answer] = yield* stampsOf(planWith({ stamps }), "countdown-cancel-all", 1)
        assert.deepStrictEqual(answer, [header, requestTime])
      })
    )
  }

  it.effect("come from a wrong machine in the answer that the plan names", () =>
    Effect.gen(function* () {
      const plan = planWith({ stamps: "headers", wrongMachine: { answer: 1, by: 5_000 } })
      const answers = yield* stampsOf(plan, "countdown-cancel-all", 3)
      assert.deepStrictEqual(answers, [
        ["1000", 1_000],
        ["6000", 6_000],
        ["1000", 1_000]
      ])
    })
  )

  it.effect("are left alone in answers to other calls", () =>
    Effect.gen(function* () {
      const [answer] = yield* stampsOf(planWith({ stamps: "none" }), "unfilled-orders", 1)
      assert.deepStrictEqual(answer, ["1000", 1_000])
    })
  )
})
