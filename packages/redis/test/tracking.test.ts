/** What others do to the keys of a store, as the server tells it. */
import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { RedisStore } from "../src/index.js"
import { by, client, eventually, run, until } from "./support/support.js"

const key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })(1)

/** A client that tracks, what it has heard, and somebody else. */
const tracked = Effect.gen(function* () {
  const redis = yield* client()
  const other = yield* client()
  const heard: Array<string> = []
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(redis.changes!("p:"), (names) =>
      Effect.sync(() => void heard.push(...(names === "everything" ? ["everything"] : names)))
    )
  )
  const hears = (name: string) =>
    until(
      Effect.sync(() => heard),
      (all) => all.includes(name)
    )
  yield* until(by(other, run("CLIENT", "LIST", "TYPE", "pubsub")), (list) => String(list).includes("sub=1"))
  yield* until(
    Effect.zipRight(
      by(other, run("SET", "p:begin", "x")),
      Effect.sync(() => heard)
    ),
    (all) => all.includes("p:begin")
  )
  return { fiber, heard, hears, redis, other }
})

describeWithRedis("client tracking", () => {
  it.scopedLive("tells what others write, delete and let expire under the prefix, and what empties the database", () =>
    Effect.gen(function* () {
      const { heard, hears, other, redis } = yield* tracked
      yield* by(redis, run("SET", "p:mine", "x"))
      yield* by(redis, run("EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", "p:mine by script"))
      yield* by(other, run("SET", "q:elsewhere", "x"))
      yield* by(other, run("SET", "p:written", "x"))
      yield* hears("p:written")
      yield* by(other, run("DEL", "p:mine"))
      yield* hears("p:mine")
      yield* by(redis, run("SET", "p:short", "x", "PX", "20"))
      yield* hears("p:short")
      yield* by(other, run("FLUSHALL"))
      yield* hears("everything")
      // What a script of its own writes is told too: Redis 7.0 does not count that as done by the connection.
      const own = ["p:mine", "p:mine by script"]
      expect(new Set(heard)).toEqual(new Set([...own, "p:begin", "p:written", "p:short", "everything"]))
      expect(heard.filter((name) => name === "p:mine")).toHaveLength(1)
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive.each([
    ["that hears", "pubsub"],
    ["for commands", "normal"]
  ] as const)("ends when the connection %s is lost, and can begin again", ([, type]) =>
    Effect.gen(function* () {
      const { fiber, other, redis } = yield* tracked
      yield* by(other, run("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"))
      expect((yield* Effect.flip(Fiber.join(fiber))).reason).toBe("Unavailable")
      const again: Array<string> = []
      yield* Effect.forkScoped(
        eventually(Stream.runForEach(redis.changes!("p:"), (names) => Effect.sync(() => void again.push(...names))))
      )
      yield* until(
        Effect.zipRight(
          eventually(by(other, run("SET", "p:again", "x"))),
          Effect.sync(() => again)
        ),
        (names) => names.includes("p:again")
      )
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a writer that is not Larder's ends values in memory, at once", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const events: Array<string> = []
      const context = yield* Layer.build(
        Cache.layerWithBus({ memory: { timeToLive: "1 hour" } }).pipe(
          Layer.provide([RedisStore.layer({ url, tracking: true }), Reporter.layerNoop])
        )
      )
      yield* Effect.provide(
        Cache.listen((event) => void events.push(event._tag)),
        context
      )
      yield* until(
        Effect.sync(() => events),
        (all) => all.includes("Gap")
      )
      const cache = Context.get(context, Cache.Cache)
      const find = (value: string) =>
        cache.getOrSet(key, Effect.succeed(value), { timeToLive: "1 hour", awaitWrite: true })
      yield* find("v0")
      const other = yield* client()
      const names = (yield* by(other, run("KEYS", `*{${key.id}}:v:*`))) as ReadonlyArray<string>
      expect(names).toHaveLength(1)
      // What its own scripts do is told to an instance too: what it holds is read once more, and then stays.
      const heard = () => events.filter((tag) => tag === "Heard").length
      yield* until(Effect.sync(heard), (count) => count > 0)
      yield* find("v1")
      const before = heard()
      for (let i = 0; i < 3; i++) expect(yield* find("v1")).toBe("v0")
      yield* by(other, run("DEL", ...names))
      yield* until(Effect.sync(heard), (count) => count > before)
      expect(yield* find("v1")).toBe("v1")
      expect(events.filter((tag) => tag === "Gap")).toHaveLength(1)
    }).pipe(Effect.provide(RedisServer.layer))
  )
})
