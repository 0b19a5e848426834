import { assertSome, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const layer = Layer.provide(Cache.layer, [Store.layerMemory, Reporter.layerNoop])

/** A lookup that counts its runs. */
const counted = (prefix = "v") => {
  let runs = 0
  return { runs: () => runs, lookup: Effect.sync(() => `${prefix}${++runs}`) }
}

describe("Cache / withCache", () => {
  it.effect("a second call within the time to live does not reach the lookup", () =>
    Effect.gen(function* () {
      const { lookup, runs } = counted()
      const cached = lookup.pipe(Cache.withCache(Key(1), { timeToLive: "1 minute" }))
      strictEqual(yield* cached, "v1")
      yield* TestClock.adjust("59 seconds")
      strictEqual(yield* cached, "v1")
      yield* TestClock.adjust("1 second")
      strictEqual(yield* cached, "v2")
      strictEqual(runs(), 2)
    }).pipe(Effect.provide(layer))
  )

  it.effect("1 000 simultaneous cold calls run one lookup", () =>
    Effect.gen(function* () {
      let runs = 0
      const gate = yield* Deferred.make<void>()
      const cached = Effect.zipRight(
        Effect.sync(() => ++runs),
        Effect.as(Deferred.await(gate), "v")
      ).pipe(Cache.withCache(Key(1)))
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 1000 }, () => cached),
          { concurrency: "unbounded" }
        )
      )
      yield* Effect.yieldNow()
      yield* Deferred.succeed(gate, undefined)
      expect(new Set(yield* Fiber.join(all))).toEqual(new Set(["v"]))
      strictEqual(runs, 1)
    }).pipe(Effect.provide(layer))
  )
  it.effect("an invalidation while the lookup runs", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      let runs = 0
      const gate = yield* Deferred.make<void>()
      const started = yield* Deferred.make<void>()
      const cached = Effect.suspend(() => {
        const run = ++runs
        return run === 1
          ? Effect.zipRight(Deferred.succeed(started, undefined), Effect.as(Deferred.await(gate), "old"))
          : Effect.succeed("new")
      }).pipe(Cache.withCache(Key(1)))
      const first = yield* Effect.fork(cached)
      yield* Deferred.await(started)
      yield* cache.invalidate(Key(1))
      strictEqual(yield* cached, "new")
      yield* Deferred.succeed(gate, undefined)
      strictEqual(yield* Fiber.join(first), "old")
      strictEqual(yield* cached, "new")
      assertSome(yield* cache.get(Key(1)), "new")
      deepStrictEqual(runs, 2)
    }).pipe(Effect.provide(layer))
  )
})
