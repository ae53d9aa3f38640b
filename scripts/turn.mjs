// After each test, lets the worker read its messages. A worker that runs synchronous tests for a minute, as on a busy
// machine, is taken for dead.
import { afterEach } from "vitest"

afterEach(() => new Promise((resolve) => setImmediate(resolve)))
