/** A local Upstash in a process of its own, which can be frozen while the redis-server behind it goes on. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as UpstashLocal from "@larder/upstash-local/UpstashLocal"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const serve = Effect.gen(function* () {
  const options = yield* Config.all({
    port: Config.integer("PORT"),
    redisUrl: Config.string("REDIS_URL"),
    token: Config.redacted("TOKEN")
  })
  return yield* Layer.launch(UpstashLocal.layer(options))
})

NodeRuntime.runMain(serve)
