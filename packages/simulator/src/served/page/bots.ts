/**
 * The demo bots of the page. Each beats on the exchange's clock, and places four orders once its switch is armed.
 */
import type { Account } from "./control.js"

/** The demo bot beats every 3 s with a countdown of 10 s, as the exchange recommends. */
const beatEvery = 3_000
export const countdown = "10"

const quotes = [
  { side: "buy", price: "49950" },
  { side: "buy", price: "49900" },
  { side: "sell", price: "50050" },
  { side: "sell", price: "50100" }
] as const

export interface Deeds {
  readonly beat: (uid: string) => void
  readonly place: (uid: string, quote: (typeof quotes)[number]) => void
}

interface Bot {
  nextBeat: number
  hasPlaced: boolean
}

const bots = new Map<string, Bot>()

export const runs = (uid: string): boolean => bots.has(uid)

export const stop = (uid: string): boolean => bots.delete(uid)

export const start = (uid: string): void => {
  bots.set(uid, { nextBeat: -Infinity, hasPlaced: false })
}

/** Lets each bot do what is due. */
export const run = (accounts: ReadonlyArray<Account>, now: number, deeds: Deeds): void => {
  for (const account of accounts) {
    const bot = bots.get(account.uid)
    if (bot === undefined) continue
    if (now >= bot.nextBeat) {
      bot.nextBeat = now + beatEvery
      deeds.beat(account.uid)
    }
    if (bot.hasPlaced || account.switch._tag !== "Armed") continue
    bot.hasPlaced = true
    // A bot that is started again finds its orders in the book.
    if (account.openOrders < quotes.length) for (const quote of quotes) deeds.place(account.uid, quote)
  }
}
