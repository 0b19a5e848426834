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
