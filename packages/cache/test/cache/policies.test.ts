import { describe, expect, it } from "@effect/vitest"
import { assertNone, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, CachePolicy } from "@larder/cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { plain, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)

describe("Cache / policies", () => {
  /** How often it looks up in ten calls, one a second. */
  const lookups = (policy: CachePolicy.CachePolicy<string>) =>
    Effect.gen(function* () {
      const source = yield* Source.make
      for (let i = 0; i < 10; i++) {
        strictEqual(yield* Cache.withCache(source.lookup, key, policy), "v0")
        yield* advance("1 second")
      }
      return source.runs()
    })
  const cases: ReadonlyArray<readonly [name: string, policy: CachePolicy.CachePolicy<string>, runs: number]> = [
    ["the default", {}, 1],
    ["a time to live of zero", { timeToLive: 0 }, 10],
    ["one of zero by a function", { timeToLive: () => Duration.zero }, 10],
    ["one of less than a millisecond", { timeToLive: Duration.micros(1n) }, 10],
    ["one of 2 seconds", { timeToLive: "2 seconds" }, 5],
    ["one of 2 seconds by a function of the value", { timeToLive: (v) => (v === "v0" ? "2 seconds" : "1 hour") }, 5],
    ["an infinite one", { timeToLive: Duration.infinity }, 1],
    ["infinite stale windows", { staleIfError: Infinity, staleWhileRevalidate: Duration.infinity }, 1],
    ["values that are not cacheable", { cacheable: (value) => value !== "v0" }, 10],
    ["a jitter of 1 with a zero time", { timeToLive: 0, jitter: 1 }, 10]
  ]
  for (const [name, policy, runs] of cases) {
    it.effect(`${name}: ${runs} lookups in ten seconds`, () =>
      Effect.gen(function* () {
        strictEqual(yield* lookups(policy), runs)
        deepStrictEqual(yield* lines, [])
      }).pipe(under(plain()))
    )
  }

  const mistakes: ReadonlyArray<readonly [name: string, policy: CachePolicy.CachePolicy<string>]> = [
    [
      "a time to live that throws",
      {
        timeToLive: () => {
          throw new Error("bug")
        }
      }
    ],
    ["a negative time to live from a function", { timeToLive: () => -1 }],
    ["a time to live that is no duration", { timeToLive: () => "soon" as "1 second" }],
    [
      "tags that throw",
      {
        tags: () => {
          throw new Error("bug")
        }
      }
    ],
    ["an empty tag", { tags: () => [""] }],
    [
      "a predicate that throws",
      {
        cacheable: () => {
          throw new Error("bug")
        }
      }
    ]
  ]
  for (const [name, policy] of mistakes) {
    it.effect(`${name}: the value is answered, not stored, and the mistake is reported`, () =>
      Effect.gen(function* () {
        strictEqual(yield* lookups(policy), 10)
        deepStrictEqual(new Set(yield* lines), new Set(["Policy store swallowed"]))
      }).pipe(under(plain()))
    )
  }

  it.effect(
    "a policy that is not usable shows where the effect is defined, and behind the explicit doors as an error",
    () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        for (const policy of [
          { timeToLive: -1 },
          { jitter: 2 },
          { refreshAhead: NaN },
          { staleIfError: "-1 second" as const }
        ]) {
          const [field] = Object.keys(policy)
          expect(() => Cache.withCache(Effect.succeed("v"), key, policy)).toThrow(`${field}: expected`)
          expect(yield* Effect.flip(cache.set(key, "v", policy))).toMatchObject({
            _tag: "ConfigurationError",
            where: field
          })
          strictEqual(yield* cache.getOrSet(key, Effect.succeed("v"), policy), "v")
        }
        assertNone(yield* cache.get(key))
        deepStrictEqual(new Set(yield* lines), new Set(["Policy policy swallowed"]))
      }).pipe(under(plain()))
  )

  it.effect("an ambient policy holds where a call says nothing else, field by field", () =>
    Effect.gen(function* () {
      const within = Effect.provideService(CachePolicy.Ambient, { timeToLive: "2 seconds", cacheable: () => true })
      strictEqual(yield* within(lookups({})), 5)
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(key))
      strictEqual(yield* within(lookups({ timeToLive: "5 seconds" })), 2)
    }).pipe(under(plain()))
  )

  it.effect("jitter shortens a time to live by at most its part, and differently for each value", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const ids = Array.from({ length: 50 }, (_, i) => i)
      for (const id of ids) yield* cache.set(Key(id), "v", { timeToLive: "100 seconds", jitter: 0.2 })
      const alive = Effect.map(
        Effect.forEach(ids, (id) => cache.get(Key(id))),
        (all) => all.filter((one) => one._tag === "Some").length
      )
      yield* advance("80 seconds")
      strictEqual(yield* alive, 50)
      yield* advance("10 seconds")
      const half = yield* alive
      expect(half).toBeGreaterThan(0)
      expect(half).toBeLessThan(50)
      yield* advance("10 seconds")
      strictEqual(yield* alive, 0)
    }).pipe(under(plain()))
  )

  it.effect("a lookup that is not stored still shares its failure and success with who asks meanwhile", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const call = Cache.withCache(source.lookup, key, { timeToLive: 0 })
      const calls = yield* Effect.fork(Effect.all([call, call], { concurrency: 2 }))
      yield* held.begun
      yield* held.answer
      deepStrictEqual(yield* Fiber.join(calls), ["v0", "v0"])
      strictEqual(source.runs(), 1)
    }).pipe(under(plain()))
  )
})
