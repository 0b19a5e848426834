import { expect, it } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"
import { RedisServer } from "../src/index.js"

const starter = fileURLToPath(new URL("./support/startServer.ts", import.meta.url))

/** One inline command and the first bytes of its reply; fails when the connection does. */
const ask = (port: number, command: string): Effect.Effect<string, Error> =>
  Effect.async((resume) => {
    const socket = Net.connect({ host: "127.0.0.1", port })
    socket.once("error", (error) => resume(Effect.fail(error)))
    socket.once("data", (data) => resume(Effect.succeed(data.toString("latin1").trim())))
    socket.write(`${command}\r\n`)
    return Effect.sync(() => socket.destroy())
  })

const folderOf = (port: number): Effect.Effect<string, Error> =>
  Effect.map(ask(port, "CONFIG GET dir"), (reply) => reply.split("\r\n").at(-1)!)

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describeWithRedis("RedisServer", () => {
  it.effect("is up when it is made, under a virtual clock too; process and folder are gone when the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(RedisServer.make(), scope)
      expect(server.url).toBe(`redis://${server.host}:${server.port}`)
      expect(yield* ask(server.port, "PING")).toBe("+PONG")
      const folder = yield* folderOf(server.port)
      const pid = Option.getOrThrow(yield* server.pid)
      expect([alive(pid), existsSync(folder)]).toEqual([true, true])
      yield* Scope.close(scope, Exit.void)
      expect([alive(pid), existsSync(folder), yield* server.pid]).toEqual([false, false, Option.none()])
    })
  )

  it.scopedLive("two of them share neither port nor data", () =>
    Effect.gen(function* () {
      const one = yield* RedisServer.make()
      const two = yield* RedisServer.make()
      expect(one.port).not.toBe(two.port)
      yield* ask(one.port, "SET a 1")
      expect(yield* ask(two.port, "EXISTS a")).toBe(":0")
    })
  )

  it.scopedLive("a suspended server answers nothing until it is resumed", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      yield* server.suspend
      const silence = yield* Effect.timeoutOption(ask(server.port, "PING"), Duration.millis(200))
      expect(Option.isNone(silence)).toBe(true)
      yield* server.resume
      expect(yield* ask(server.port, "PING")).toBe("+PONG")
    })
  )

  it.scopedLive("a stopped server refuses; started again it is empty, on the same port, another process", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      const first = yield* server.pid
      yield* ask(server.port, "SET a 1")
      yield* server.stop
      expect(yield* server.pid).toEqual(Option.none())
      expect(Exit.isFailure(yield* Effect.exit(ask(server.port, "PING")))).toBe(true)
      yield* server.start
      expect(yield* ask(server.port, "EXISTS a")).toBe(":0")
      const second = yield* server.pid
      expect(second).not.toEqual(first)
      yield* server.start
      expect(yield* server.pid).toEqual(second)
    })
  )

  it.scopedLive("whoever else answers on its port is not taken for it", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      yield* server.stop
      yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const other = Net.createServer((socket) =>
            socket
              .on("error", () => {})
              .on("data", (asked) => {
                socket.write(asked.toString("latin1").startsWith("PING") ? "+PONG\r\n" : "$16\r\nprocess_id:1\r\n\r\n")
              })
          )
          other.listen(server.port, server.host, () => resume(Effect.succeed(other)))
        }),
        (other) => Effect.async<void>((resume) => void other.close(() => resume(Effect.void)))
      )
      const error = yield* Effect.flip(server.start)
      expect(error.message).toContain("ended while it was starting")
      expect(yield* server.pid).toEqual(Option.none())
    })
  )

  it.scopedLive("a program that is killed leaves neither process nor folder behind", () =>
    Effect.gen(function* () {
      const program = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["--import", "tsx", starter], { stdio: ["ignore", "pipe", "inherit"] })
        ),
        (program) => Effect.sync(() => program.kill("SIGKILL"))
      )
      const port = yield* Effect.async<number, string>((resume) => {
        program.once("exit", () => resume(Effect.fail("the program ended")))
        program.stdout.once("data", (data: Buffer) => resume(Effect.succeed(Number(data.toString()))))
      })
      const folder = yield* folderOf(port)
      expect(existsSync(folder)).toBe(true)
      program.kill("SIGKILL")
      const gone = Effect.filterOrFail(
        Effect.exit(ask(port, "PING")),
        (exit) => Exit.isFailure(exit) && !existsSync(folder)
      )
      yield* Effect.retry(gone, Schedule.spaced("10 millis"))
    })
  )

  it.scopedLive("takes further arguments", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make({ args: ["--requirepass", "secret"] })
      expect(yield* ask(server.port, "PING")).toContain("NOAUTH")
    })
  )

  it.scopedLive("an argument that the program refuses is a failure that quotes it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(RedisServer.make({ args: ["--no-such-setting", "1"] }))
      expect(error.message).toContain("no-such-setting")
    })
  )
})

it.scoped("where there is no redis-server the failure says how to get one", () =>
  Effect.gen(function* () {
    const path = process.env["PATH"]
    process.env["PATH"] = "/nowhere"
    yield* Effect.addFinalizer(() => Effect.sync(() => (process.env["PATH"] = path)))
    expect(yield* RedisServer.available).toBe(false)
    const error = yield* Effect.flip(RedisServer.make())
    expect(error.message).toContain(RedisServer.installHint)
    expect(RedisServer.installHint).toContain("apt-get install redis-server")
  })
)
