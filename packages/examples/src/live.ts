// `pnpm start:live`: the template bot against the venue itself, with your credentials: the heartbeat, and no orders.
// Orders are placed only when they are asked for, by BOT_ORDERS with BOT_PRICE and BOT_QTY.
// Ctrl-C turns the switch off and says what came of it.
const set = (name: string): boolean => (process.env[name] ?? "").trim() !== ""

const missing = [
  ...["BITGET_API_KEY", "BITGET_PASSPHRASE"].filter((name) => !set(name)),
  ...(set("BITGET_SECRET_KEY") || set("BITGET_RSA_PRIVATE_KEY")
    ? []
    : ["BITGET_SECRET_KEY (or BITGET_RSA_PRIVATE_KEY, a PKCS#8 PEM)"])
]

if (missing.length > 0) {
  console.error(`This runs against the venue and needs credentials. Not set: ${missing.join(", ")}.

  BITGET_API_KEY, BITGET_SECRET_KEY, BITGET_PASSPHRASE
                        a key of a unified trading account with the permission to trade (read & write)
  BITGET_BASE_URL       where the venue is, if not https://api.bitget.com
  BITGET_DEMO_TRADING   true, for a key of demo trading

A key is made at bitget.com under "API Management". The venue opens the countdown itself (CountDown Cancel All) to an
account on request, through its business development: without that it answers with a refusal of the permission.

Without an account: pnpm start`)
  process.exitCode = 1
} else {
  const where = process.env["BITGET_BASE_URL"] ?? "https://api.bitget.com"
  const orders = set("BOT_ORDERS") ? `BOT_ORDERS=${process.env["BOT_ORDERS"]}` : "no orders"
  console.log(`Against ${where}: the heartbeat, and ${orders}. Ctrl-C turns the switch off.`)
  await import("./bot.js")
}
