/** Instances of a cache over real servers, which tell each other what they invalidate. */
import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as RedisBus from "@larder/cache/RedisBus"
import type { Command } from "@larder/cache/RedisClient"
import * as GenericStore from "@larder/cache/RedisStore"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { IoredisClient, RedisStore } from "../src/index.js"
import { answers, find, hearEachOther, instance, instanceOver, key } from "./support/instances.js"
import { by, client, eventually, run, until } from "./support/support.js"

describeWithRedis("bus / one server", () => {
  it.scopedLive("each way to invalidate is heard by the other instance, and nothing is missing", () =>
    Effect.flatMap(RedisServer.RedisServer, ({ url }) => hearEachOther({ url })).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a subscription that is lost, and a server that loses everything, are noticed and got over", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const one = yield* instance({ url: server.url })
      const two = yield* instance({ url: server.url })
      yield* find(one, "v0")
      const admin = yield* client()
      yield* by(admin, run("CLIENT", "KILL", "TYPE", "pubsub"))
      yield* two.cache.invalidate(key)
      yield* one.stands(2)
      expect(yield* find(one, "v1")).toBe("v1")
      yield* server.stop
      yield* server.start
      yield* eventually(two.cache.invalidate(key))
      yield* one.stands(3)
      yield* answers(one, "v2")
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a server that is frozen is no sign of life: values in memory end with their time", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const one = yield* instance({ url: server.url }, { timeToLive: "1 second" })
      yield* find(one, "v0")
      yield* server.suspend
      expect(yield* find(one, "v1")).toBe("v0")
      yield* answers(one, "v1")
      yield* server.resume
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a fence of somebody without a bus is missed by its count", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url })
      yield* find(one, "v0")
      const silent = Cache.layer.pipe(Layer.provide([RedisStore.layer({ url }), Reporter.layerNoop]))
      yield* Effect.provide(
        Effect.flatMap(Cache.Cache, (cache) => eventually(cache.invalidate(key))),
        silent
      )
      yield* answers(one, "v1")
      expect(one.count("Gap Lost")).toBe(1)
      expect(one.count("Heard")).toBe(0)
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a user who may not publish invalidates all the same, and others miss it by its count", () =>
    Effect.gen(function* () {
      const { host, port, url } = yield* RedisServer.RedisServer
      const admin = yield* client()
      yield* by(admin, run("ACL", "SETUSER", "mute", "on", ">secret", "~*", "+@all", "resetchannels"))
      const one = yield* instance({ url })
      yield* find(one, "v0")
      const mute = Cache.layer.pipe(
        Layer.provide([
          RedisStore.layer({ host, port, username: "mute", password: Redacted.make("secret") }),
          Reporter.layerNoop
        ])
      )
      yield* Effect.provide(
        Effect.flatMap(Cache.Cache, (cache) => eventually(cache.invalidate(key))),
        mute
      )
      yield* answers(one, "v1")
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("an instance that closes has nothing to report", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const { failures } = yield* Effect.scoped(instance({ url }))
      expect(failures).toEqual([])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a bus of another prefix than the store's does not count with the store, and loses nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const below = Layer.fresh(
        Layer.provide(
          Layer.merge(GenericStore.layer, RedisBus.layerWith({ keyPrefix: "other:" })),
          IoredisClient.layer({ url })
        )
      )
      const one = yield* instanceOver(below)
      const two = yield* instanceOver(below)
      yield* answers(two, "v0")
      yield* find(one, "v0")
      yield* two.cache.invalidate(key)
      yield* until(
        Effect.sync(() => one.count("Heard")),
        (n) => n > 0
      )
      expect([yield* find(one, "v1"), one.count("Gap Lost")]).toEqual(["v1", 0])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("stores of different prefixes do not hear each other", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const one = yield* instance({ url, keyPrefix: "a:" })
      const two = yield* instance({ url, keyPrefix: "b:" })
      yield* find(one, "v0")
      yield* two.cache.invalidate(key)
      const admin = yield* client()
      expect(yield* by(admin, run("PUBSUB", "CHANNELS"))).toEqual(expect.arrayContaining(["a:bus:1", "b:bus:1"]))
      expect([one.count("Heard"), yield* find(one, "v1")]).toEqual([0, "v0"])
    }).pipe(Effect.provide(RedisServer.layer))
  )
})

describeWithRedis("bus / a cluster", () => {
  it.scopedLive("each way to invalidate is heard by the other instance, and nothing is missing", () =>
    Effect.flatMap(RedisCluster.RedisCluster, ({ masters }) =>
      hearEachOther({ cluster: masters.map(({ host, port }) => ({ host, port })) })
    ).pipe(Effect.provide(RedisCluster.layer))
  )

  it.scopedLive("a node that no longer hears the others is no sign of life to whoever listens there", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      const cluster = masters.map(({ host, port }) => ({ host, port }))
      const nodes = yield* Effect.forEach(masters, ({ url }) => IoredisClient.make({ url }))
      const onNode = (i: number, ...command: Command) => by(nodes[i]!, run(...command))
      // The one that listens is on another node than the counter, where messages come from.
      const ofCounter = (prefix: string) =>
        Effect.map(onNode(0, "CLUSTER", "KEYSLOT", `{${prefix}}c`), (slot) =>
          masters.findIndex(({ slots: [first, last] }) => Number(slot) >= first && Number(slot) <= last)
        )
      const listening = (prefix: string) =>
        Effect.map(
          Effect.forEach(nodes, (_, i) => onNode(i, "PUBSUB", "NUMSUB", `${prefix}bus:1`)),
          (replies) => replies.findIndex((reply) => Number((reply as ReadonlyArray<unknown>)[1]) > 0)
        )
      const options = { cluster, keyPrefix: "" }
      let one = yield* instance(options)
      for (
        let i = 0;
        (yield* listening(options.keyPrefix)) === (yield* ofCounter(options.keyPrefix || "larder"));
        i++
      ) {
        options.keyPrefix = `p${i}:`
        one = yield* instance(options)
      }
      const two = yield* instance(options)
      yield* answers(two, "v0")
      yield* find(one, "v0")
      const deaf = yield* listening(options.keyPrefix)
      const ids = yield* Effect.forEach(nodes, (_, i) => onNode(i, "CLUSTER", "MYID"))
      for (const [i, id] of ids.entries()) {
        if (i === deaf) continue
        yield* onNode(i, "CLUSTER", "FORGET", String(ids[deaf]))
        yield* onNode(deaf, "CLUSTER", "FORGET", String(id))
      }
      yield* Effect.ignore(two.cache.invalidateTags("declared"))
      yield* answers(one, "v1")
    }).pipe(Effect.provide(RedisCluster.layerWith({ args: ["--cluster-require-full-coverage", "no"] })))
  )
})
