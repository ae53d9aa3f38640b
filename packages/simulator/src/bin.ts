#!/usr/bin/env node
/**
 * The command `effect-deadman-simulator`. It needs packages that a test in memory does not, which are therefore optional:
 * where one is missing, this says what to install.
 *
 * @since 0.1.0
 */
const missing = (error: unknown): string | undefined => {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (code !== "ERR_MODULE_NOT_FOUND") return undefined
  return /Cannot find package '([^']+)'/.exec(String(message))?.[1]
}

import("./internal/cli.js").then(
  (cli) => cli.run(process.argv),
  (error: unknown) => {
    const name = missing(error)
    if (name === undefined) throw error
    process.stderr.write(
      `effect-deadman-simulator needs ${name}, which is not installed. Install what it needs:\n` +
        `  npm install --save-dev @effect/cli@0.77 @effect/platform@0.97 @effect/platform-node@0.108 ` +
        `@effect/printer@0.51 @effect/printer-ansi@0.51\n`
    )
    process.exitCode = 1
  }
)
