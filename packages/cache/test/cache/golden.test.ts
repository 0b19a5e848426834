/** What a cache does in each situation, as the whole text of it. */
import { describe, it } from "@effect/vitest"
import { strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, type CachePolicy, Store } from "@larder/cache"
import { Faults, Recorder } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Source from "../support/source.js"
import { advance, type Time, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id % 2}`]
})

const layer = Recorder.layer.pipe(Layer.provideMerge(Faults.layer), Layer.provide(Store.layerMemory))

/** Runs a story, and compares what was recorded with what is expected. */
const golden = <E>(
  story: (
    call: (id: number, policy?: CachePolicy.CachePolicy) => Effect.Effect<string, unknown, Cache.Cache>,
    source: Source.Source
  ) => Effect.Effect<unknown, E, Layer.Layer.Success<typeof layer> | Time>,
  expected: string
) =>
  Effect.gen(function* () {
    const source = yield* Source.make
    yield* story((id, policy) => Cache.withCache(source.lookup, Key(id), policy), source)
    strictEqual(`\n${yield* Effect.flatMap(Recorder.Recorder, ({ text }) => text)}\n`, expected)
  }).pipe(under(layer))

describe("Cache / what happens, word for word", () => {
  it.effect("a miss, then hits, then a miss when the time to live is over", () =>
    golden(
      (call) =>
        Effect.gen(function* () {
          yield* call(1, { timeToLive: "1 minute" })
          yield* call(1)
          yield* advance("59 seconds")
          yield* call(1)
          yield* advance("1 second")
          yield* call(1)
        }),
      `
0 ms  Miss V1.users.id.1
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Stored V1.users.id.1
0 ms  Hit V1.users.id.1
59000 ms  Hit V1.users.id.1
60000 ms  Miss V1.users.id.1
60000 ms  LookupSucceeded V1.users.id.1 in 0 ms
60000 ms  Stored V1.users.id.1
`
    )
  )

  it.effect("an old value is answered while a lookup runs behind, which others then find", () =>
    golden(
      (call, source) => {
        const policy = { timeToLive: "1 minute", staleWhileRevalidate: "1 minute" } as const
        return Effect.gen(function* () {
          yield* call(1, policy)
          yield* advance("70 seconds")
          const held = yield* source.hold
          strictEqual(yield* call(1, policy), "v0")
          yield* held.begun
          yield* advance(30)
          yield* held.answer
          yield* advance(10)
          yield* call(1, policy)
        })
      },
      `
0 ms  Miss V1.users.id.1
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Stored V1.users.id.1
70000 ms  Stale (Revalidate) V1.users.id.1
70000 ms  Refresh V1.users.id.1
70030 ms  LookupSucceeded V1.users.id.1 in 30 ms
70030 ms  Stored V1.users.id.1
70040 ms  Hit V1.users.id.1
`
    )
  )

  it.effect("a lookup that fails behind an old value: it is reported, and not tried again for a while", () =>
    golden(
      (call, source) => {
        const policy = { timeToLive: "1 minute", staleIfError: "1 hour", errorBackoff: "10 seconds" } as const
        return Effect.gen(function* () {
          yield* call(1, policy)
          yield* source.setDown(true)
          yield* advance("1 minute")
          strictEqual(yield* call(1, policy), "v0")
          yield* advance("9 seconds")
          strictEqual(yield* call(1, policy), "v0")
        })
      },
      `
0 ms  Miss V1.users.id.1
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Stored V1.users.id.1
60000 ms  Miss V1.users.id.1
60000 ms  ! Lookup lookup of users swallowed: SourceDown
60000 ms  LookupFailed V1.users.id.1 in 0 ms
60000 ms  Stale (Error) V1.users.id.1
69000 ms  Stale (Backoff) V1.users.id.1
`
    )
  )

  it.effect("a store that fails is told of once, left alone after five failures, and asked again", () =>
    golden(
      (call) =>
        Effect.gen(function* () {
          const faults = yield* Faults.Faults
          yield* faults.set({ fault: Faults.fail("Rejected"), span: "onwards" })
          for (const id of [1, 2, 3]) yield* call(id)
          yield* faults.clear
          yield* advance("2 seconds")
          yield* call(1)
        }),
      `
0 ms  StoreFailed read: Rejected
0 ms  ! Store read of users swallowed: StoreError
0 ms  Miss V1.users.id.1
0 ms  StoreFailed lease: Rejected
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Uncacheable V1.users.id.1
0 ms  StoreFailed read: Rejected
0 ms  Miss V1.users.id.2
0 ms  StoreFailed lease: Rejected
0 ms  LookupSucceeded V1.users.id.2 in 0 ms
0 ms  Uncacheable V1.users.id.2
0 ms  CircuitOpened
0 ms  StoreFailed read: Rejected
0 ms  Miss V1.users.id.3
0 ms  StoreFailed lease: CircuitOpen
0 ms  LookupSucceeded V1.users.id.3 in 0 ms
0 ms  Uncacheable V1.users.id.3
2000 ms  CircuitClosed
2000 ms  Miss V1.users.id.1
2000 ms  LookupSucceeded V1.users.id.1 in 0 ms
2000 ms  Stored V1.users.id.1
`
    )
  )

  it.effect("an invalidation that the store did not acknowledge hides what it names until its replay is", () =>
    golden(
      (call) =>
        Effect.gen(function* () {
          const cache = yield* Cache.Cache
          const faults = yield* Faults.Faults
          yield* call(1)
          yield* faults.set({ fault: Faults.fail(), on: "invalidate" })
          yield* Effect.ignore(cache.invalidateAll({ keys: [Key(2), Key(1)], tags: ["team:1", "all"] }))
          yield* call(1)
          yield* cache.expire(Key(1))
        }),
      `
0 ms  Miss V1.users.id.1
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Stored V1.users.id.1
0 ms  StoreFailed invalidate: Unavailable
0 ms  ! Store invalidate of users swallowed: StoreError
0 ms  Invalidated keys V1.users.id.1, V1.users.id.2; tags t:all, t:team:1; not acknowledged
0 ms  Miss V1.users.id.1
0 ms  LookupSucceeded V1.users.id.1 in 0 ms
0 ms  Uncacheable V1.users.id.1
0 ms  Replayed keys V1.users.id.1, V1.users.id.2; tags t:all, t:team:1
0 ms  Expired keys V1.users.id.1
`
    )
  )
})
