import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

describe("Cache / reads and fences that have nothing to do with each other", () => {
  it.effect("a hit that another key's invalidation overtakes stays a hit", () => {
    let slow = false
    return Effect.gen(function* () {
      const cache = yield* Cache.Cache
      let runs = 0
      const cached = Effect.sync(() => `v${++runs}`).pipe(Cache.withCache(Key(1)))
      yield* cached
      yield* TestClock.adjust(1)
      slow = true
      const call = yield* Effect.fork(cached)
      yield* TestClock.adjust(1)
      yield* cache.invalidate(Key(2))
      yield* TestClock.adjust(100)
      expect(yield* Fiber.join(call)).toBe("v1")
    }).pipe(
      Effect.provide(
        cacheOver((memory) => ({
          read: (requests) =>
            slow
              ? Effect.flatMap(memory.read(requests), (some) => Effect.delay(Effect.succeed(some), 10))
              : memory.read(requests)
        }))
      )
    )
  })

  it.effect("a set that stores nothing is not followed by the value of a lookup that began before it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const lookup = Effect.delay(Effect.succeed("old"), 100)
      const before = yield* Effect.fork(lookup.pipe(Cache.withCache(Key(1))))
      yield* TestClock.adjust(1)
      yield* cache.set(Key(1), "new", { cacheable: () => false })
      const after = yield* Effect.fork(Effect.succeed("new").pipe(Cache.withCache(Key(1))))
      yield* TestClock.adjust(1000)
      expect(yield* Fiber.join(after)).toBe("new")
      expect(yield* Fiber.join(before)).toBe("old")
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false)))
  )

  it.effect(
    "a value stored without a tag that its reader declares is not answered after that tag was invalidated",
    () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const before = yield* Effect.fork(Effect.delay(Effect.succeed("old"), 100).pipe(Cache.withCache(Key(1))))
        yield* TestClock.adjust(1)
        yield* cache.invalidateTags("mine")
        const after = yield* Effect.fork(Effect.succeed("new").pipe(Cache.withCache(Key(1), { tags: ["mine"] })))
        yield* TestClock.adjust(1000)
        expect(yield* Fiber.join(after)).toBe("new")
        yield* Fiber.join(before)
      }).pipe(Effect.provide(cacheOver(() => ({}), {}, false)))
  )
})
