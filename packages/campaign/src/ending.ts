/** Cleans up when this process ends, also by a signal. */
export const onEnd = (clean: () => void): void => {
  process.on("exit", clean)
  for (const [signal, code] of [
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    process.on(signal, () => process.exit(code))
  }
}
