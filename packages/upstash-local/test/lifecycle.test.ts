import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Fault, UpstashLocal } from "../src/index.js"
import { command, until } from "./support/support.js"

describeWithRedis("UpstashLocal / lifecycle", () => {
  it.scopedLive("is not built before a redis-server that is away", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.make()
      const ping = Effect.provide(command("PING"), UpstashLocal.layer({ redisUrl: server.url }))
      expect(yield* ping).toEqual({ result: "PONG" })
      yield* server.stop
      expect(yield* Effect.flip(ping)).toBeInstanceOf(UpstashLocal.UpstashLocalError)
    })
  )

  it.scopedLive("finds a redis-server at a unix socket", () =>
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

it.scoped("where there is no redis-server, `available` and the failure of `layerWithRedis` say so", () =>
  Effect.gen(function* () {
    const path = process.env["PATH"]
    process.env["PATH"] = "/nowhere"
    yield* Effect.addFinalizer(() => Effect.sync(() => (process.env["PATH"] = path)))
    expect(yield* UpstashLocal.available).toBe(false)
    const error = yield* Effect.flip(Effect.provide(Effect.void, UpstashLocal.layerWithRedis()))
    expect(error).toBeInstanceOf(RedisServer.RedisServerError)
  })
)
