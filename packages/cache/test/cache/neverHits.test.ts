import { describe, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.Number })
const lookUp = (from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, i) => from + i),
    (id) => Effect.succeed(id).pipe(Cache.withCache(Key(id)))
  )
const told = Effect.flatMap(Cache.Recorded, (recorded) =>
  Effect.map(recorded.failures, (failures) => failures.map(({ cause }) => Cause.pretty(cause)))
)

describe("Cache / a cache that never hits", () => {
  it.effect("is told of once, at its thousandth lookup", () =>
    Effect.gen(function* () {
      yield* lookUp(0, 999)
      deepStrictEqual(yield* told, [])
      yield* lookUp(999, 3000)
      const [one, ...more] = yield* told
      strictEqual(one?.includes('cache "users": not one hit beside the first 1000 lookups'), true)
      deepStrictEqual(more, [])
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("is not told of when a thousand callers share one lookup", () =>
    Effect.gen(function* () {
      const slow = Effect.delay(Effect.succeed(1), "1 second").pipe(Cache.withCache(Key(1)))
      const all = Array.from({ length: 1500 }, () => slow)
      const fiber = yield* Effect.fork(Effect.all(all, { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      deepStrictEqual(yield* told, [])
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("is not told of when one call of all was a hit", () =>
    Effect.gen(function* () {
      yield* lookUp(0, 10)
      yield* lookUp(0, 1)
      yield* lookUp(10, 1500)
      deepStrictEqual(yield* told, [])
    }).pipe(Effect.provide(Cache.layerTest))
  )
})
