/** Instances of a cache over Upstash's REST, which tell each other what they invalidate by its event stream. */
import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { UpstashStore } from "../src/index.js"
import { until } from "./support.js"

const key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })(1)
const stored = { timeToLive: "1 hour", awaitWrite: true } as const

const instance = (options: Cache.Options, bus: Pick<UpstashStore.Options, "bus" | "pollInterval"> = {}) =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const events: Array<string> = []
    const context = yield* Layer.build(
      Cache.layerWithBus(options).pipe(Layer.provide([UpstashStore.layer({ url, token, ...bus }), Reporter.layerNoop]))
    )
    yield* Effect.provide(
      Cache.listen((event) => void events.push("because" in event ? `${event._tag} ${event.because}` : event._tag)),
      context
    )
    const count = (tag: string) => events.filter((one) => one === tag).length
    const cache = Context.get(context, Cache.Cache)
    yield* until(
      Effect.sync(() => count("Gap Subscribed")),
      (n) => n > 0
    )
    const find = (value: string) => cache.getOrSet(key, Effect.succeed(value), stored)
    return { cache, count, find }
  })

const over = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(self, UpstashLocal.layerWithRedis())

describeWithRedis("bus / Upstash", () => {
  it.scopedLive("an invalidation is heard by the other instance, with the request that makes it", () =>
    Effect.gen(function* () {
      const one = yield* instance({})
      const two = yield* instance({})
      yield* two.find("v0")
      expect(yield* one.find("v1")).toBe("v0")
      yield* two.cache.invalidate(key)
      yield* until(
        Effect.sync(() => one.count("Heard")),
        (n) => n > 0
      )
      expect(yield* one.find("v1")).toBe("v1")
      expect([one.count("Gap Lost"), two.count("Heard")]).toEqual([0, 0])
    }).pipe(over)
  )

  it.scopedLive("a stream that ends is opened again, and what was missed meanwhile is not answered", () =>
    Effect.gen(function* () {
      const { faults } = yield* UpstashLocal.UpstashLocal
      const one = yield* instance({})
      const two = yield* instance({})
      yield* two.find("v0")
      yield* one.find("v1")
      yield* faults.disconnect
      yield* Effect.retry(two.cache.invalidate(key), { times: 50 })
      yield* until(
        Effect.sync(() => one.count("Gap Subscribed")),
        (n) => n > 1
      )
      expect(yield* one.find("v1")).toBe("v1")
    }).pipe(over)
  )

  it.scopedLive(
    "a server that accepts and never answers is no sign of life: values in memory end with their time",
    () =>
      Effect.gen(function* () {
        const { faults } = yield* UpstashLocal.UpstashLocal
        const one = yield* instance({ memory: { timeToLive: "1 second" } })
        yield* one.find("v0")
        yield* faults.set(Fault.hang)
        expect(yield* one.find("v1")).toBe("v0")
        yield* Effect.timeout(
          until(one.find("v1"), (value) => value === "v1"),
          "3 seconds"
        )
        yield* faults.set(Fault.none)
      }).pipe(over)
  )

  it.scopedLive("an invalidation is read in the stream by the other instance, and no connection is held", () =>
    Effect.gen(function* () {
      const stream = { bus: "Stream", pollInterval: "20 millis" } as const
      const { faults } = yield* UpstashLocal.UpstashLocal
      const one = yield* instance({}, stream)
      const two = yield* instance({}, stream)
      for (let i = 0; i < 3; i++) {
        yield* two.find(`v${i}`)
        expect(yield* one.find("another")).toBe(`v${i}`)
        const heard = one.count("Heard")
        // What ends subscriptions and requests under way is got over by the next reading.
        yield* faults.disconnect
        yield* Effect.retry(two.cache.invalidate(key), { times: 50 })
        yield* until(
          Effect.sync(() => one.count("Heard")),
          (n) => n > heard
        )
      }
      expect([one.count("Gap Lost"), one.count("Gap Subscribed"), one.count("BusLost")]).toEqual([0, 1, 0])
    }).pipe(over)
  )
})
