import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const Key = CacheKey.make({ prefix: "nodes", key: (id: string) => ["id", id], schema: Schema.String })
const layer = Layer.provide(Cache.layer, [Store.layerMemory, Reporter.layerNoop])

describe("lookups that wait for each other", () => {
  it.effect("a wait that was given up does not hide another wait for the same key", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const b: Effect.Effect<string, never, Cache.Cache> = Effect.zipRight(
        Deferred.await(gate),
        Effect.suspend(() => a)
      ).pipe(Cache.withCache(Key("b")))
      const a: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
        ++runs > 1
          ? Effect.succeed("second")
          : Effect.map(
              Effect.all([Effect.timeoutOption(b, "10 millis"), b], { concurrency: "unbounded" }),
              ([, v]) => v
            )
      ).pipe(Cache.withCache(Key("a")))
      // Not launched by the other: two callers of their own.
      yield* Effect.forkDaemon(b)
      yield* TestClock.adjust(1)
      const call = yield* Effect.fork(a)
      yield* TestClock.adjust("1 second")
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.poll(call))._tag).toBe("Some")
    }).pipe(Effect.provide(layer))
  )

  it.effect("a lookup that waits within a refresh of its own is seen to wait", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const b: Effect.Effect<string, never, Cache.Cache> = Effect.zipRight(
        Deferred.await(gate),
        Effect.suspend(() => a)
      ).pipe(Cache.withCache(Key("b")))
      const a: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
        ++runs > 1 ? Effect.succeed("second") : cache.refresh(Key("c"), b)
      ).pipe(Cache.withCache(Key("a")))
      // Not launched by the other: two callers of their own.
      yield* Effect.forkDaemon(b)
      yield* TestClock.adjust(1)
      const call = yield* Effect.fork(a)
      yield* TestClock.adjust("1 second")
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.poll(call))._tag).toBe("Some")
    }).pipe(Effect.provide(layer))
  )
})
