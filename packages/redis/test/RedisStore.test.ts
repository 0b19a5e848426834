import { describe, expect, it } from "@effect/vitest"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RedisCache, RedisStore } from "../src/index.js"

const single = Layer.unwrapEffect(
  Effect.map(RedisServer.RedisServer, ({ url }) => RedisStore.layer({ url, keyPrefix: "suite:" }))
)

describe("RedisStore / options", () => {
  it.effect("a prefix with braces is refused before anything is sent", () =>
    Effect.gen(function* () {
      const built = yield* Effect.flip(Layer.build(RedisStore.layer({ host: "127.0.0.1", port: 1, keyPrefix: "{a}:" })))
      expect(String(built)).toContain("keyPrefix")
    }).pipe(Effect.scoped)
  )

  it.effect("an option from the configuration that is not usable is an error of the configuration", () =>
    Effect.gen(function* () {
      const live = RedisStore.layerConfig({
        host: Config.succeed("127.0.0.1"),
        // What an environment holds has no type.
        bus: Config.string("CACHE_BUS") as Config.Config<"Stream">
      })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(live)))
      expect(error).toMatchObject({
        _op: "InvalidData",
        path: ["bus"],
        message: 'expected one of "PubSub", "Stream", got "stream"'
      })
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["CACHE_BUS", "stream"]]))))
  )

  it.effect("an option that is not usable is an error of the configuration also where memory is chosen", () =>
    Effect.gen(function* () {
      const live = RedisCache.storeFromEnvWith({ pollInterval: "often" as "1 second" })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(live)))
      expect(error).toMatchObject({ _op: "InvalidData", path: ["pollInterval"] })
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )
})

describeWithRedis("RedisStore", () => {
  StoreSuite.suite("redis", Layer.provide(single, RedisServer.layer), {
    advance: Effect.sleep,
    capabilities: { virtualTime: { lacking: "a server keeps its own time" } }
  })
})

const cluster = Layer.unwrapEffect(
  Effect.map(RedisCluster.RedisCluster, ({ masters }) =>
    RedisStore.layer({ cluster: masters.map(({ host, port }) => ({ host, port })), keyPrefix: "suite:" })
  )
)

describeWithRedis("RedisStore", () => {
  StoreSuite.suite("redis cluster", Layer.provide(cluster, RedisCluster.layer), {
    advance: Effect.sleep,
    capabilities: { virtualTime: { lacking: "a server keeps its own time" } }
  })
})
