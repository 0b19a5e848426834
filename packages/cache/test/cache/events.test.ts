import { describe, expect, it } from "@effect/vitest"
import { strictEqual } from "@effect/vitest/utils"
import { Cache, type CacheEvent, CacheKey, Store } from "@larder/cache"
import { Faults, Recorder } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { plain } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id % 2}`]
})
const key = Key(1)
const recorded = Recorder.layer.pipe(Layer.provideMerge(Faults.layer), Layer.provide(Store.layerMemory))

describe("Cache / events", () => {
  it.effect("a story is told in the order in which it happened, without a value in it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const policy = { timeToLive: "1 minute", staleWhileRevalidate: "1 minute", staleIfError: "1 hour" } as const
      const call = Cache.withCache(source.lookup, key, policy)
      const held = yield* source.hold
      const calls = yield* Effect.fork(Effect.all([call, call], { concurrency: 2 }))
      yield* held.begun
      yield* advance(20)
      yield* held.answer
      yield* Fiber.join(calls)
      yield* call
      yield* advance("1 minute")
      yield* call
      yield* advance("3 minutes")
      yield* source.setDown(true)
      yield* call
      yield* call
      yield* cache.invalidateTags("team:1")
      yield* Effect.flip(call)
      yield* cache.set(key, "secret")
      yield* Cache.withoutCache(Effect.flip(call))
      yield* cache.expire(key, Key(2))
      yield* cache.clear({ prefix: "users", scope: "id" })
      yield* Cache.withCache(Effect.succeed("secret"), Key(2), { cacheable: () => false })
      yield* Effect.flatMap(Faults.Faults, (faults) => faults.set({ fault: Faults.fail(), on: "invalidate" }))
      yield* Effect.ignore(cache.invalidate(Key(3)))
      strictEqual(
        yield* Effect.flatMap(Recorder.Recorder, ({ story }) => story),
        `Miss V1.users.id.1
Joined V1.users.id.1
LookupSucceeded V1.users.id.1 in 20 ms
Stored V1.users.id.1
Hit V1.users.id.1
Stale (Revalidate) V1.users.id.1
Refresh V1.users.id.1
LookupSucceeded V1.users.id.1 in 0 ms
Stored V1.users.id.1
Miss V1.users.id.1
! Lookup lookup of users swallowed: SourceDown
LookupFailed V1.users.id.1 in 0 ms
Stale (Error) V1.users.id.1
Stale (Backoff) V1.users.id.1
Invalidated tags t:team:1
Miss V1.users.id.1
! Lookup lookup of users surfaced: SourceDown
LookupFailed V1.users.id.1 in 0 ms
Stored V1.users.id.1
Bypassed V1.users.id.1
! Lookup lookup of users surfaced: SourceDown
Expired keys V1.users.id.1, V1.users.id.2
Invalidated tags s:users.id
Miss V1.users.id.2
LookupSucceeded V1.users.id.2 in 0 ms
Uncacheable V1.users.id.2
StoreFailed invalidate: Unavailable
! Store invalidate of users swallowed: StoreError
Invalidated keys V1.users.id.3; not acknowledged
Replayed keys V1.users.id.3`
      )
    }).pipe(under(recorded))
  )

  it.scoped("a reader that does not read loses the oldest, and holds up nobody", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const read: Array<CacheEvent.CacheEvent> = []
      const gate = yield* Effect.makeLatch()
      yield* Effect.forkScoped(
        Stream.runForEach(cache.events, (event) =>
          Effect.zipRight(
            gate.await,
            Effect.sync(() => read.push(event))
          )
        )
      )
      yield* settle
      for (let i = 0; i < 5000; i++) yield* cache.invalidate(Key(i))
      yield* gate.open
      yield* settle
      yield* settle
      expect(read.length).toBeLessThan(5000)
      expect(read.at(-1)).toMatchObject({ keys: ["V1.users.id.4999"] })
    }).pipe(under(plain()))
  )
})
