import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

describe("a fence whose caller is interrupted while a remote store works", () => {
  for (const operation of ["invalidate", "expire", "commit"] as const) {
    it.effect(`${operation}: the old value is not answered afterwards`, () =>
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        yield* Effect.gen(function* () {
          const cache = yield* Cache.Cache
          let version = 1
          const cached = Effect.sync(() => `v${version}`).pipe(Cache.withCache(Key(1)))
          yield* cached
          yield* TestClock.adjust(1)
          version = 2
          const fence =
            operation === "commit" ? cache.writeThrough(Key(1), Effect.succeed("v2")) : cache[operation](Key(1))
          const caller = yield* Effect.fork(fence)
          yield* Deferred.await(begun)
          yield* Fiber.interruptFork(caller)
          yield* TestClock.adjust("10 seconds")
          yield* Fiber.await(caller)
          expect(yield* cached).toBe("v2")
        }).pipe(
          Effect.provide(
            cacheOver((memory) => {
              const slow = <A, E>(effect: Effect.Effect<A, E>) =>
                Effect.zipRight(Effect.zipRight(Deferred.succeed(begun, undefined), Effect.sleep(100)), effect)
              return {
                invalidate: (request) => slow(memory.invalidate(request)),
                expire: (request) => slow(memory.expire(request)),
                commit: (request) => slow(memory.commit(request))
              }
            })
          )
        )
      })
    )
  }
})
