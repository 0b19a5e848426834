/** `pnpm serve` as a process. */
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Net from "node:net"
import { resolve } from "node:path"
import { inject } from "vitest"
import * as Database from "../src/Database.js"
import * as CommandLine from "../src/http/CommandLine.js"
import * as Service from "../src/live/Service.js"

const { defaults, parse } = CommandLine
const cwd = resolve(import.meta.dirname, "..")
const command = ["--import", "tsx", "src/serve.ts"]

describe("the command line of the server", () => {
  it.each([
    [[], defaults],
    [["--", "--port", "0"], { ...defaults, port: 0 }],
    [["--port=8080", "--host", "0.0.0.0"], { ...defaults, port: 8080, host: "0.0.0.0" }],
    [["--bus", "stream"], { ...defaults, bus: "Stream" }],
    [["--journal", "/var/lib/web-1"], { ...defaults, journal: "/var/lib/web-1" }],
    [["--memory", "250 millis"], { ...defaults, memory: Duration.millis(250) }],
    [["--connections", "2", "--schema", "mine"], { ...defaults, connections: 2, schema: "mine" }],
    [["-h"], { ...defaults, help: true }]
  ])("%j is understood", (args, options) => expect(parse(args)).toEqual(Either.right(options)))

  it.each([
    [["--fast"], "--fast"],
    [["serve"], "serve"],
    [["--port", "65536"], "--port wants a whole number from 0 to 65535"],
    [["--port"], "--port"],
    [["--host", " "], "--host wants an address"],
    [["--journal", ""], "--journal wants the path of a file"],
    [["--memory", "soon"], `--memory wants a number from 0 and a unit, such as "2 seconds"`],
    [["--memory=-5 seconds"], "--memory wants a number from 0 and a unit"],
    [["--bus", "tram"], "--bus wants pubsub or stream"],
    [["--connections", "0"], "--connections wants a whole number from 1 to 100"],
    [["--schema", "Mine; drop"], "--schema wants small letters"]
  ])("%j is refused with a reason", (args, reason) => {
    expect(Either.getOrElse(Either.flip(parse(args)), () => "")).toContain(reason)
  })

  it("an option that it does not know: exit code 2, the reason and the usage on standard error", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [...command, "--fast"], { cwd, encoding: "utf8" })
    expect([status, stdout]).toEqual([2, ""])
    expect(stderr).toContain("Usage: pnpm serve")
  })
})

const fromPackage = { program: process.execPath, args: command, cwd }
/** As README tells people to. */
const byScript = { program: "pnpm", args: ["--silent", "serve"], cwd: resolve(cwd, "../..") }

/** A server in a process, or behind several, and where it is. */
const started = ({ args, cwd, program }: typeof fromPackage, schema: string) =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(program, [...args, "--port", "0", "--schema", schema, "--connections", "1"], {
          cwd,
          // A group of processes of its own, which ends whole when the test fails.
          detached: true,
          env: {
            PATH: process.env["PATH"],
            HOME: process.env["HOME"],
            npm_config_verify_deps_before_run: "false",
            DATABASE_URL: inject("databaseUrl")
          }
        })
      ),
      ({ pid }) => Effect.ignore(Effect.try(() => process.kill(-pid!, "SIGKILL")))
    )
    const url = yield* Effect.async<string>((resume) => {
      let said = ""
      server.stderr.on("data", (data) => {
        const [, url] = /are at (\S+),/.exec((said += String(data))) ?? []
        if (url !== undefined) resume(Effect.succeed(url))
      })
      server.once("exit", (code) => resume(Effect.die(new Error(`it ended with ${code}. ${said}`))))
    })
    return { server, url }
  })

const ended = (server: ChildProcess) =>
  Effect.async<number | null>((resume) => {
    server.removeAllListeners("exit").once("exit", (code) => resume(Effect.succeed(code)))
    server.kill("SIGTERM")
  })

describe("pnpm serve", () => {
  it.scopedLive("says where it is, answers there, and ends with 0 when it is told to", () =>
    Effect.gen(function* () {
      const { server, url } = yield* started(fromPackage, "serve_test")
      const response = yield* Effect.promise(() => fetch(`${url}/flags/dark-mode/users/1`))
      expect(response.status).toBe(200)
      // The connection of that answer is kept, and not read to its end: it must not keep the server from ending.
      expect(yield* ended(server)).toBe(0)
    })
  )

  it.scopedLive("SIGTERM to pnpm ends the server, and then pnpm with 0", () =>
    Effect.gen(function* () {
      const { server, url } = yield* started(byScript, "serve_script")
      expect(yield* ended(server)).toBe(0)
      expect(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => fetch(`${url}/health`))))).toBe(true)
    })
  )

  const refusal = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv) =>
    Effect.async<{ readonly code: number | null; readonly lines: ReadonlyArray<string> }>((resume) => {
      const server = spawn(process.execPath, [...command, ...args], { cwd, env: { PATH: process.env["PATH"], ...env } })
      let said = ""
      server.stderr.on("data", (data) => (said += String(data)))
      server.once("close", (code) => resume(Effect.succeed({ code, lines: said.trim().split("\n") })))
      return Effect.sync(() => server.kill("SIGKILL"))
    })

  it.scopedLive("a port that somebody has is found before the database is touched, and --port is named", () =>
    Effect.gen(function* () {
      const other = yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const server: Net.Server = Net.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = other.address() as Net.AddressInfo
      // Nothing answers there, and nobody asks.
      const variables = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" }
      expect(yield* refusal(["--port", String(port)], variables)).toEqual({
        code: 1,
        lines: [`port ${port} of 127.0.0.1 is in use: choose another one with --port, 0 for any`]
      })
    })
  )

  it.live.each<[NodeJS.ProcessEnv, string | RegExp]>([
    [{ REDIS_URL: "redis://127.0.0.1:1" }, "REDIS_URL is set and DATABASE_URL is not"],
    [
      { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: "none" },
      "UPSTASH_REDIS_REST_URL is set and DATABASE_URL is not"
    ],
    // As `pnpm demo` says it, without the name of a class.
    [{ REDIS_URL: "nonsense" }, /^\(Invalid data at REDIS_URL/]
  ])("does not start with %j", ([variables, sentence]) =>
    Effect.gen(function* () {
      const { code, lines } = yield* refusal(["--port", "0"], variables)
      expect([code, lines.at(-1)]).toEqual([1, expect.stringMatching(sentence)])
      expect(lines).toHaveLength(2)
    })
  )

  it.live("instances that start together make the tables once", () =>
    Effect.gen(function* () {
      const url = Redacted.make(inject("databaseUrl"))
      const layer = Layer.provideMerge(
        Database.layerClientOf({ connections: 2 }),
        Database.layerUrl(url, "serve_together")
      )
      const users = yield* Effect.gen(function* () {
        yield* Effect.all([Service.prepare, Service.prepare], { concurrency: 2 })
        yield* Service.prepare
        const sql = yield* SqlClient.SqlClient
        return yield* sql<{ count: number }>`select count(*)::int as count from ${sql("User")}`
      }).pipe(Effect.provide(layer))
      expect(users).toEqual([{ count: Service.size.users }])
    })
  )
})
