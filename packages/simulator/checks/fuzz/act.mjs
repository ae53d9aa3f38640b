// Carries out a sequence against a served exchange, and judges each answer.
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Either from "effect/Either"
import * as assert from "node:assert/strict"
import * as Http from "node:http"
import { endpoints, good, headerText, keyOf, later, longest, patience, pems, sign, uids } from "./bot.mjs"
import { write } from "./values.mjs"
import * as Judge from "./judge.mjs"
import * as Sockets from "./sockets.mjs"
export class Session {
  constructor(server) {
    this.server = server
    this.agent = server.agent
    this.orders = []
    this.clientOids = []
    this.faults = []
    /** Whether something may keep answers back: a fault, a hold of the clock, a request that never ends. */
    this.faulty = false
    this.held = false
    this.cleared = false
    this.now = Date.now()
    this.behind = []
    this.streams = []
  }

  /** Sends a request through node's client. Resolves with an answer, or with `undefined` where none came. */
  send({ body, headers = {}, method, path, wait = longest }) {
    return new Promise((resolve) => {
      const request = Http.request({
        agent: this.agent,
        port: this.server.port,
        host: "127.0.0.1",
        method,
        path,
        headers
      })
      const timer = setTimeout(() => {
        resolve("silence")
        request.destroy()
      }, wait)
      const done = (answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      request.on("error", () => done(undefined))
      request.on("response", (response) => {
        const chunks = []
        response.on("data", (chunk) => chunks.push(chunk))
        response.on("error", () => done(undefined))
        response.on("close", () => {
          if (!response.complete) return done(undefined)
          const now = Number(response.headers["x-sim-now"])
          if (now > 0) this.now = now
          done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() })
        })
      })
      request.end(body)
    })
  }

  async ask(method, path, body) {
    const answer = await this.send({ method, path, body: body === undefined ? undefined : JSON.stringify(body) })
    assert.equal(
      answer?.status,
      200,
      `${method} ${path}: ${answer?.status === undefined ? answer : Judge.brief(answer)}`
    )
    return answer.text
  }

  /** A fresh exchange on a running clock. */
  async begin() {
    for (const name of ["bot", "__proto__"]) await this.send({ method: "DELETE", path: `/_sim/clock/holds/${name}` })
    await this.ask("PUT", "/_sim/clock", { mode: "real" })
    await this.ask("POST", "/_sim/reset")
  }

  async act(command) {
    const acts = {
      api: () => this.api(command),
      control: () => this.control(command),
      raw: () => Sockets.raw(this, command),
      ws: () => Sockets.ws(this, command)
    }
    const does = acts[command.t]()
    if (command.waits === false) this.behind.push(does.then(undefined, (error) => ({ error })))
    else await does
  }

  /** Waits for what was left behind, and closes all connections of the sequence. */
  async settle() {
    for (const result of await Promise.all(this.behind)) if (result?.error !== undefined) throw result.error
    for (const { socket } of this.streams) socket.destroy()
  }

  async api({ account, endpoint, fault, fields, flaw, order }) {
    const [goodMethod, goodPath, names] = endpoints[endpoint]
    const uid = [...uids, ...later][account]
    const key = keyOf(uid)
    const isGet = goodMethod === "GET"
    let method = goodMethod
    let path = goodPath
    const values = names.map((name) => {
      if (name === "orderId") return [name, this.orders[order] ?? "1"]
      if (name === "clientOid")
        return [name, goodPath.endsWith("place-order") ? `c${order}` : (this.clientOids[order] ?? "none")]
      return [name, good[name] ?? "1"]
    })
    for (const [at, value] of fields) {
      const name = typeof at === "number" ? (names[at % names.length] ?? "x") : at
      const place = values.findIndex(([known]) => known === name)
      values.splice(place < 0 ? values.length : place, 1, [name, value])
    }
    const wrong = { charset: "utf8" }
    let body = ""
    if (isGet) {
      const query = values
        .filter(([name]) => !["cursor", "startTime", "endTime", "symbol"].includes(name) || fields.length > 0)
        .map(
          ([name, value]) =>
            `${name}=${encodeURIComponent(typeof value === "string" ? (value.toWellFormed?.() ?? "") : write(value)).slice(0, 3_000)}`
        )
      path += `?${query.join("&")}`
    } else {
      body = `{${values.map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(",")}}`
      if (goodPath.endsWith("place-batch")) {
        const one = `{${["category", "symbol", "qty", "side", "orderType", "price"].map((name) => `"${name}":"${good[name]}"`).join(",")}}`
        body = `[${one},${fields.length === 0 ? one : write(fields[0][1])}]`
      }
    }
    const bodies = {
      noJson: "{countdown:10",
      cut: body.slice(0, -1),
      array: `[${body}]`,
      null: "null",
      deep: "[".repeat(100_000),
      huge: `{"countdown":"10","x":"${"x".repeat(1_100_000)}"}`,
      empty: ""
    }
    if (!isGet && flaw in bodies) body = bodies[flaw]
    if (flaw === "method") method = { GET: "POST", POST: "PUT" }[method]
    if (flaw === "slash") path += "/"
    if (flaw === "case") path = path.toUpperCase()
    if (flaw === "query") path += `${path.includes("?") ? "&" : "?"}__proto__=1&limit=5&limit=6&constructor[a]=b&=&&`
    if (flaw === "percent") path += `${path.includes("?") ? "&" : "?"}a=%ZZ%E0%A4%A`
    const stamp =
      {
        oldStamp: String(Math.floor(this.now) - 31_000),
        textStamp: "yesterday",
        hugeStamp: "9".repeat(400),
        noStamp: ""
      }[flaw] ?? String(Math.floor(this.now))
    const headers = {
      "content-type":
        { contentType: "text/plain", charset: "application/json; charset=latin1" }[flaw] ?? "application/json",
      "access-key": { unknownKey: "nobody", protoKey: "__proto__" }[flaw] ?? key.key,
      "access-timestamp": stamp,
      "access-passphrase": flaw === "badPass" ? "wrong" : key.passphrase,
      "access-sign":
        { badSign: "AAAA", oddSign: "=?".repeat(500), emptySign: "" }[flaw] ??
        sign(key.secret, `${stamp}${method}${path}${body}`),
      ...(flaw === "paptrading" ? { paptrading: "1" } : {}),
      ...(fault === undefined ? {} : { "x-simulator-fault": headerText(fault) })
    }
    for (const [name, header] of [
      ["noSign", "access-sign"],
      ["noKey", "access-key"],
      ["noStamp", "access-timestamp"],
      ["noPass", "access-passphrase"]
    ]) {
      if (flaw === name) delete headers[header]
    }
    const bytes = flaw === wrong.charset ? Buffer.from(body.replace("10", "1\u00ff"), "latin1") : body
    // A header of faults that cannot be read is refused, and no fault acts.
    const free = this.faulty || fault !== undefined
    const answer = await this.send({
      method,
      path,
      headers,
      body: method === "GET" ? undefined : bytes,
      wait: free ? patience : longest
    })
    const what = `${method} ${path.slice(0, 200)} (${flaw || "good"})`
    if (typeof answer === "object") Judge.clean(answer.text, what)
    if (free || this.faulty) return
    assert.ok(
      typeof answer === "object",
      `${what}: ${answer ?? "the connection broke"}, though nothing keeps the answer back`
    )
    const { code, data } = Judge.envelope(answer, what)
    if (code !== "00000") return
    for (const { clientOid, orderId } of Array.isArray(data) ? data : [data]) {
      if (orderId) this.orders.unshift(orderId)
      if (clientOid) this.clientOids.unshift(clientOid)
    }
    this.orders.length = Math.min(this.orders.length, 6)
  }

  async control({ account, body, fields, flaw, method: goodMethod, odd, order, path: template }) {
    const uid = encodeURIComponent(
      flaw === "uid" ? headerText(write(odd)) : ["1000001", "1000002", ...later][account % 6]
    )
    const named = encodeURIComponent(flaw === "order" ? headerText(write(odd)) : (this.orders[order] ?? "none"))
    let path = template
      .replace("{uid}", uid)
      .replace("{order}", named)
      .replace("{fault}", this.faults[order] ?? order)
      .replace("{name}", order > 2 ? "bot" : order === 0 ? "%E0%A4%A" : "__proto__")
    const method =
      flaw === "method" ? { GET: "DELETE", DELETE: "PATCH", POST: "PUT", PUT: "POST" }[goodMethod] : goodMethod
    const ask = path.includes("?") ? "&" : "?"
    if (flaw === "query") path += `${ask}${encodeURIComponent(headerText(write(odd)).slice(0, 50))}=1&__proto__=2`
    if (flaw === "percent") path += `${ask}after=%ZZ&a=%E0%A4%A`
    let text
    if (body !== undefined) {
      const entries = body.filter(([, value]) => value !== undefined)
      for (const [name, value] of fields) {
        const place = entries.findIndex(([known]) => known === name)
        entries.splice(place < 0 ? entries.length : place, 1, [name, value])
      }
      const whole = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(",")}}`
      text = whole.replace(/"@(rsa|ed25519|x25519|ec|dsa)"/g, (of) => JSON.stringify(pems[of.slice(1, -1)]))
      const of = later.concat("1000001").find((uid) => whole.includes(`"uid":"${uid}"`)) ?? "new-1"
      text = text.replaceAll("@secret", keyOf(of).secret).replaceAll("@passphrase", keyOf(of).passphrase)
      // The key that the requests of `api` sign with.
      text = text.replaceAll('"key-1"', `"${keyOf(of).key}"`)
      text =
        {
          noJson: "{a:1}",
          cut: text.slice(0, -1),
          noBody: "",
          array: `[${text}]`,
          null: "null",
          deep: "[".repeat(100_000),
          huge: `{"x":"${"x".repeat(1_100_000)}"}`
        }[flaw] ?? text
      if (flaw === "utf8") text = Buffer.from(text.replace(/"(\w)/, '"\u00ff'), "latin1")
    }
    const origin = { evil: `http://evil.127.0.0.1:${this.server.port}`, origin: "http://localhost", null: "null" }[flaw]
    const headers = {
      ...(origin === undefined ? {} : { origin }),
      ...(flaw === "host" ? { host: "evil.example:80" } : {})
    }
    const isStream = /live$|events$|sleep$/.test(template)
    if (/holds$|sleep$/.test(template)) this.held = true
    const free = isStream || (template.endsWith("/advance") && (this.held || this.behind.length > 0))
    const isAdded = method === "POST" && (template.endsWith("/faults") || template.endsWith("/maintenance"))
    if (isAdded) this.faulty = true
    const answer = await this.send({ method, path, headers, body: text, wait: free ? patience : longest })
    const what = `${method} ${path.slice(0, 200)} (${flaw || "good"}) with ${text === undefined ? "no body" : String(text).slice(0, 200)}`
    if (free && typeof answer !== "object") return
    assert.ok(typeof answer === "object", `${what}: ${answer ?? "the connection broke"}`)
    // The documentation is a program of others.
    if (!template.endsWith("/docs")) Judge.clean(answer.text, what)
    if ((origin !== undefined || flaw === "host") && template.startsWith("/_sim/") && !/docs$|json$/.test(template)) {
      assert.ok(answer.status >= 400, `a page of another site may use the control API: ${what}: ${Judge.brief(answer)}`)
    }
    const error = Judge.controlled(answer, what)
    if (error !== undefined) return
    this.noted(method, template, answer)
  }

  /** What a good answer changes in the model. */
  noted(method, template, answer) {
    if (method === "POST" && template.endsWith("/reset")) {
      this.faulty = false
      this.faults = []
      this.orders = []
      this.cleared = false
    }
    if (method === "DELETE" && template === "/_sim/journal") this.cleared = true
    if (method === "POST" && template.endsWith("/orders")) this.orders.unshift(JSON.parse(answer.text).orderId)
    if (method === "POST" && template === "/_sim/faults") this.faults.unshift(JSON.parse(answer.text).id)
  }

  /** The journal can be read, and its replay ends in the same exchange. */
  async replay() {
    const file = await this.ask("GET", "/_sim/journal.ndjson")
    const state = JSON.parse(await this.ask("GET", "/_sim/state"))
    Judge.clean(file, "the journal")
    const entries = Either.getOrThrowWith(
      Journal.fromNdjson(file),
      (error) => new Error(`the journal: ${error.message}`)
    )
    if (this.cleared || state.journal.total !== entries.length) return
    const replayed = Either.getOrThrowWith(
      Journal.replay(entries, { now: state.clock.now }),
      (error) => new Error(`the replay: ${error.message}`)
    )
    const book = (accounts) => Object.fromEntries(accounts.map(({ orders, uid }) => [uid, [...orders].sort()]))
    assert.deepEqual(
      book(
        Exchange.accounts(replayed).map(({ declared: { uid } }) => ({
          uid,
          orders: Exchange.openOrders(replayed, uid).map(({ orderId }) => orderId)
        }))
      ),
      book(state.accounts.map(({ orders, uid }) => ({ uid, orders: orders.map(({ orderId }) => orderId) }))),
      "the replay of the journal has other open orders than the exchange"
    )
  }
}
