// `pnpm start:live` runs the template bot against the real exchange, with your credentials. It sends the heartbeat, and
// places orders only when BOT_ORDERS, BOT_PRICE and BOT_QTY are set.
// Ctrl-C turns the switch off and logs the outcome.
const set = (name: string): boolean => (process.env[name] ?? "").trim() !== ""

const missing = [
  ...["BITGET_API_KEY", "BITGET_PASSPHRASE"].filter((name) => !set(name)),
  ...(set("BITGET_SECRET_KEY") || set("BITGET_RSA_PRIVATE_KEY")
    ? []
    : ["BITGET_SECRET_KEY (or BITGET_RSA_PRIVATE_KEY, a PKCS#8 PEM)"])
]

if (missing.length > 0) {
  console.error(`This runs against the real exchange and needs credentials. Not set: ${missing.join(", ")}.

  BITGET_API_KEY, BITGET_SECRET_KEY, BITGET_PASSPHRASE
                        a key of a unified trading account with the permission to trade (read & write)
  BITGET_BASE_URL       the address of the exchange, if not https://api.bitget.com
  BITGET_DEMO_TRADING   true, for a key of demo trading

Create a key at bitget.com under "API Management". Bitget's business development opens the countdown (CountDown Cancel
All) to an account on request. Without that, the exchange refuses the permission.

To try it without an account, run: pnpm start`)
  process.exitCode = 1
} else {
  const where = process.env["BITGET_BASE_URL"] ?? "https://api.bitget.com"
  const orders = set("BOT_ORDERS") ? `BOT_ORDERS=${process.env["BOT_ORDERS"]}` : "no orders"
  console.log(`Against ${where}: the heartbeat, and ${orders}. Ctrl-C turns the switch off.`)
  await import("./bot.js")
}
