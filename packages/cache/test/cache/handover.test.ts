import { describe, it } from "@effect/vitest"
import { strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

describe("a lookup that takes the place of a fenced one", () => {
  it.effect("does not wait for the lease of the other, which only a learnt tag made void", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const learnt = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const cached = Effect.suspend(() => {
        runs += 1
        if (runs > 1) return Effect.succeed("new")
        const told = Effect.zipRight(Cache.addTags("team"), Deferred.succeed(learnt, undefined))
        return Effect.zipRight(told, Effect.as(Deferred.await(gate), "old"))
      }).pipe(Cache.withCache(Key(1)))
      const first = yield* Effect.fork(cached)
      yield* Deferred.await(learnt)
      yield* cache.invalidateTags("team")
      const began = yield* Clock.currentTimeMillis
      const second = yield* Effect.fork(Effect.zip(cached, Clock.currentTimeMillis))
      yield* TestClock.adjust("1 second")
      const [value, ended] = yield* Fiber.join(second)
      strictEqual(value, "new")
      strictEqual(ended - began <= 5, true)
      yield* Deferred.succeed(gate, undefined)
      strictEqual(yield* Fiber.join(first), "old")
      yield* TestClock.adjust(1)
      strictEqual(yield* cached, "new")
      strictEqual(runs, 2)
    }).pipe(Effect.provide(cacheOver(() => ({}))))
  )
})
