/**
 * Reads the body of an answer, compressed or not, up to a number of bytes.
 */
import type * as Headers from "@effect/platform/Headers"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { decompress } from "./decompress.js"

const join = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

const collect = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<Uint8Array | undefined, HttpClientError.ResponseError> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    const take = (chunk: Uint8Array) =>
      Effect.sync(() => {
        chunks.push(chunk)
        size += chunk.length
        return size <= maxBytes
      })
    return Effect.map(Stream.runForEachWhile(response.stream, take), () =>
      size > maxBytes ? undefined : join(chunks, size)
    )
  })

/**
 * The body as text. When it is longer than the bound, compressed or decompressed, it is `undefined`, and the rest stays
 * unread.
 *
 * @internal
 */
export const readText = (
  response: HttpClientResponse.HttpClientResponse,
  headers: Headers.Headers,
  maxBytes: number
): Effect.Effect<string | undefined, HttpClientError.ResponseError> => {
  const { "content-encoding": encoding, "content-length": announced } = headers
  if (encoding === undefined && announced !== undefined) {
    // The HTTP layer enforces the announced length, and a stream would cost as much as the rest of the call.
    return Number(announced) <= maxBytes ? response.text : Effect.succeed(undefined)
  }
  return Effect.map(collect(response, maxBytes), (bytes) => {
    const plain = bytes && encoding !== undefined ? decompress(bytes, encoding, maxBytes) : bytes
    return plain && new TextDecoder().decode(plain)
  })
}
