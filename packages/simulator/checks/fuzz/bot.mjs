// The accounts, keys and endpoints that the fuzz knows, and how its bots sign.
import * as Crypto from "node:crypto"
import { secret } from "./judge.mjs"

/** After this long without an answer the exchange hangs. A bound for a machine that is busy with much else. */
export const longest = 15_000
/** How long to wait where no answer is due, ms. */
export const patience = 30

export const keyOf = (uid) => ({
  key: `key-${uid}`,
  secret: `${secret}${uid}`,
  passphrase: `${secret}pass-${uid}`
})
export const uids = ["1000001", "1000002", "1000003", "1000004"]
/** The options of the server's accounts: one with all rights, one that only reads, a classic one, one without access. */
export const accounts = uids.map((uid, index) => {
  const right = ["permission=trade", "permission=read", "mode=classic", "countdownAccess=false"][index]
  const { key, passphrase, secret } = keyOf(uid)
  return `uid=${uid},key=${key},secret=${secret},passphrase=${passphrase},${right}`
})
export const later = ["new-1", "new-2", "__proto__", "nobody"]
const pem = (kind, options) =>
  Crypto.generateKeyPairSync(kind, options).publicKey.export({ type: "spki", format: "pem" })
export const pems = {
  "@rsa": pem("rsa", { modulusLength: 1024 }),
  "@ed25519": pem("ed25519"),
  "@x25519": pem("x25519"),
  "@ec": pem("ec", { namedCurve: "P-256" }),
  "@dsa": pem("dsa", { modulusLength: 1024, divisorLength: 160 })
}

export const endpoints = [
  ["POST", "/api/v3/trade/countdown-cancel-all", ["countdown"]],
  [
    "POST",
    "/api/v3/trade/place-order",
    ["category", "symbol", "qty", "side", "orderType", "price", "clientOid", "timeInForce"]
  ],
  ["POST", "/api/v3/trade/place-batch", ["0"]],
  ["POST", "/api/v3/trade/cancel-order", ["orderId", "clientOid"]],
  ["POST", "/api/v3/trade/cancel-symbol-order", ["category", "symbol"]],
  ["GET", "/api/v3/trade/unfilled-orders", ["category", "symbol", "limit", "cursor", "startTime", "endTime"]],
  ["GET", "/api/v3/trade/order-info", ["orderId", "clientOid"]],
  ["GET", "/api/v3/trade/history-orders", ["category", "limit"]],
  ["GET", "/api/v3/account/settings", ["x"]],
  ["GET", "/api/v2/public/time", ["x"]]
]
export const good = {
  countdown: "10",
  category: "USDT-FUTURES",
  symbol: "BTCUSDT",
  qty: "0.01",
  side: "buy",
  orderType: "limit",
  price: "50000",
  timeInForce: "gtc",
  limit: "50"
}
export const sign = (secret, payload) => Crypto.createHmac("sha256", secret).update(payload).digest("base64")
export const headerText = (value) =>
  String(value)
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 2_000)
