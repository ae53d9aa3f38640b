// The modules that `pnpm mutate` changes, and the test files that judge each of them. A mutant runs only these files,
// so they are few and quick, the quickest first. The order is that of a run over all.
const core = (...names) => names.map((name) => `packages/core/test/${name}.test.ts`)
const cluster = (...names) => names.map((name) => `packages/cluster/test/${name}.test.ts`)
const simulator = (...names) => names.map((name) => `packages/simulator/test/${name}.test.ts`)

export const modules = {
  "packages/core/src/FireWindow.ts": core("FireWindow"),
  "packages/core/src/internal/window/gap.ts": core("FireWindow", "Sighting"),
  "packages/core/src/internal/window/models.ts": core("FireWindow"),
  "packages/core/src/Sighting.ts": core("Sighting"),
  "packages/core/src/HeartbeatStatus.ts": core("HeartbeatStatus"),
  "packages/core/src/HeartbeatOptions.ts": core("HeartbeatOptions"),
  "packages/core/src/Countdown.ts": core("Countdown"),
  "packages/core/src/VenueError.ts": core("VenueError", "ErrorTable"),
  "packages/core/src/Release.ts": core("Release"),
  "packages/core/src/BaseUrl.ts": core("BaseUrl"),
  "packages/core/src/Signature.ts": core("Signature"),
  "packages/core/src/internal/client/offset.ts": core("ServerClock"),
  "packages/cluster/src/Continuity.ts": cluster("Continuity"),
  "packages/cluster/src/Handover.ts": cluster("Handover"),
  "packages/simulator/src/exchange/Exchange.ts": simulator(
    "exchange/Accounts",
    "exchange/Book",
    "exchange/Maintenance",
    "exchange/Exchange",
    "exchange/Lives"
  ),
  "packages/simulator/src/exchange/Protocol.ts": simulator(
    "exchange/Answers",
    "exchange/Unknowns",
    "exchange/UnfilledOrders",
    "exchange/Protocol"
  ),
  "packages/simulator/src/exchange/timers.ts": simulator(
    "exchange/Accounts",
    "exchange/Unknowns",
    "exchange/Maintenance",
    "exchange/Exchange",
    "exchange/Lives"
  ),
  "packages/simulator/src/exchange/book.ts": simulator(
    "exchange/Book",
    "exchange/Accounts",
    "exchange/UnfilledOrders",
    "exchange/Exchange",
    "exchange/Protocol"
  ),
  "packages/simulator/src/network/Fault.ts": simulator("network/FaultText", "network/Fault"),
  "packages/simulator/src/network/Network.ts": simulator("network/Decisions", "network/Network"),
  "packages/simulator/src/journal/replay.ts": simulator("journal/Replay", "journal/Journal"),
  "packages/simulator/src/expect/judging.ts": simulator("expect/Judgements", "expect/Expect"),
  "packages/simulator/src/expect/anything.ts": simulator("expect/Judgements", "expect/Expect"),
  "packages/simulator/src/expect/beats.ts": simulator("expect/Judgements", "expect/Expect"),
  "packages/simulator/src/expect/orders.ts": simulator("expect/Judgements", "expect/Expect"),
  "packages/simulator/src/expect/switch.ts": simulator("expect/Judgements", "expect/Expect"),
  "packages/simulator/src/served/guard.ts": simulator("served/guard"),
  "packages/core/src/internal/heartbeat/lastWrite.ts": core("HeartbeatRelease"),
  "packages/core/src/internal/heartbeat/ledger.ts": core("internal/heartbeat/ledger", "HeartbeatTelling"),
  "packages/core/src/internal/heartbeat/writer.ts": core("internal/heartbeat/writer")
}
