/** A store that answers reads from a replica, which applies writes in order and late. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type Store } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

/** A replica of which the test says when it stops to follow. */
const replica = () => {
  let stopped = false
  const seen = new Map<string, Store.ReadAnswer>()
  /** The same answer as the last time, counter and epochs too, while it does not follow. */
  const lagging = (request: { readonly key: string }, answer: Store.ReadAnswer): Store.ReadAnswer => {
    if (!stopped || !seen.has(request.key)) seen.set(request.key, answer)
    return seen.get(request.key)!
  }
  return { lagging, stop: Effect.sync(() => void (stopped = true)), follow: Effect.sync(() => void (stopped = false)) }
}

const fences = {
  "an invalidation": (cache: Cache.Cache["Type"]) => cache.invalidate(Key(1)),
  "an invalidation of a tag": (cache: Cache.Cache["Type"]) => cache.invalidateTags("team"),
  "an expiry": (cache: Cache.Cache["Type"]) => cache.expire(Key(1)),
  "a set": (cache: Cache.Cache["Type"]) => cache.set(Key(1), "v2", { tags: ["team"] })
}

describe("Cache / a replica that lags", () => {
  for (const [name, fall] of Object.entries(fences)) {
    it.effect(`${name}: what the replica still has from before it is a miss`, () => {
      const { follow, lagging, stop } = replica()
      let source = "v1"
      const cached = Effect.sync(() => source).pipe(Cache.withCache(Key(1), { tags: ["team"] }))
      return Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* cached
        yield* TestClock.adjust(1)
        expect(yield* cached).toBe("v1")
        yield* stop
        source = "v2"
        yield* fall(cache)
        yield* TestClock.adjust("1 second")
        expect(yield* cached).toBe("v2")
        expect(yield* cache.get(Key(1))).toMatchObject({ _tag: "None" })
        yield* follow
        yield* TestClock.adjust("1 second")
        source = "not looked up"
        expect(yield* cached).toBe("v2")
      }).pipe(
        Effect.provide(
          cacheOver((memory) => ({
            read: (requests) =>
              Effect.map(memory.read(requests), (answers) => answers.map((one, i) => lagging(requests[i]!, one)))
          }))
        )
      )
    })
  }

  for (const shownBy of ["a read that found nothing", "the grant of a lease"]) {
    it.effect(`another instance's writes: the lag is seen as soon as ${shownBy} has shown it`, () => {
      const { lagging, stop } = replica()
      const state = { source: "v1", elsewhere: Effect.void as Effect.Effect<unknown, unknown> }
      const cached = (id: number) => Effect.sync(() => state.source).pipe(Cache.withCache(Key(id)))
      return Effect.gen(function* () {
        const cache = yield* Cache.Cache
        if (shownBy === "the grant of a lease") yield* cache.get(Key(2))
        yield* cached(1)
        yield* TestClock.adjust(1)
        expect(yield* cached(1)).toBe("v1")
        yield* stop
        state.source = "v2"
        yield* state.elsewhere
        // Nothing says yet that the replica lags.
        expect(yield* cached(1)).toBe("v1")
        if (shownBy === "the grant of a lease") yield* cached(2)
        // This key was not asked of the replica before, so that its answer has the counter of now.
        else yield* cache.get(Key(3))
        expect(yield* cached(1)).toBe("v2")
      }).pipe(
        Effect.provide(
          cacheOver((memory) => {
            state.elsewhere = memory.invalidate({ keys: [{ key: Key(1).id, shapes: [] }], tags: [] })
            return {
              read: (requests) =>
                Effect.map(memory.read(requests), (answers) => answers.map((one, i) => lagging(requests[i]!, one)))
            }
          })
        )
      )
    })
  }

  it.effect("a store that began to count anew is not taken for one that lags", () => {
    const state = { restart: Effect.void as Effect.Effect<unknown, unknown> }
    const cached = Effect.sync(() => `v${++runs}`).pipe(Cache.withCache(Key(1)))
    let runs = 0
    return Effect.gen(function* () {
      const cache = yield* Cache.Cache
      for (let n = 0; n < 5; n++) yield* cache.invalidate(Key(2))
      yield* state.restart
      expect(yield* cached).toBe("v1")
      yield* TestClock.adjust(1)
      expect(yield* cached).toBe("v1")
    }).pipe(
      Effect.provide(
        cacheOver((memory) => {
          state.restart = memory.invalidate({ keys: [], tags: [], everything: true })
          return {}
        })
      )
    )
  })
})
