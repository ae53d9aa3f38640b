/**
 * Decompresses an answer that came compressed although the request asked for `identity`. Clients over `fetch` have
 * decompressed it already and keep the header. Clients over Node's sockets have not.
 */

/** The part of `node:zlib` in use. Runtimes without it have only clients over `fetch`. */
interface Zlib {
  readonly unzipSync: Decompress
  readonly brotliDecompressSync: Decompress
}

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array

// Not an import, because a bundle for a browser must not need it.
const zlib = (): Zlib | undefined => {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (name: string) => Zlib | undefined }
  }
  return process?.getBuiltinModule?.("node:zlib")
}

/**
 * The decompressed bytes, or `undefined` when they are more than the bound. Bytes that are not compressed that way stay
 * as they are, because the HTTP client has decompressed them.
 *
 * @internal
 */
export const decompress = (bytes: Uint8Array, encoding: string, maxBytes: number): Uint8Array | undefined => {
  const name = encoding.trim().toLowerCase()
  const read = /^(x-)?gzip$|^deflate$/.test(name)
    ? zlib()?.unzipSync
    : name === "br"
      ? zlib()?.brotliDecompressSync
      : undefined
  try {
    return read?.(bytes, { maxOutputLength: maxBytes }) ?? bytes
  } catch (error) {
    return (error as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE" ? undefined : bytes
  }
}
