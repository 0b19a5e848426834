/** A primary that acknowledges an invalidation, and a replica that takes over without having heard of it. */
import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { IoredisClient, RedisStore } from "../src/index.js"
import { by, eventually, run, until } from "./support/support.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const stored = { timeToLive: "1 hour", awaitWrite: true } as const

const arrangements: ReadonlyArray<
  readonly [
    string,
    Layer.Layer<Cache.Cache, never, Layer.Layer.Context<ReturnType<typeof Cache.layerWithBus>>>,
    Pick<RedisStore.Options, "bus" | "pollInterval">
  ]
> = [
  ["with a bus", Cache.layerWithBus(), {}],
  ["with a stream", Cache.layerWithBus(), { bus: "Stream", pollInterval: "20 millis" }],
  ["without one", Cache.layer, {}]
]

describeWithRedis("failover", () => {
  it.scopedLive.each(arrangements)(
    "an acknowledged invalidation that a failover loses is made again, %s",
    ([, layer, bus]) =>
      Effect.gen(function* () {
        const primary = yield* RedisServer.make({ args: ["--repl-diskless-sync-delay", "0"] })
        const replica = yield* RedisServer.make({ args: ["--repl-diskless-sync-delay", "0"] })
        const admin = yield* IoredisClient.make({ url: replica.url })
        const instance = Effect.gen(function* () {
          const events: Array<string> = []
          const context = yield* Layer.build(
            layer.pipe(Layer.provide([RedisStore.layer({ url: primary.url, ...bus }), Reporter.layerNoop]), Layer.fresh)
          )
          yield* Effect.provide(
            Cache.listen((event) => void events.push(event._tag)),
            context
          )
          const { getOrSet, invalidate } = Context.get(context, Cache.Cache)
          const find = (value: string, of = key) => getOrSet(of, Effect.succeed(value), stored)
          return { events, find, invalidate }
        })
        const one = yield* instance
        yield* eventually(one.invalidate(key))
        yield* one.find("old")
        // The replica has the value, and hears no more.
        yield* by(admin, run("REPLICAOF", "127.0.0.1", String(primary.port)))
        const held = (url: string) =>
          Effect.scoped(Effect.flatMap(IoredisClient.make({ url }), (client) => by(client, eventually(run("DBSIZE")))))
        const size = yield* held(primary.url)
        yield* until(held(replica.url), (n) => n === size)
        yield* by(admin, run("REPLICAOF", "NO", "ONE"))
        yield* one.invalidate(key)
        // It takes over, at the address of the primary.
        yield* primary.stop
        for (let i = 0; i < 6; i++) yield* one.find("any", Key(2))
        yield* primary.start
        const promoted = yield* IoredisClient.make({ url: primary.url })
        yield* by(promoted, eventually(run("REPLICAOF", "127.0.0.1", String(replica.port))))
        yield* until(held(primary.url), (n) => n === size)
        yield* by(promoted, run("REPLICAOF", "NO", "ONE"))
        const other = yield* instance
        yield* until(
          Effect.zipRight(
            one.find("any", Key(2)),
            Effect.sync(() => one.events)
          ),
          (events) => events.includes("Replayed")
        )
        expect(yield* one.find("new")).toBe("new")
        expect(yield* other.find("newer")).toBe("new")
      })
  )
})
