// The walls between rooms: the imports that are not allowed, type imports included.
const pureCore = [
  "BaseUrl",
  "Countdown",
  "FireWindow",
  "HeartbeatError",
  "HeartbeatOptions",
  "HeartbeatStatus",
  "Prometheus",
  "Release",
  "Sighting",
  "Signature",
  "VenueError"
].join("|")
const pureProbe = "cancelling|fit|infer|interval|model|observed|plan|progress|report|timer|venueFile"
const pureCli = `exitCodes|explain|check/advice|probe/(${pureProbe})|run/(line|release|report|supervise)`
const pure = `^packages/(core/src/((${pureCore})\\.ts|internal/window/)|cli/src/(${pureCli})\\.ts|cluster/src/(Continuity|Handover)\\.ts|simulator/src/(exchange|network|journal|timeline)/)`
const shell =
  "^packages/(core/src/(internal/(heartbeat|client|clock|bounded)|Heartbeats?\\.ts|Bitget|ServerClock)|cli/src/(main|exchange|check/check|probe/(exchange|probe|run|session)|run/(liveness|logger|output|ports|program|run|standstill|statusFile|tie|tree|watcher))\\.ts|simulator/src/(world|expect|served)/|virtual-time/)"

/** The rooms of the simulator from the ground up. Each may import the ones before it. */
const rooms = ["exchange", "network", "journal", "timeline", "world", "expect", "served"]

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "pure-imports-no-shell", severity: "error", from: { path: pure }, to: { path: shell } },
    {
      name: "pure-imports-no-clock-and-no-http",
      severity: "error",
      from: { path: pure },
      to: {
        path: "/effect/[a-z/]*(Clock|Random|Runtime|Fiber|Scope)\\.|@effect/platform",
        dependencyTypesNot: ["type-only"]
      }
    },
    {
      name: "simulator-knows-no-client",
      comment: "Each has to show the mistakes of the other.",
      severity: "error",
      from: { path: "^packages/(simulator|virtual-time)/" },
      to: { path: "^(packages/|@effect-deadman/)(core|campaign|examples|cli|cluster)\\b" }
    },
    {
      name: "virtual-time-knows-no-exchange",
      severity: "error",
      from: { path: "^packages/virtual-time/" },
      to: { path: "^(packages/|@effect-deadman/)(?!virtual-time)" }
    },
    {
      name: "core-imports-no-other-package",
      severity: "error",
      from: { path: "^packages/core/src/" },
      to: { path: "^(packages/(?!core/)|@effect-deadman/(?!core))" }
    },
    {
      name: "cli-imports-core-only",
      comment: "A command that people install in a moment. Its tests may use the simulator.",
      severity: "error",
      from: { path: "^packages/cli/src/" },
      to: { path: "^(packages/(?!cli/|core/)|@effect-deadman/(?!core))" }
    },
    {
      name: "no-package-imports-the-cli",
      severity: "error",
      from: { path: "^packages/(?!cli/)" },
      to: { path: "^(packages/|@effect-deadman/)cli\\b" }
    },
    {
      name: "cluster-imports-core-only",
      severity: "error",
      from: { path: "^packages/cluster/src/" },
      to: { path: "^(packages/(?!cluster|core)|@effect-deadman/(?!cluster|core))" }
    },
    {
      name: "cluster-asks-its-engine-in-one-module",
      severity: "error",
      from: { path: "^packages/cluster/src/(?!OwnershipSharding)" },
      to: { path: "@effect/cluster" }
    },
    {
      name: "core-imports-nothing-of-node",
      comment: "Core runs in browsers, too.",
      severity: "error",
      from: { path: "^packages/core/src/" },
      to: { dependencyTypes: ["core"] }
    },
    ...rooms.slice(0, -1).map((room, floor) => ({
      name: `${room}-imports-no-room-above`,
      severity: "error",
      from: { path: `^packages/simulator/src/${room}/` },
      to: { path: `^packages/simulator/src/(${rooms.slice(floor + 1).join("|")})/` }
    })),
    {
      name: "sources-import-no-tests",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { path: "^packages/[^/]+/(test|bench)/" }
    }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.whole.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "default"] },
    exclude: { path: "^packages/[^/]+/dist/" }
  }
}
