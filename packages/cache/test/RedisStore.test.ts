import { describeWithRedis } from "@larder/testing"
import * as RedisServer from "@larder/testing/RedisServer"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RedisStore from "../src/RedisStore.js"
import * as ioredisClient from "./support/ioredisClient.js"

describeWithRedis("RedisStore", () => {
  for (const encoding of ["bytes", "text"] as const) {
    const layer = RedisStore.layer.pipe(
      Layer.provideMerge(ioredisClient.layer(encoding)),
      Layer.provide(RedisServer.layer)
    )
    StoreSuite.suite(`redis, ${encoding}`, layer, {
      advance: Effect.sleep,
      capabilities: { virtualTime: { lacking: "a server keeps its own time" } }
    })
  }
})
