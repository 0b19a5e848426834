import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const find = (id: number) => Effect.succeed("Ada").pipe(Cache.withCache(Key(id), { timeToLive: "1 minute" }))
const tags = Effect.flatMap(Cache.Recorded, ({ events }) => Effect.map(events, (all) => all.map((event) => event._tag)))
const failures = Effect.flatMap(Cache.Recorded, (recorded) => recorded.failures)

describe("Cache / layerTest", () => {
  it.effect("records each event in its order, under the key it was of", () =>
    Effect.gen(function* () {
      const { events } = yield* Cache.Recorded
      yield* find(1)
      yield* find(1)
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(1)))
      expect(yield* tags).toEqual(["Miss", "LookupSucceeded", "Stored", "Hit", "Invalidated"])
      expect((yield* events)[0]).toEqual({ _tag: "Miss", cache: "users", key: "V1.users.id.1" })
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("records what was reported, with its cause", () =>
    Effect.gen(function* () {
      yield* Effect.exit(Effect.fail("down").pipe(Cache.withCache(Key(1))))
      expect(yield* failures).toMatchObject([{ kind: "Lookup", cache: "users", operation: "lookup", surfaced: true }])
      expect(Cause.squash((yield* failures)[0]!.cause)).toBe("down")
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("clear forgets what was recorded, and nothing of what is cached", () =>
    Effect.gen(function* () {
      yield* find(1)
      yield* Effect.exit(Effect.fail("down").pipe(Cache.withCache(Key(2))))
      yield* Effect.flatMap(Cache.Recorded, (recorded) => recorded.clear)
      expect([yield* tags, yield* failures]).toEqual([[], []])
      yield* find(1)
      expect(yield* tags).toEqual(["Hit"])
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("what was read of the record does not change later", () =>
    Effect.gen(function* () {
      const { events } = yield* Cache.Recorded
      const before = yield* events
      yield* find(1)
      expect(before).toEqual([])
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("time to live passes by the clock of the test, and not by any other", () =>
    Effect.gen(function* () {
      yield* find(1)
      yield* TestClock.adjust("59999 millis")
      yield* find(1)
      yield* TestClock.adjust("1 millis")
      yield* find(1)
      expect((yield* tags).filter((tag) => tag === "Hit" || tag === "Miss")).toEqual(["Miss", "Hit", "Miss"])
    }).pipe(Effect.provide(Cache.layerTest))
  )

  it.effect("each place that provides it has a cache and a record of its own", () =>
    Effect.gen(function* () {
      yield* Effect.provide(find(1), Cache.layerTest)
      expect(yield* Effect.provide(Effect.zipRight(find(1), tags), Cache.layerTest)).toEqual([
        "Miss",
        "LookupSucceeded",
        "Stored"
      ])
    })
  )
})
