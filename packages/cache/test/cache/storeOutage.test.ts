import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { faulty, recordEvents, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id}`]
})
const key = Key(1)

const lines = Effect.flatMap(Reports, (reports) => reports.lines)
const withFaults = <A, E, R>(use: (faults: Effect.Effect.Success<typeof Faults.Faults>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Faults.Faults, use)
const outage = withFaults((faults) => faults.set({ fault: Faults.fail(), span: "onwards" }))
const recovery = withFaults((faults) => faults.clear)
const count = withFaults((faults) => faults.count)
const evenly = Effect.withRandom(Random.fixed([0.5]))

describe("Cache / a store that is away", () => {
  it.scoped("is left alone after 5 failures in a row, and asked again after a pause that grows to 30 seconds", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const { tags } = yield* recordEvents
      yield* outage
      const call = Cache.withCache(source.lookup, key)
      for (let i = 0; i < 10; i++) strictEqual(yield* call, "v0")
      strictEqual(yield* count, 5)
      deepStrictEqual(
        (yield* tags).filter((tag) => tag === "CircuitOpened"),
        ["CircuitOpened"]
      )
      const gaps: Array<number> = []
      for (let second = 0, last = 0, seen = 5; second < 180; second++) {
        yield* advance("1 second")
        yield* call
        if ((yield* count) === seen) continue
        gaps.push(second + 1 - last)
        last = second + 1
        seen = yield* count
      }
      deepStrictEqual(gaps, [1, 2, 4, 8, 16, 30, 30, 30, 30])
    }).pipe(evenly, under(faulty()))
  )

  it.scoped("a set of a key that is hidden fails as long as the store does not take its invalidation", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* outage
      strictEqual((yield* Effect.either(cache.invalidate(key)))._tag, "Left")
      strictEqual((yield* Effect.either(cache.set(key, "v1")))._tag, "Left")
      yield* recovery
      strictEqual((yield* Effect.either(cache.set(key, "v1")))._tag, "Right")
    }).pipe(under(faulty()))
  )

  it.scoped("is used again once a probe is answered", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const { tags } = yield* recordEvents
      const call = Cache.withCache(source.lookup, key)
      yield* outage
      for (let i = 0; i < 5; i++) yield* call
      strictEqual(source.runs(), 5)
      yield* recovery
      yield* call
      strictEqual(source.runs(), 6)
      yield* advance("1 second")
      yield* call
      yield* settle
      expect(yield* tags).toContain("CircuitClosed")
      yield* call
      yield* call
      strictEqual(source.runs(), 7)
    }).pipe(evenly, under(faulty()))
  )

  it.scoped("is told of what it missed as soon as any call finds it back, not after the pause of the replays", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const { tags } = yield* recordEvents
      const cache = yield* Cache.Cache
      yield* outage
      for (let i = 0; i < 5; i++) yield* Cache.withCache(source.lookup, key)
      yield* Effect.flip(cache.invalidate(key))
      yield* advance("10 minutes")
      yield* recovery
      yield* settle
      expect(yield* tags).not.toContain("Replayed")
      yield* Cache.withCache(source.lookup, Key(2))
      yield* settle
      expect(yield* tags).toContain("CircuitClosed")
      expect(yield* tags).toContain("Replayed")
    }).pipe(evenly, under(faulty()))
  )

  it.effect("is reported once for a row of failures, and again for the next row", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key)
      yield* outage
      for (let i = 0; i < 100; i++) yield* call
      deepStrictEqual(yield* lines, ["Store read swallowed"])
      yield* recovery
      yield* advance("1 minute")
      yield* call
      yield* settle
      yield* outage
      for (let i = 0; i < 100; i++) yield* call
      deepStrictEqual(yield* lines, ["Store read swallowed", "Store read swallowed"])
    }).pipe(under(faulty()))
  )

  it.effect("an operation that goes on failing while others succeed is reported once, and again after it worked", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const calls = Effect.forEach(Array.from({ length: 20 }), (_, id) =>
        Effect.zipRight(Cache.withCache(source.lookup, Key(id)), settle)
      )
      const full = withFaults((faults) => faults.set({ fault: Faults.fail(), on: "fill", span: "onwards" }))
      yield* full
      yield* calls
      deepStrictEqual(yield* lines, ["Store fill swallowed"])
      yield* recovery
      yield* calls
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.clear({ prefix: "users" }))
      yield* full
      yield* calls
      deepStrictEqual(yield* lines, ["Store fill swallowed", "Store fill swallowed"])
    }).pipe(under(faulty()))
  )

  it.effect("that never answers costs 100 callers at the same time no more than one", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      yield* withFaults((faults) => faults.set({ fault: Faults.hang, span: "onwards" }))
      const call = Cache.withCache(source.lookup, key)
      const callers = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 100 }, () => call),
          { concurrency: "unbounded" }
        )
      )
      yield* advance(500)
      deepStrictEqual(new Set(yield* Fiber.join(callers)), new Set(["v0"]))
      strictEqual(source.runs(), 1)
    }).pipe(under(faulty()))
  )

  it.effect("stale values it cannot give are not given: the failure of the lookup is the caller's", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const policy = { timeToLive: "1 minute", staleIfError: "1 hour", awaitWrite: true } as const
      const call = Cache.withCache(source.lookup, key, policy)
      yield* call
      yield* outage
      yield* source.setDown(true)
      strictEqual((yield* Effect.flip(call))._tag, "SourceDown")
    }).pipe(under(faulty()))
  )
})

describe("Cache / an invalidation that the store did not acknowledge", () => {
  const fences = [
    ["invalidate", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.invalidate(key)],
    ["invalidateTags", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.invalidateTags("team:1")],
    ["invalidateTags of a learnt tag", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.invalidateTags("x")],
    ["expire", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.expire(key)],
    ["clear", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.clear({ prefix: "users" })],
    ["set", (cache: Effect.Effect.Success<typeof Cache.Cache>) => cache.set(key, "v1")]
  ] as const
  for (const [name, fall] of fences) {
    it.scoped(`${name}: hides what it names until its replay is acknowledged, which is then stored again`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const { tags } = yield* recordEvents
        const lookup = Effect.zipLeft(source.lookup, Cache.addTags("x"))
        const call = Cache.withCache(lookup, key, { timeToLive: "1 day", staleIfError: "1 day" })
        const other = cache.getOrSet(Key(2), Effect.succeed("other"))
        yield* Effect.all([call, other])
        yield* source.change
        yield* withFaults((faults) =>
          faults.set({ fault: Faults.fail(), on: ["invalidate", "expire", "capture"], span: "onwards" })
        )
        const error = yield* Effect.flip(fall(cache))
        expect(error).toMatchObject({ _tag: "StoreError", reason: "Unavailable" })
        for (let i = 0; i < 20; i++) {
          strictEqual(yield* call, "v1")
          assertNone(yield* cache.get(key))
          yield* advance("10 seconds")
        }
        strictEqual(source.runs(), 21)
        expect(yield* tags).not.toContain("Replayed")
        yield* recovery
        yield* advance("45 seconds")
        expect(yield* tags).toContain("Replayed")
        strictEqual(yield* call, "v1")
        yield* settle
        strictEqual(yield* call, "v1")
        strictEqual(source.runs(), 22)
        assertSome(yield* cache.get(key), "v1")
      }).pipe(under(faulty({ breaker: { failures: Infinity } })))
    )
  }

  it.effect("is tried at once although the circuit is open", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key)
      yield* call
      yield* outage
      yield* Effect.forEach(
        Array.from({ length: 9 }, (_, i) => i + 2),
        (id) => cache.getOrSet(Key(id), Effect.succeed("other"))
      )
      yield* recovery
      yield* source.change
      yield* cache.invalidate(key)
      strictEqual(yield* call, "v1")
    }).pipe(under(faulty()))
  )

  it.effect("beyond the limit of what is remembered everything is hidden, nothing is forgotten, all is replayed", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const ids = [1, 2, 3, 4, 5, 6] as const
      const sources = yield* Effect.forEach(ids, () => Source.make)
      const calls = Effect.forEach(ids, (id, i) =>
        Cache.withCache(sources[i]!.lookup, Key(id), { timeToLive: "1 day" })
      )
      const runs = () => sources.map((source) => source.runs())
      yield* calls
      yield* calls
      deepStrictEqual(runs(), [1, 1, 1, 1, 1, 1])
      yield* outage
      for (const source of sources) yield* source.change
      yield* Effect.forEach(ids.slice(0, 5), (id) => Effect.flip(cache.invalidate(Key(id))))
      yield* withFaults((faults) => faults.set({ fault: Faults.fail(), on: "invalidate", span: "onwards" }))
      yield* advance("1 minute")
      deepStrictEqual(yield* calls, ["v1", "v1", "v1", "v1", "v1", "v1"])
      deepStrictEqual(runs(), [2, 2, 2, 2, 2, 2])
      yield* recovery
      yield* advance("1 minute")
      yield* calls
      yield* settle
      deepStrictEqual(yield* calls, ["v1", "v1", "v1", "v1", "v1", "v1"])
      deepStrictEqual(runs(), [3, 3, 3, 3, 3, 3])
    }).pipe(under(faulty({ maximumPending: 4 })))
  )

  it.effect("ten minutes of them leave no more than two commands to replay after the recovery", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* outage
      for (let i = 0; i < 600; i++) {
        yield* Effect.ignore(cache.invalidate(Key(i)))
        yield* advance("1 second")
      }
      yield* recovery
      const before = yield* count
      yield* advance("1 minute")
      expect((yield* count) - before).toBeGreaterThan(0)
      expect((yield* count) - before).toBeLessThanOrEqual(2)
    }).pipe(under(faulty({ maximumPending: 100 })))
  )
})
