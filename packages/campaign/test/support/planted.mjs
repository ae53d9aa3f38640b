// A process of a campaign in which something is wrong: a venue slower than the client was told, or, with CAMPAIGN_PLANT
// set to exit, a process that is gone with its first seeds.
import process from "node:process"
import * as Plan from "../../dist/Plan.js"
import * as Processes from "../../dist/Processes.js"

if (process.env.CAMPAIGN_PLANT === "exit") process.on("message", () => process.exit(3))
else {
  Processes.serve((seed) => {
    const plan = Plan.draw(seed, { stack: "port" })
    return { ...plan, venue: { ...plan.venue, sweepPeriod: 6_000 } }
  })
}
