/**
 * Reads an answer that comes compressed although it was asked for as it is. Clients over `fetch` have decompressed it
 * and keep the header; clients over Node's sockets have not.
 */

/** The part of `node:zlib` that is used. Where there is none, every client is one over `fetch`. */
interface Zlib {
  readonly unzipSync: Decompress
  readonly brotliDecompressSync: Decompress
}

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array

// Not an import: what is bundled for a browser must not need it.
const zlib = (): Zlib | undefined => {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (name: string) => Zlib | undefined }
  }
  return process?.getBuiltinModule?.("node:zlib")
}

/**
 * The bytes without their compression, `undefined` when they would be more than the bound. What is no such compression
 * (an answer that the HTTP client has decompressed) is given back as it is.
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
