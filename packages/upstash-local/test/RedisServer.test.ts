import { expect, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { Fault, RedisServer, UpstashLocal } from "../src/index.js"
import { command, describeWithRedis, until } from "./support/support.js"

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const holdsRedis = fileURLToPath(new URL("./support/holdsRedis.ts", import.meta.url))

/** Asked of the port: a process that nobody has waited for keeps its id after its end. */
const listens = (port: number): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const socket = Net.connect({ host: "127.0.0.1", port })
    const answer = (listening: boolean) => {
      socket.destroy()
      resume(Effect.succeed(listening))
    }
    socket.once("connect", () => answer(true)).once("error", () => answer(false))
  })

describeWithRedis("RedisServer", () => {
  it.effect("is up when it is made, under a virtual clock too; process and folder are gone when the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(RedisServer.make(), scope)
      const folder = yield* command("CONFIG", "GET", "dir").pipe(
        Effect.provide(UpstashLocal.layer({ redisUrl: server.url })),
        Effect.map((answer) => (answer as { readonly result: ReadonlyArray<string> }).result[1]!)
      )
      const pid = Option.getOrThrow(yield* server.pid)
      expect([alive(pid), existsSync(folder)]).toEqual([true, true])
      yield* Scope.close(scope, Exit.void)
      expect([alive(pid), existsSync(folder), yield* server.pid]).toEqual([false, false, Option.none()])
    })
  )

  it.scopedLive("stopped and started again it is empty, on the same port, another process", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      const first = yield* server.pid
      const get = Effect.provide(command("GET", "a"), UpstashLocal.layer({ redisUrl: server.url }))
      yield* Effect.provide(command("SET", "a", "1"), UpstashLocal.layer({ redisUrl: server.url }))
      yield* server.stop
      expect(yield* Effect.flip(get)).toBeInstanceOf(UpstashLocal.UpstashLocalError)
      yield* server.start
      expect(yield* get).toEqual({ result: null })
      expect(yield* server.pid).not.toEqual(first)
    })
  )

  it.scopedLive("serves a unix socket", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-socket-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const unixSocket = join(folder, "redis.sock")
      yield* RedisServer.make({ args: ["--unixsocket", unixSocket] })
      expect(yield* Effect.provide(command("PING"), UpstashLocal.layer({ unixSocket }))).toEqual({ result: "PONG" })
    })
  )

  it.scopedLive("an argument that the program refuses is a failure that quotes it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(RedisServer.make({ args: ["--no-such-setting", "1"] }))
      expect(error.message).toContain("no-such-setting")
    })
  )

  it.scopedLive("a program that is killed leaves neither process nor folder behind", () =>
    Effect.gen(function* () {
      const program = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, ["--import", "tsx", holdsRedis])),
        (program) => Effect.sync(() => program.kill("SIGKILL"))
      )
      const line = yield* Effect.async<string, string>((resume) => {
        program.once("exit", () => resume(Effect.fail("the program ended")))
        program.stdout.once("data", (data: Buffer) => resume(Effect.succeed(data.toString("utf8"))))
      })
      const { folder, port } = JSON.parse(line) as { readonly folder: string; readonly port: number }
      expect([yield* listens(port), existsSync(folder)]).toEqual([true, true])
      program.kill("SIGKILL")
      yield* until(listens(port), (listening) => !listening)
      yield* until(
        Effect.sync(() => existsSync(folder)),
        (there) => !there
      )
    })
  )

  it.scopedLive("the scope closes although a request hangs", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const local = yield* Scope.extend(
        Effect.flatMap(RedisServer.make(), ({ url }) => UpstashLocal.make({ redisUrl: url })),
        scope
      )
      yield* local.faults.set(Fault.hang)
      const hanging = yield* Effect.fork(Effect.provideService(command("PING"), UpstashLocal.UpstashLocal, local))
      yield* until(local.requests.counts, ({ requests }) => requests === 1)
      yield* Scope.close(scope, Exit.void)
      expect(Exit.isFailure(yield* hanging.await)).toBe(true)
    })
  )
})

it.effect("where there is no redis-server the failure says how to get one", () =>
  Effect.gen(function* () {
    const path = process.env["PATH"]
    process.env["PATH"] = "/nowhere"
    yield* Effect.addFinalizer(() => Effect.sync(() => (process.env["PATH"] = path)))
    expect(yield* UpstashLocal.available).toBe(false)
    const error = yield* Effect.flip(Effect.scoped(RedisServer.make()))
    expect(error.message).toContain("apt-get install redis-server")
  }).pipe(Effect.scoped)
)
