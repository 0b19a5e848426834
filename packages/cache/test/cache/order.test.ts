/** The order of a fence: the store's reply first, then the fence on this instance, then the answer to the caller. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { settle } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["team"]
})
const key = Key(1)

const fences: Record<string, (cache: Cache.Cache["Type"]) => Effect.Effect<unknown, unknown>> = {
  "an invalidation": (cache) => cache.invalidate(key),
  "an invalidation of a tag": (cache) => cache.invalidateTags("team"),
  "an expiry": (cache) => cache.expire(key),
  "a set that stores nothing": (cache) => cache.set(key, "new", { timeToLive: 0 }),
  "a write that stores nothing": (cache) => cache.writeThrough(key, Effect.succeed("new"), { timeToLive: 0 })
}

describe("Cache / the order of a fence", () => {
  for (const [name, fall] of Object.entries(fences)) {
    it.scoped(`${name}: a lookup that began while the store worked on it is not joined once it has returned`, () =>
      Effect.gen(function* () {
        const memory = Context.get(yield* Layer.build(Store.layerMemory), Store.Store)
        const over = (store: Context.Tag.Service<Store.Store>) =>
          Effect.map(
            Layer.build(Layer.provide(Cache.layer, [Layer.succeed(Store.Store, store), Reporter.layerNoop])),
            (built) => Context.get(built, Cache.Cache)
          )
        const other = yield* over(memory)
        const [sent, works] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const [found, tells] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const late = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.zipRight(Effect.zipRight(Deferred.succeed(sent, undefined), Deferred.await(works)), effect)
        let asked = 0
        const cache = yield* over({
          ...memory,
          invalidate: (request) => late(memory.invalidate(request)),
          expire: (request) => late(memory.expire(request)),
          commit: (request) => late(memory.commit(request)),
          // The first lease finds what another instance stored a moment before, and tells it late.
          lease: (requests) =>
            Effect.suspend(() =>
              asked++ > 0
                ? memory.lease(requests)
                : Effect.zipRight(
                    Effect.zipRight(other.getOrSet(key, Effect.succeed("old")), settle),
                    Effect.zipLeft(
                      memory.lease(requests),
                      Effect.zipRight(Deferred.succeed(found, undefined), Deferred.await(tells))
                    )
                  )
            )
        })
        const falling = yield* Effect.fork(fall(cache))
        yield* Deferred.await(sent)
        const early = yield* Effect.fork(cache.getOrSet(key, Effect.succeed("new")))
        yield* Deferred.await(found)
        yield* Deferred.succeed(works, undefined)
        yield* Fiber.join(falling)
        const later = yield* Effect.fork(cache.getOrSet(key, Effect.succeed("new")))
        yield* settle
        yield* Deferred.succeed(tells, undefined)
        expect(yield* Fiber.join(later)).toBe("new")
        yield* Fiber.join(early)
      })
    )
  }
})
