/** Instances of a cache over real servers, each with a client of its own, which hear each other. */
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import type { InvalidationBus } from "@larder/cache/InvalidationBus"
import * as Reporter from "@larder/cache/Reporter"
import type { Store } from "@larder/cache/Store"
import { expect } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { RedisStore } from "../../src/index.js"
import { until } from "./support.js"

export const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["declared"]
})
export const key = Key(1)
export const stored = { timeToLive: "1 hour", awaitWrite: true } as const

/** An instance that hears the others. */
export const instanceOver = <E>(
  below: Layer.Layer<Store | InvalidationBus, E>,
  memory: Cache.Options["memory"] = true
) =>
  Effect.gen(function* () {
    const failures: Array<string> = []
    const events: Array<string> = []
    const report = ({ cause }: Reporter.CacheFailure) => Effect.sync(() => void failures.push(Cause.pretty(cause)))
    const context = yield* Layer.build(
      // What is shown is who hears whom, not what a busy machine does to time limits.
      Cache.layerWithBus({ memory, storeTimeout: "5 seconds", storeBudget: "10 seconds" }).pipe(
        Layer.provide([below, Layer.succeed(Reporter.Reporter, { report })])
      )
    )
    yield* Effect.provide(
      Cache.listen((event) => void events.push("because" in event ? `${event._tag} ${event.because}` : event._tag)),
      context
    )
    const cache = Context.get(context, Cache.Cache)
    const count = (tag: string) => events.filter((one) => one === tag).length
    const stands = (times: number) =>
      until(
        Effect.sync(() => count("Gap Subscribed")),
        (n) => n >= times
      )
    yield* stands(1)
    return { cache, count, events, failures, stands }
  })

export const instance = (options: RedisStore.Options, memory?: Cache.Options["memory"]) =>
  instanceOver(RedisStore.layer(options), memory)

export type Instance = Effect.Effect.Success<ReturnType<typeof instance>>

export const find = ({ cache }: Instance, value: string) => cache.getOrSet(key, Effect.succeed(value), stored)

/** Waits until an instance answers a value, and fails when that takes longer than the bound of values in memory. */
export const answers = (one: Instance, value: string) =>
  Effect.timeout(
    until(find(one, value), (answer) => answer === value),
    "6 seconds"
  )

const invalidations: ReadonlyArray<readonly [string, (cache: Cache.Cache["Type"]) => Effect.Effect<unknown, unknown>]> =
  [
    ["invalidate", (cache) => cache.invalidate(key)],
    ["invalidateTags", (cache) => cache.invalidateTags("declared")],
    ["expireTags", (cache) => cache.expireTags("declared")],
    ["expire", (cache) => cache.expire(key)],
    ["set", (cache) => cache.set(key, "v1", stored)]
  ]

export const hearEachOther = (options: RedisStore.Options) =>
  Effect.gen(function* () {
    const one = yield* instance(options)
    const two = yield* instance(options)
    for (const [, tell] of invalidations) {
      yield* one.cache.invalidate(key)
      yield* answers(two, "v0")
      yield* find(one, "v0")
      const heard = one.count("Heard")
      yield* tell(two.cache)
      yield* until(
        Effect.sync(() => one.count("Heard")),
        (n) => n > heard
      )
      expect(yield* find(one, "v1")).toBe("v1")
      expect([one.count("Gap Lost"), one.failures, two.failures]).toEqual([0, [], []])
    }
  })
