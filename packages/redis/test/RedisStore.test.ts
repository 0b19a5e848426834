import { describe, expect, it } from "@effect/vitest"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RedisStore } from "../src/index.js"

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
