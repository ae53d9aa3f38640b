// The modules that `pnpm mutate` changes, and the test files that judge each of them. A mutant runs only these files,
// so they are few and quick. The order is that of a run over all.
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
  "packages/simulator/src/exchange/timers.ts": simulator("exchange/Exchange", "exchange/Lives"),
  "packages/simulator/src/exchange/book.ts": simulator(
    "exchange/Exchange",
    "exchange/Protocol",
    "exchange/UnfilledOrders"
  ),
  "packages/simulator/src/network/Fault.ts": simulator("network/Fault"),
  "packages/simulator/src/network/Network.ts": simulator("network/Network"),
  "packages/simulator/src/journal/replay.ts": simulator("journal/Journal"),
  "packages/simulator/src/served/guard.ts": simulator("served/guard"),
  "packages/core/src/internal/heartbeat/lastWrite.ts": core("HeartbeatRelease"),
  "packages/core/src/internal/heartbeat/ledger.ts": core("internal/heartbeat/ledger", "HeartbeatTelling"),
  "packages/core/src/internal/heartbeat/writer.ts": core("internal/heartbeat/writer")
}
