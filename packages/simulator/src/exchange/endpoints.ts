/**
 * The endpoints that the simulator answers.
 *
 * @since 0.1.0
 */

/**
 * An endpoint: its path, its limit (calls per second, per account or per address) and the access that it needs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Endpoint {
  readonly name: string
  readonly method: "GET" | "POST"
  readonly path: string
  readonly limit: number
  readonly access: "public" | "read" | "write"
}

const endpoint = (method: "GET" | "POST", path: string, limit: number, access: Endpoint["access"]): Endpoint => ({
  name: path.slice(path.lastIndexOf("/") + 1),
  method,
  path,
  limit,
  access
})

/**
 * The endpoints that the simulator answers. The exchange documents no limit for place-batch; it is
 * that of cancel-symbol-order.
 *
 * @since 0.1.0
 * @category constants
 */
export const endpoints: ReadonlyArray<Endpoint> = [
  endpoint("POST", "/api/v3/trade/countdown-cancel-all", 1, "write"),
  endpoint("POST", "/api/v3/trade/place-order", 10, "write"),
  endpoint("POST", "/api/v3/trade/place-batch", 5, "write"),
  endpoint("POST", "/api/v3/trade/cancel-order", 10, "write"),
  endpoint("POST", "/api/v3/trade/cancel-symbol-order", 5, "write"),
  endpoint("GET", "/api/v3/trade/unfilled-orders", 20, "read"),
  endpoint("GET", "/api/v3/trade/order-info", 20, "read"),
  endpoint("GET", "/api/v3/trade/history-orders", 20, "read"),
  { ...endpoint("GET", "/api/v3/account/settings", 20, "read"), name: "account-settings" },
  { ...endpoint("GET", "/api/v2/public/time", 20, "public"), name: "server-time" }
]

const byPath = new Map(endpoints.map((endpoint) => [endpoint.path, endpoint]))

/**
 * The endpoint of a path, with or without a query.
 *
 * @since 0.1.0
 * @category getters
 */
export const endpointOf = (path: string): Endpoint | undefined => {
  const query = path.indexOf("?")
  return byPath.get(query === -1 ? path : path.slice(0, query))
}
