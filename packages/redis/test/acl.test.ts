import * as RedisCluster from "@larder/redis-server/RedisCluster"
import * as RedisServer from "@larder/redis-server/RedisServer"
import type { Command, RedisClient } from "@larder/cache/RedisClient"
import { expect, it } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { IoredisClient, RedisStore } from "../src/index.js"
import { hearEachOther } from "./support/instances.js"
import { by, run, until } from "./support/support.js"

const secret = "app-secret"

/** The rules that the README gives, word by word. */
const rules = (kind: string) => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")
  const line = readme.split("\n").find((line) => line.startsWith("ACL SETUSER app ") && line.includes(kind))
  return line!.replace(">password", `>${secret}`).split(" ").slice(1)
}

const create = (redis: RedisClient["Type"], kind: string) => by(redis, run("ACL", ...rules(kind)))

/** What the README adds to them. */
const further = (what: string) => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8").replaceAll("\n", " ")
  return readme.split(`\` for \`${what}\``)[0]!.split("`").at(-1)!.split(" ")
}

const credentials = { username: "app", password: Redacted.make(secret) }

/** What was refused to somebody, by the server's own book. */
const refused = (redis: RedisClient["Type"]) =>
  Effect.map(by(redis, run("ACL", "LOG")), (log) =>
    (log as ReadonlyArray<ReadonlyArray<unknown>>).map((entry) => String(entry[entry.indexOf("object") + 1]))
  )

const single = Layer.unwrapScoped(
  Effect.gen(function* () {
    const { host, port, url } = yield* RedisServer.RedisServer
    yield* create(yield* IoredisClient.make({ url }), "+select")
    return RedisStore.layer({ host, port, ...credentials })
  })
)

const cluster = Layer.unwrapScoped(
  Effect.gen(function* () {
    const { masters } = yield* RedisCluster.RedisCluster
    for (const { url } of masters) yield* create(yield* IoredisClient.make({ url }), "+cluster|slots")
    return RedisStore.layer({ cluster: masters.map(({ host, port }) => ({ host, port })), ...credentials })
  })
)

const suite = { advance: Effect.sleep, capabilities: { virtualTime: { lacking: "a server keeps its own time" } } }

describeWithRedis("a user who may do what the README says", () => {
  StoreSuite.suite("redis, by a user", Layer.provide(single, RedisServer.layer), suite)
  StoreSuite.suite("redis cluster, by a user", Layer.provide(cluster, RedisCluster.layer), suite)

  it.scopedLive("may tell and read in a stream, with what is to be added for it", () =>
    Effect.gen(function* () {
      const { host, port, url } = yield* RedisServer.RedisServer
      const admin = yield* IoredisClient.make({ url })
      yield* create(admin, "+select")
      yield* by(admin, run("ACL", "SETUSER", "app", ...further('bus: "Stream"')))
      yield* hearEachOther({ host, port, ...credentials, bus: "Stream", pollInterval: "20 millis" })
      expect(yield* refused(admin)).toEqual([])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("may do all that the client does, and not what others keep in the database", () =>
    Effect.gen(function* () {
      const { host, port, url } = yield* RedisServer.RedisServer
      const admin = yield* IoredisClient.make({ url })
      yield* create(admin, "+select")
      const redis = yield* IoredisClient.make({ host, port, ...credentials, database: 1 })
      const heard = yield* Effect.fork(Stream.runHead(redis.subscribe("larder:news")))
      yield* until(
        by(admin, run("PUBSUB", "NUMSUB", "larder:news")),
        (reply) => (reply as ReadonlyArray<unknown>)[1] === 1
      )
      yield* redis.publish("larder:news", "x")
      expect(yield* Fiber.join(heard)).toEqual(Option.some("x"))
      expect(yield* refused(admin)).toEqual([])
      const forbidden: ReadonlyArray<Command> = [["GET", "other"], ["FLUSHALL"], ["PUBLISH", "other", "x"]]
      for (const command of forbidden) {
        expect((yield* Effect.flip(by(redis, run(...command)))).message).toBe("Rejected: NOPERM")
      }
    }).pipe(Effect.provide(RedisServer.layer))
  )
})
