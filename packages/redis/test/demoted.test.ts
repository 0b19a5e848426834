/**
 * A primary that became a replica and no longer follows, while connections to it stay open: its address leads elsewhere,
 * and who is still connected hears nobody.
 */
import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { IoredisClient } from "../src/index.js"
import { answers, find, instance, key } from "./support/instances.js"
import { freePort } from "./support/sentinel.js"
import { by, run, until } from "./support/support.js"

/** An address that leads to one port, and from some moment on to another; connections stay where they are. */
const address = (first: number) =>
  Effect.gen(function* () {
    let target = first
    const open = new Set<Net.Socket>()
    const accept = (near: Net.Socket): void => {
      const far = Net.connect(target, "127.0.0.1")
      for (const socket of [near, far]) {
        open.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => {
          near.destroy()
          far.destroy()
          open.delete(socket)
        })
      }
      near.pipe(far).pipe(near)
    }
    const server = yield* Effect.acquireRelease(
      Effect.async<Net.Server>((resume) => {
        const server = Net.createServer(accept).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          for (const socket of open) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    const { port } = server.address() as Net.AddressInfo
    return { url: `redis://127.0.0.1:${port}`, lead: (to: number) => void (target = to) }
  })

describeWithRedis("a primary that became a replica of one that is away", () => {
  it.scopedLive.each([
    ["a channel", {}],
    ["a stream", { bus: "Stream", pollInterval: "20 millis" }]
  ] as const)("gives no sign of life: who is connected to it finds the primary of now, by %s", ([, bus]) =>
    Effect.gen(function* () {
      const primary = yield* RedisServer.make({ args: ["--repl-diskless-sync-delay", "0"] })
      const replica = yield* RedisServer.make({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] })
      const [old, next] = yield* Effect.all([
        IoredisClient.make({ url: primary.url }),
        IoredisClient.make({ url: replica.url })
      ])
      const { lead, url } = yield* address(primary.port)
      const one = yield* instance({ url, ...bus })
      yield* answers(one, "v0")
      yield* until(by(next, run("INFO", "replication")), (info) => String(info).includes("master_link_status:up"))
      yield* by(old, run("WAIT", "1", "0"))
      yield* by(next, run("REPLICAOF", "NO", "ONE"))
      lead(replica.port)
      yield* by(old, run("REPLICAOF", "127.0.0.1", String(yield* freePort)))
      const two = yield* instance({ url: replica.url, ...bus })
      yield* two.cache.invalidate(key)
      expect(yield* find(two, "v1")).toBe("v1")
      yield* answers(one, "v1")
    })
  )
})
