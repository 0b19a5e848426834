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
