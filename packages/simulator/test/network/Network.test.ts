import * as Fault from "@effect-deadman/simulator/Fault"
import * as Latency from "@effect-deadman/simulator/Latency"
import * as Network from "@effect-deadman/simulator/Network"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as fc from "fast-check"

const beat: Network.Request = { account: "1000001", endpoint: "/api/v3/trade/countdown-cancel-all", countdown: "10" }
const disarm: Network.Request = { ...beat, countdown: "0" }
const order: Network.Request = { account: "1000001", endpoint: "/api/v3/trade/place-order" }
const other: Network.Request = { ...beat, account: "1000002" }

const fault = (text: string) => Either.getOrThrow(Fault.parse(text))

/** A network with its current state. */
const network = (texts: ReadonlyArray<string> = [], seed = 1, link?: Partial<Network.Link>) => {
  let state = Network.make({ seed, link })
  const keep = <A>([value, next]: readonly [A, Network.State]): A => {
    state = next
    return value
  }
  for (const text of texts) keep(Network.add(state, fault(text), 0))
  return {
    add: (text: string, now = 0) => keep(Network.add(state, fault(text), now)),
    remove: (id: number) => (state = Network.remove(state, id)),
    depart: (request: Network.Request, now = 0) => keep(Network.depart(state, request, now)),
    arrive: (passage: Network.Passage, now = 0, copy = 0) => keep(Network.arrive(state, passage, now, copy)),
    answer: (passage: Network.Passage, now = 0) => keep(Network.answer(state, passage, now)),
    /** The way of a request that is not held: departure, arrival and answer. */
    way: (request: Network.Request, now = 0): string => {
      const departure = keep(Network.depart(state, request, now))
      if (departure._tag !== "Sent") return departure._tag
      const door = keep(Network.arrive(state, departure.passage, now))
      if (door._tag === "Unanswered") return "Sent Unanswered"
      const answer = keep(Network.answer(state, departure.passage, now))
      const changed = answer._tag === "Sent" && (answer.replace !== undefined || answer.keep !== undefined)
      return `Sent ${door._tag} ${changed ? "Changed" : answer._tag}`
    },
    state: () => state
  }
}

const untouched = "Sent Exchange Sent"

