import { expect, it } from "@effect/vitest"
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
import { describeWithRedis } from "../src/DescribeWithRedis.js"
import * as RedisServer from "../src/RedisServer.js"

/** One inline command and the first bytes of its reply; fails when the connection does. */
const ask = (port: number, command: string): Effect.Effect<string, Error> =>
  Effect.async((resume) => {
    const socket = Net.connect({ host: "127.0.0.1", port })
    socket.once("error", (error) => resume(Effect.fail(error)))
    socket.once("data", (data) => resume(Effect.succeed(data.toString("latin1").trim())))
    socket.write(`${command}\r\n`)
    return Effect.sync(() => socket.destroy())
  })

describeWithRedis("RedisServer", () => {
  it.effect("answers as soon as it is made, under a virtual clock too, and is gone when the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(RedisServer.make(), scope)
      expect(yield* ask(server.port, "PING")).toBe("+PONG")
      yield* Scope.close(scope, Exit.void)
      expect(Exit.isFailure(yield* Effect.exit(ask(server.port, "PING")))).toBe(true)
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

  it.scopedLive("a stopped server refuses; started again it is empty, on the same port", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      yield* ask(server.port, "SET a 1")
      yield* server.stop
      expect(Exit.isFailure(yield* Effect.exit(ask(server.port, "PING")))).toBe(true)
      yield* server.start
      expect(yield* ask(server.port, "EXISTS a")).toBe(":0")
    })
  )

  it.scopedLive(
    "a server ends with the process that started it, though that was killed and could clean up nothing",
    () =>
      Effect.gen(function* () {
        const starter = fileURLToPath(new URL("./support/startServer.ts", import.meta.url))
        const child = yield* Effect.acquireRelease(
          Effect.sync(() =>
            spawn(process.execPath, ["--import", "tsx", starter], { stdio: ["ignore", "pipe", "inherit"] })
          ),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        const port = yield* Effect.async<number>((resume) => {
          child.stdout.once("data", (data) => resume(Effect.succeed(Number(data.toString()))))
        })
        const folder = (yield* ask(port, "CONFIG GET dir")).split("\r\n").at(-1)!
        expect(existsSync(folder)).toBe(true)
        child.kill("SIGKILL")
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
