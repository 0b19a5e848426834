/**
 * A real PostgreSQL for a file of tests: in a temporary folder of its own, reached through a socket in that folder,
 * ended by its process id when the scope closes. It refuses to run as root, so that root starts it as somebody else.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { describe } from "vitest"

export class PostgresError extends Data.TaggedError("PostgresError")<{ readonly message: string }> {}

/** Debian keeps the programs of a server off the PATH, in a folder for each version. */
const debian = "/usr/lib/postgresql"

const folders = (): ReadonlyArray<string> => {
  const chosen = process.env["LARDER_POSTGRES_BIN"]
  if (chosen !== undefined) return [chosen]
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
  return [...versions.map((version) => join(debian, version, "bin")), ...path]
}

const programs = folders().find((folder) =>
  ["initdb", "postgres"].every((program) => existsSync(join(folder, program)))
)

const hint = "apt-get install postgresql, or name the folder of its programs in LARDER_POSTGRES_BIN"

const nobody = 65_534

/** Whom to be instead of root: the user that Debian's package makes, or nobody. */
const user = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (option: string) => spawnSync("id", [option, "postgres"], { encoding: "utf8" }).stdout.trim() || nobody
  return { uid: Number(idOf("-u")), gid: Number(idOf("-g")) }
}

/**
 * `describe`, for tests that start a server. Where there is none they are skipped, and the title says why and how to
 * get one; with `LARDER_REQUIRE_POSTGRES=1` they run, and fail.
 */
export const describeWithPostgres = (name: string, tests: () => void): void => {
  if (process.env["LARDER_REQUIRE_POSTGRES"] === "1" || programs !== undefined) describe(name, tests)
  else describe.skip(`${name} (skipped: no PostgreSQL found: ${hint})`, tests)
}

/** Where a server listens: `host` is the folder of its socket. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly database: string
}

const farewell = 'read -r _; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 1; rm -rf "$0"'

/**
 * A folder that goes with the scope. A test run that is killed runs no finalizer, but its pipes close: a shell that
 * reads from one ends the server in the folder and removes it.
 */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "larder-postgres-"))
    const shell = spawn("sh", ["-c", farewell, folder], { stdio: ["pipe", "ignore", "ignore"], detached: true })
    shell.once("error", () => {})
    shell.stdin.once("error", () => {})
    shell.unref()
    return { folder, shell }
  }),
  ({ folder, shell }) =>
    Effect.sync(() => {
      shell.kill("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    })
)

const untilReady = (child: ChildProcess): Effect.Effect<void, PostgresError> =>
  Effect.async((resume) => {
    let output = ""
    child.stderr?.on("data", (data: Buffer) => {
      output = `${output}${data.toString("utf8")}`.slice(-2_000)
      if (output.includes("ready to accept connections")) resume(Effect.void)
    })
    child.once("exit", () => resume(new PostgresError({ message: `postgres ended: ${output}` })))
    child.once("error", ({ message }) => resume(new PostgresError({ message })))
  })

/** Starts an empty server that ends with the scope. */
export const start: Effect.Effect<Address, PostgresError, Scope.Scope> = Effect.gen(function* () {
  if (programs === undefined) return yield* new PostgresError({ message: `no PostgreSQL found: ${hint}` })
  const { folder } = yield* temporaryFolder
  const data = join(folder, "data")
  const other = user()
  yield* Effect.try({
    try: () => {
      if (other !== undefined) chownSync(folder, other.uid, other.gid)
      const options = ["-D", data, "-U", "larder", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
      execFileSync(join(programs, "initdb"), options, { cwd: folder, stdio: "pipe", ...other })
    },
    catch: (error) => new PostgresError({ message: `initdb failed: ${(error as Error).message}` })
  })
  const settings = [`unix_socket_directories=${folder}`, "listen_addresses=", "fsync=off", "max_connections=40"]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const options = ["-D", data, "-p", "5432", ...settings.flatMap((setting) => ["-c", setting])]
      const stdio = ["ignore", "ignore", "pipe"] as const
      return spawn(join(programs, "postgres"), options, { cwd: folder, stdio: [...stdio], ...other })
    }),
    (child) =>
      Effect.async<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        // At once: nobody waits for sessions that a test left open.
        child.kill("SIGQUIT")
      })
  )
  yield* untilReady(child)
  return { host: folder, port: 5432, username: "larder", database: "postgres" }
})
