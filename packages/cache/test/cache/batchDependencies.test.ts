/** Keys that are looked up together, one of them from another. */
import { expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { plain } from "../support/caches.js"
import { under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "sums", key: (id: number) => ["id", id], schema: Schema.Number })
const policy = { timeToLive: "1 hour", awaitWrite: true } as const

it.effect("of two keys that are looked up together, the one computed from the other ends with it", () =>
  Effect.gen(function* () {
    const cache = yield* Cache.Cache
    let source = 1
    const leaf = cache.getOrSet(
      Key(0),
      Effect.sync(() => source),
      policy
    )
    const sum = Effect.map(leaf, (value) => value + 10)
    const both = cache.getMany([0, 1], {
      key: Key,
      policy,
      lookup: (some) => Effect.forEach(some, (id) => (id === 0 ? Effect.sync(() => source) : sum))
    })
    expect(yield* both).toEqual([1, 11])
    source = 2
    yield* cache.invalidate(Key(0))
    expect(yield* cache.getOrSet(Key(1), sum, policy)).toBe(12)
  }).pipe(under(plain()))
)
