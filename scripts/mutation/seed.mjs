// Properties draw the same examples in each run, so that a score can be repeated.
import * as fc from "fast-check"

fc.configureGlobal({ seed: 4711 })
