/**
 * The answers of gateways in front of the exchange: codes, pages, empty and unreadable bodies.
 */
import type * as Fault from "./Fault.js"
import { streamOf } from "./active.js"
import type { Active, Passage, Reply, State } from "./model.js"
import * as Random from "./Random.js"

/** The answer of a fault, `undefined` for a fault that does not answer. */
export const replyOf = (state: State, active: Active, passage: Passage): Reply | undefined => {
  const { act } = active.fault
  switch (act.kind) {
    case "rate-limit":
      return { _tag: "Code", code: "429" }
    case "code":
    case "maintenance":
      return { _tag: "Code", code: act.code }
    case "error-after-apply":
      return "code" in act ? { _tag: "Code", code: act.code } : page(act.status, "html")
    case "status":
      return page(act.status, act.page)
    case "empty-body":
      return { _tag: "Page", status: 200, contentType: "application/json", body: "" }
    case "garbage-body":
      return { _tag: "Page", status: 200, contentType: "application/json", body: garbage(state, active, passage) }
    default:
      return undefined
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
  520: "Web server is returning an unknown error"
}

const page = (status: number, form: Fault.Page): Reply => {
  if (form === "ring-balancer") {
    const body = '{"message":"failure to get a peer from the ring-balancer"}'
    return { _tag: "Page", status, contentType: "application/json; charset=utf-8", body }
  }
  const title = `${status} ${reasons[status] ?? "Error"}`
  const body =
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n` +
    `<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n`
  return { _tag: "Page", status, contentType: "text/html", body }
}

/** 8 to 40 characters that are not JSON. */
const garbage = (state: State, active: Active, passage: Passage): string => {
  const at = (index: number, min: number, max: number) =>
    Random.integer(state.seed, streamOf(active, passage, `character ${index}`), passage.ordinal, min, max)
  let text = "\u0015"
  for (let index = 1; index < at(0, 8, 40); index++) text += String.fromCharCode(at(index, 0x20, 0xff))
  return text
}
