import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import { RedisClient } from "@larder/cache/RedisClient"
import * as RedisStore from "@larder/cache/RedisStore"
import * as Reporter from "@larder/cache/Reporter"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { UpstashClient } from "../src/index.js"
import { until } from "./support.js"

const server = UpstashLocal.layerWithRedis()

const Flag = CacheKey.make({ prefix: "flags", key: (name: string) => [name], schema: Schema.Number })

/** What the source of truth says now, through a cache. */
const version = (source: { readonly current: number }) =>
  Effect.sync(() => source.current).pipe(Cache.withCache(Flag("dark"), { timeToLive: "10 minutes" }))

/** One instance of a program, without memory of values, over a client. */
const instance = (client: Layer.Layer<RedisClient, never, UpstashLocal.UpstashLocal>) =>
  Layer.fresh(
    Layer.provide(Cache.layerWith({ storeTimeout: "20 seconds", storeBudget: "20 seconds", leaseWait: "20 seconds" }), [
      Layer.provide(RedisStore.layer, client),
      Reporter.layerNoop
    ])
  )

const upstash = Effect.flatMap(UpstashLocal.UpstashLocal, ({ token, url }) =>
  Effect.orDie(UpstashClient.make({ url, token }))
)

/** One client, and so one sync token: what this instance wrote, it reads. */
const oneClient = Layer.effect(RedisClient, upstash)

/** A client for reading and one for writing: the sync token of a write does not go with the reads. */
const twoClients = Layer.effect(
  RedisClient,
  Effect.zipWith(upstash, upstash, (reading, writing) => ({
    ...writing,
    send: (commands) => (commands.every(([name]) => name === "MGET") ? reading : writing).send(commands)
  }))
)

/** The value is stored, and everywhere, when the replica begins to lag for longer than the test takes. */
const storedThenLagging = (source: { current: number }) =>
  Effect.gen(function* () {
    const { faults } = yield* UpstashLocal.UpstashLocal
    const cache = yield* Cache.Cache
    expect(yield* version(source)).toBe(1)
    yield* until(cache.get(Flag("dark")), Option.isSome)
    yield* faults.set(Fault.replicaLag("10 minutes"))
    source.current = 2
    // The replica has what is stored: this is a hit.
    expect(yield* version(source)).toBe(1)
  })

describeWithRedis("UpstashStore / a replica that lags", () => {
  it.live("after an invalidation the stale answer of a replica is a miss, also without a sync token", () =>
    Effect.gen(function* () {
      const source = { current: 1 }
      yield* storedThenLagging(source)
      const cache = yield* Cache.Cache
      yield* cache.invalidate(Flag("dark"))
      expect(yield* version(source)).toBe(2)
    }).pipe(Effect.provide(instance(twoClients)), Effect.provide(server))
  )

  it.live("what an instance wrote after its invalidation, it hits: its client's sync token goes with its reads", () =>
    Effect.gen(function* () {
      const source = { current: 1 }
      yield* storedThenLagging(source)
      const cache = yield* Cache.Cache
      yield* cache.invalidate(Flag("dark"))
      expect(yield* version(source)).toBe(2)
      yield* until(cache.get(Flag("dark")), Option.isSome)
      source.current = 3
      expect(yield* version(source)).toBe(2)
    }).pipe(Effect.provide(instance(oneClient)), Effect.provide(server))
  )

  it.live("an instance that has not heard of the invalidation answers what the replica has", () =>
    Effect.gen(function* () {
      const source = { current: 1 }
      yield* storedThenLagging(source)
      yield* Effect.provide(
        Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Flag("dark"))),
        instance(oneClient)
      )
      expect(yield* version(source)).toBe(1)
    }).pipe(Effect.provide(instance(twoClients)), Effect.provide(server))
  )
})
