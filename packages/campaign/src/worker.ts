/** One process of a campaign with `--processes`. */
import * as Processes from "./Processes.js"

Processes.serve()
