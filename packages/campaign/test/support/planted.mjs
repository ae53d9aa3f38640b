// A process of a campaign in which something is wrong: an exchange slower than the client assumes or, with CAMPAIGN_PLANT
// set to exit, a process that ends with its first seeds.
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