describe("Network", () => {
  it("without faults lets everything through at once", () => {
    const net = network()
    assert.strictEqual(net.way(beat), untouched)
    const departure = net.depart(beat)
    assert.deepStrictEqual(departure, {
      _tag: "Sent",
      passage: { ...beat, ordinal: 1 },
      acted: [],
      arrivals: [{ after: 0, hold: undefined, lag: 0 }]
    })
  })

  it("acts as the name of each kind says", () => {
    const ways: Readonly<Record<Fault.Kind, ReadonlyArray<readonly [settings: string, way: string]>>> = {
      "delay-request": [[";by=2s", untouched]],
      "delay-answer": [[";by=2s", untouched]],
      "drop-request": [["", "Lost"]],
      "drop-answer": [["", "Sent Exchange Lost"]],
      duplicate: [["", untouched]],
      reorder: [["", untouched]],
      partition: [["", "Lost"]],
      "partition-request": [["", "Lost"]],
      "partition-answer": [["", "Sent Exchange Lost"]],
      "refuse-connection": [["", "Refused"]],
      reset: [
        ["", "Sent Exchange Reset"],
        [";direction=request", "Reset"]
      ],
      status: [
        ["", "Sent Gateway Sent"],
        [";direction=answer", "Sent Exchange Changed"]
      ],
      "empty-body": [
        ["", "Sent Exchange Changed"],
        [";direction=request", "Sent Gateway Sent"]
      ],
      "truncated-body": [["", "Sent Exchange Changed"]],
      "garbage-body": [
        ["", "Sent Exchange Changed"],
        [";direction=request", "Sent Gateway Sent"]
      ],
      "rate-limit": [["", "Sent Gateway Sent"]],
      maintenance: [
        ["", "Sent Gateway Sent"],
        [";direction=answer", "Sent Exchange Changed"]
      ],
      "error-after-apply": [
        ["", "Sent Exchange Changed"],
        [";status=504", "Sent Exchange Changed"]
      ],
      hang: [
        ["", "Sent Unanswered"],
        [";direction=answer", "Sent Exchange Lost"]
      ],
      code: [[";code=40014", "Sent Gateway Sent"]]
    }
    assert.deepStrictEqual(Object.keys(ways), [...Fault.kindNames])
    for (const [kind, cases] of Object.entries(ways)) {
      for (const [settings, way] of cases)
        assert.strictEqual(network([kind + settings]).way(beat), way, kind + settings)
    }
  })

  it("adds delays up, on top of the link's own", () => {
    const link = { request: Latency.constant("5 millis"), answer: Latency.constant("7 millis") }
    const net = network(
      ["delay-request;by=100ms", "delay-request;by=1s", "delay-answer;by=30ms", "duplicate;by=2s;copies=2"],
      1,
      link
    )
    const departure = net.depart(beat)
    assert.strictEqual(departure._tag, "Sent")
    if (departure._tag !== "Sent") return
    assert.deepStrictEqual(
      departure.arrivals.map(({ after }) => after),
      [1_105, 3_105, 3_105]
    )
    assert.deepStrictEqual(departure.acted, [
      "delay-request;by=100ms",
      "delay-request;by=1s",
      "duplicate;by=2s;copies=2"
    ])
    assert.deepStrictEqual(net.answer(departure.passage), {
      _tag: "Sent",
      acted: ["delay-answer;by=30ms"],
      after: 37,
      replace: undefined,
      keep: undefined
    })
  })

  it("holds a request that is to be overtaken, and copies no lost request", () => {
    const held = network(["reorder;hold=3s;by=20ms"]).depart(beat)
    assert.deepStrictEqual(held._tag === "Sent" ? held.arrivals : held._tag, [{ after: 0, hold: 3_000, lag: 20 }])
    assert.deepStrictEqual(network(["duplicate", "drop-request"]).depart(beat), {
      _tag: "Lost",
      passage: { ...beat, ordinal: 0 },
      acted: ["duplicate", "drop-request"]
    })
    assert.strictEqual(network(["drop-request", "reset;direction=request"]).depart(beat)._tag, "Reset")
    assert.strictEqual(network(["reset;direction=request", "refuse-connection"]).depart(beat)._tag, "Refused")
  })

  it("answers with the exchange's codes and with pages that are no envelope", () => {
    const door = (text: string) => {
      const net = network([text])
      return net.arrive(net.depart(beat).passage)
    }
    const reply = (text: string) => {
      const at = door(text)
      return at._tag === "Gateway" ? at.reply : assert.fail(at._tag)
    }
    assert.deepStrictEqual(reply("rate-limit"), { _tag: "Code", code: "429" })
    assert.deepStrictEqual(reply("maintenance;code=40725"), { _tag: "Code", code: "40725" })
    const html = reply("status;status=504")
    assert.isTrue(html._tag === "Page" && html.status === 504 && html.body.includes("<title>504 Gateway Time-out"))
    const balancer = reply("status;page=ring-balancer;status=503")
    assert.isTrue(balancer._tag === "Page" && balancer.status === 503 && JSON.parse(balancer.body).message !== "")
    const garbage = reply("garbage-body;direction=request")
    assert.isTrue(garbage._tag === "Page" && garbage.status === 200)
    assert.throws(() => JSON.parse(garbage._tag === "Page" ? garbage.body : "{}"))
  })

  it("selects by account, endpoint and countdown", () => {
    const lost = (text: string) =>
      [beat, disarm, order, other].map((request) => network([`drop-request;${text}`]).way(request) === "Lost")
    assert.deepStrictEqual(lost("account=1000001"), [true, true, true, false])
    assert.deepStrictEqual(lost("account=1000002,1000003"), [false, false, false, true])
    assert.deepStrictEqual(lost("endpoint=place-order"), [false, false, true, false])
    assert.deepStrictEqual(lost("endpoint=order"), [false, false, false, false])
    assert.deepStrictEqual(lost("endpoint=trade/countdown-cancel-all,place-order"), [true, true, true, true])
    assert.deepStrictEqual(lost("countdown=0"), [false, true, false, false])
    assert.deepStrictEqual(lost("countdown=on"), [true, false, false, true])
    assert.deepStrictEqual(lost("countdown=10;account=1000002"), [false, false, false, true])
  })

  it("lets the first requests pass, acts `times` times, and counts only requests that it could act on", () => {
    const net = network(["drop-answer;after=2;times=3;countdown=on"])
    const ways = [beat, disarm, beat, beat, order, beat, beat, beat, beat].map((request) => net.way(request))
    const lost = "Sent Exchange Lost"
    assert.deepStrictEqual(ways, [untouched, untouched, untouched, lost, untouched, lost, lost, untouched, untouched])
    const [active] = net.state().faults
    assert.deepStrictEqual([active?.seen, active?.acted], [7, 3])
  })

  it("with `after` or `times`, ignores requests without an account unless the endpoint is named", () => {
    const time: Network.Request = { account: undefined, endpoint: "/api/v2/public/time" }
    const ways = (text: string) => {
      const net = network([text])
      return [time, beat, time, time, beat, beat].map((request) => net.way(request) === untouched)
    }
    assert.deepStrictEqual(ways("drop-answer;times=1"), [true, false, true, true, true, true])
    assert.deepStrictEqual(ways("drop-answer;after=1"), [true, true, true, true, false, false])
    assert.deepStrictEqual(ways("rate-limit;after=1;times=1"), [true, true, true, true, false, true])
    assert.deepStrictEqual(ways("drop-answer;times=2;endpoint=public/time"), [false, true, false, true, true, true])
    assert.deepStrictEqual(ways("drop-answer"), [false, false, false, false, false, false])
  })

  it("counts a request and its answer once, in a partition too", () => {
    const net = network(["partition;after=2;times=1"])
    assert.deepStrictEqual(
      [1, 2, 3, 4].map(() => net.way(beat)),
      [untouched, untouched, "Lost", untouched]
    )
    // Two requests and their answers pass, although a third request was lost meanwhile.
    const cut = network(["partition;after=2"])
    const under = [cut.depart(beat), cut.depart(beat)]
    assert.strictEqual(cut.depart(beat)._tag, "Lost")
    assert.deepStrictEqual(
      under.map(({ passage }) => cut.answer(passage)._tag),
      ["Sent", "Sent"]
    )
    // One that could have acted on the request, and by chance did not, may still act on the answer.
    const chance = network(["partition;after=0;probability=0"]).depart(beat)
    assert.deepStrictEqual(chance.passage, { ...beat, ordinal: 0 })
    // An answer whose request left before the partition began counts.
    const late = network()
    const before = late.depart(beat)
    late.add("partition;times=1")
    assert.strictEqual(late.answer(before.passage)._tag, "Lost")
    assert.strictEqual(late.way(beat), untouched)
  })

  it("acts in its span, from its beginning and not at its end, counted from when it was added", () => {
    const net = network()
    net.add("drop-request;from=5s;for=10s", 1_000)
    const lost = [1_000, 5_999, 6_000, 15_999, 16_000].map((now) => net.way(beat, now) === "Lost")
    assert.deepStrictEqual(lost, [false, false, true, true, false])
  })

  it("loses the answer of a request that was under way when the partition began", () => {
    const net = network()
    const departure = net.depart(beat)
    net.add("partition")
    assert.strictEqual(net.arrive(departure.passage)._tag, "Exchange")
    assert.strictEqual(net.answer(departure.passage)._tag, "Lost")
  })

  it("acts on the share that its probability says", () => {
    const net = network(["drop-request;probability=0.3"])
    const lost = Array.from({ length: 5_000 }, () => net.way(beat)).filter((way) => way === "Lost").length
    assert.closeTo(lost, 1_500, 150)
    assert.strictEqual(network(["drop-request;probability=0"]).way(beat), untouched)
    assert.strictEqual(network(["drop-request;probability=1"]).way(beat), "Lost")
  })

  const chance = fc.constantFrom(
    "drop-request;probability=0.3",
    "drop-answer;probability=0.5",
    "delay-request;by=exp(200ms);probability=0.7",
    "delay-answer;by=uniform(0ms,3s)",
    "duplicate;by=exp(1s);probability=0.4",
    "garbage-body;probability=0.2",
    "status;probability=0.2"
  )
  const run = (net: ReturnType<typeof network>, requests: ReadonlyArray<Network.Request>) =>
    requests.map((request) => {
      const departure = net.depart(request)
      return [departure, net.arrive(departure.passage), net.answer(departure.passage)]
    })

  it("decides the same for the same seed, and something else for another", () => {
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 5 }), fc.nat(), (texts, seed) => {
        const requests = Array.from({ length: 20 }, () => beat)
        assert.deepStrictEqual(run(network(texts, seed), requests), run(network(texts, seed), requests))
      })
    )
    const lost = (seed: number) => {
      const net = network(["drop-request;probability=0.5"], seed)
      return Array.from({ length: 64 }, () => net.way(beat)).join()
    }
    assert.notStrictEqual(lost(1), lost(2))
  })

  it("shifts no other decision when a fault is removed, or another account's bot", () => {
    const acting = (of: string, texts: ReadonlyArray<string>, requests: ReadonlyArray<Network.Request>) => {
      const net = network(texts)
      return run(net, requests).flatMap((moments, index) =>
        requests[index] === beat ? [moments.flatMap(({ acted }) => acted.filter((text) => text === of))] : []
      )
    }
    fc.assert(
      fc.property(
        fc.uniqueArray(chance, { minLength: 1, maxLength: 7 }),
        fc.array(fc.constantFrom(beat, other), { maxLength: 60 }),
        (texts, requests) => {
          // Lost requests arrive here all the same, so that only random draws can differ.
          const [of = "", ...rest] = texts
          const alone = requests.filter((request) => request === beat)
          const door = (texts: ReadonlyArray<string>) => acting(of, texts, requests)
          assert.deepStrictEqual(door([of]), door([...rest, of]))
          assert.deepStrictEqual(door([of, ...rest]), acting(of, [of, ...rest], alone))
        }
      )
    )
  })

  it("gives equal faults that are in force together different streams", () => {
    const net = network(["drop-request;probability=0.5", "drop-request;probability=0.5"])
    const acted = Array.from({ length: 200 }, () => net.depart(beat).acted.length)
    assert.deepStrictEqual([...new Set(acted)].sort(), [0, 1, 2])
  })

  it("removes a fault, and keeps the ids of the others", () => {
    const net = network(["drop-request", "delay-request;by=1s"])
    net.remove(1)
    net.remove(9)
    const departure = net.depart(beat)
    assert.deepStrictEqual(departure.acted, ["delay-request;by=1s"])
    assert.strictEqual(net.add("hang").id, 3)
    assert.deepStrictEqual(Network.heal(net.state()).faults, [])
  })
})
