/** Instances of a cache over real servers, which read in a stream what the others have invalidated. */
import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import { InvalidationBus } from "@larder/cache/InvalidationBus"
import * as RedisBus from "@larder/cache/RedisBus"
import * as GenericStore from "@larder/cache/RedisStore"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { IoredisClient, RedisStore } from "../src/index.js"
import { answers, find, hearEachOther, type Instance, instance, instanceOver, Key, key } from "./support/instances.js"
import { by, client, eventually, run, until } from "./support/support.js"

const stream = { bus: "Stream", pollInterval: "20 millis" } as const
const name = "larder:{larder:}bus:1"

const hears = (one: Instance, times: number) =>
  until(
    Effect.sync(() => one.count("Heard")),
    (n) => n >= times
  )

const over = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(self, RedisServer.layer)

describeWithRedis("stream bus / one server", () => {
  it.scopedLive("each way to invalidate is heard by the other instance, and nothing is missing", () =>
    Effect.flatMap(RedisServer.RedisServer, ({ url }) => hearEachOther({ url, ...stream })).pipe(over)
  )

  it.scopedLive("beats alone read what was told, page by page, and none is missing", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, ...stream, pollInterval: "1 hour" }, { timeToLive: "20 seconds" })
      const two = yield* instance({ url, ...stream })
      const ids = Array.from({ length: 1_200 }, (_, id) => id)
      // One whose reply is late on a busy machine is made again.
      const tell = (id: number) => eventually(two.cache.invalidate(Key(id)))
      yield* Effect.forEach(ids, tell, { concurrency: 50, discard: true })
      yield* hears(one, 1_200)
      expect(one.count("Gap Lost")).toBe(0)
    }).pipe(over)
  )

  it.scopedLive("a connection that is lost is no gap: what was told meanwhile is read later", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, ...stream })
      const two = yield* instance({ url, ...stream })
      yield* answers(two, "v0")
      yield* find(one, "v0")
      const admin = yield* client()
      yield* by(admin, run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
      yield* eventually(two.cache.invalidate(key))
      yield* hears(one, 1)
      expect(yield* find(one, "v1")).toBe("v1")
      expect([one.count("Gap Subscribed"), one.count("Gap Lost"), one.count("BusLost")]).toEqual([1, 0, 0])
    }).pipe(over)
  )

  it.scopedLive("a server that loses everything is noticed and got over", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const one = yield* instance({ url: server.url, ...stream })
      const two = yield* instance({ url: server.url, ...stream })
      yield* find(one, "v0")
      yield* two.cache.invalidate(Key(2))
      yield* hears(one, 1)
      yield* server.stop
      yield* server.start
      yield* eventually(two.cache.invalidate(key))
      yield* answers(one, "v1")
    }).pipe(over)
  )

  it.scopedLive("whoever falls behind what the stream keeps believes nothing from before", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, ...stream })
      const two = yield* instance({ url, ...stream })
      yield* two.cache.invalidate(Key(2))
      yield* hears(one, 1)
      const admin = yield* client()
      yield* by(admin, run("XTRIM", name, "MAXLEN", "0"))
      yield* one.stands(2)
      expect(one.count("BusLost")).toBe(1)
      // Whoever had not read yet what is gone misses it by its count.
      yield* until(
        Effect.sync(() => two.count("Gap Subscribed") + two.count("Gap Lost")),
        (n) => n > 1
      )
    }).pipe(over)
  )

  it.scopedLive("an invalidation that the server loses before anybody has read of it is made again", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, ...stream })
      const two = yield* instance({ url, ...stream, pollInterval: "1 hour" }, { timeToLive: "3 seconds" })
      yield* answers(two, "v0")
      yield* find(one, "v0")
      const admin = yield* client()
      const names = (yield* by(admin, run("KEYS", "*"))) as ReadonlyArray<string>
      yield* Effect.forEach(names, (one) => by(admin, run("COPY", one, one, "DB", "1")))
      yield* two.cache.invalidate(key)
      // All is as it was before, as on a replica that had not heard of it.
      yield* by(admin, run("SWAPDB", "0", "1"))
      yield* answers(one, "v1")
      expect(two.count("Recalled")).toBe(1)
    }).pipe(over)
  )

  it.scopedLive("a server that is frozen is no sign of life: values in memory end with their time", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const one = yield* instance({ url: server.url, ...stream }, { timeToLive: "1 second" })
      yield* find(one, "v0")
      yield* server.suspend
      expect(yield* find(one, "v1")).toBe("v0")
      yield* answers(one, "v1")
      yield* server.resume
    }).pipe(over)
  )

  it.scopedLive("a fence of somebody without a bus is missed by its count", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, ...stream })
      yield* find(one, "v0")
      const silent = Cache.layer.pipe(Layer.provide([RedisStore.layer({ url }), Reporter.layerNoop]))
      yield* Effect.provide(
        Effect.flatMap(Cache.Cache, (cache) => eventually(cache.invalidate(key))),
        silent
      )
      yield* answers(one, "v1")
      expect([one.count("Gap Lost"), one.count("Heard")]).toEqual([1, 0])
    }).pipe(over)
  )

  it.scopedLive("a bus of another prefix than the store's does not count with the store, and loses nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const bus = RedisBus.layerWith({ ...stream, keyPrefix: "other:" })
      const below = Layer.fresh(Layer.provide(Layer.merge(GenericStore.layer, bus), IoredisClient.layer({ url })))
      const one = yield* instanceOver(below)
      const two = yield* instanceOver(below)
      yield* answers(two, "v0")
      yield* find(one, "v0")
      yield* two.cache.invalidate(key)
      yield* hears(one, 1)
      expect([yield* find(one, "v1"), one.count("Gap Lost")]).toEqual(["v1", 0])
    }).pipe(over)
  )

  it.scopedLive("the stream keeps some ten thousand messages, and goes away by itself", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const bus = Context.get(yield* Layer.build(RedisStore.layer({ url, ...stream })), InvalidationBus)
      yield* Effect.forEach(Array.from({ length: 11_000 }), () => bus.publish("x"), { concurrency: 500, discard: true })
      const admin = yield* client()
      const length = Number(yield* by(admin, run("XLEN", name)))
      expect(length).toBeGreaterThanOrEqual(10_000)
      expect(length).toBeLessThan(10_500)
      expect(Number(yield* by(admin, run("PTTL", name)))).toBeGreaterThan(29 * 24 * 3_600_000)
    }).pipe(over)
  )

  it.scopedLive("at rest nothing is written", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      yield* instance({ url, ...stream }, { timeToLive: "1 second" })
      yield* Effect.sleep("1 second")
      expect(yield* by(yield* client(), run("XLEN", name))).toBe(0)
    }).pipe(over)
  )
})

describeWithRedis("stream bus / a cluster", () => {
  it.scopedLive("each way to invalidate is heard by the other instance, and nothing is missing", () =>
    Effect.flatMap(RedisCluster.RedisCluster, ({ masters }) =>
      hearEachOther({ cluster: masters.map(({ host, port }) => ({ host, port })), ...stream })
    ).pipe(Effect.provide(RedisCluster.layer))
  )
})
