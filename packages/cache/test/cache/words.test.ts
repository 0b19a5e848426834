import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, CircuitBreaker, Codec, RedisClient, RedisStore, Reporter, Store } from "@larder/cache"
import { StoreError } from "@larder/cache/CacheError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { cacheOver, type Service } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

describe("words", () => {
  it("an empty list and a list of one empty text are different keys", () => {
    expect(CacheKey.format("a", 1, ["x", []])).not.toBe(CacheKey.format("a", 1, ["x", [""]]))
  })

  it("transformations with different identifiers have different shapes", () => {
    const scaled = (identifier: string, factor: number) =>
      Schema.transform(Schema.Number, Schema.Number, {
        strict: true,
        decode: (n) => n / factor,
        encode: (n) => n * factor
      }).annotations({ identifier })
    expect(Codec.make(scaled("Cents", 100)).shape).not.toBe(Codec.make(scaled("Mills", 1000)).shape)
  })

  it.effect("failures of calls that are tried in any case do not lengthen the pause before a probe", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.make({ failures: 1, pauseMillis: 1000, maximumPauseMillis: 30_000 })
      yield* Effect.ignore(breaker.protect(Effect.fail("down"), () => "refused"))
      yield* Effect.repeatN(Effect.ignore(breaker.observe(Effect.fail("down"))), 19)
      yield* TestClock.adjust(1300)
      expect(yield* Effect.exit(breaker.protect(Effect.succeed("up"), () => "refused"))).toEqual(Exit.succeed("up"))
    })
  )

  it.effect("values with tags of their own fill a store in memory up to its bound, and are hits", () =>
    Effect.gen(function* () {
      let runs = 0
      const cached = (id: number) =>
        Effect.sync(() => (runs++, "v")).pipe(Cache.withCache(Key(id), { tags: [`user:${id}`, `account:${id}`] }))
      const all = Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        cached,
        { discard: true }
      )
      yield* all
      yield* Effect.yieldNow()
      runs = 0
      yield* all
      expect(runs).toBe(0)
    }).pipe(
      Effect.provide(Layer.provide(Cache.layer, [Store.layerMemoryWith({ maximumKeys: 100 }), Reporter.layerNoop]))
    )
  )

  it.effect("two callers who got a value that another instance stored share no object", () => {
    let memory: Service
    const Row = CacheKey.make({
      prefix: "rows",
      key: (id: number) => ["id", id],
      schema: Schema.Struct({ a: Schema.Number })
    })
    return Effect.gen(function* () {
      const cached = Effect.succeed({ a: 1 }).pipe(Cache.withCache(Row(1)))
      yield* cached
      yield* TestClock.adjust(1)
      hide = true
      const both = yield* Effect.fork(Effect.all([cached, cached], { concurrency: "unbounded" }))
      yield* TestClock.adjust(100)
      const [one, two] = yield* Fiber.join(both)
      expect(one).toEqual({ a: 1 })
      expect(one).not.toBe(two)
    }).pipe(
      Effect.provide(
        cacheOver(
          (one) => (
            (memory = one),
            {
              // Stored between the read and the lease.
              read: (requests) =>
                hide
                  ? Effect.succeed(
                      requests.map(() => ({
                        found: { _tag: "Absent" as const },
                        epochs: { counter: undefined, key: undefined, tags: new Map() }
                      }))
                    )
                  : memory.read(requests),
              lease: (requests) => Effect.delay(memory.lease(requests), hide ? 10 : 0)
            }
          )
        )
      )
    )
  })
  let hide = false

  for (const [first, second] of [
    ["e-5", "e-7"],
    ["e-7", "e-5"]
  ] as const) {
    it.effect(`a read in two commands, at ${first} and ${second}, is as old as the older of them`, () =>
      Effect.gen(function* () {
        const values: Record<string, string> = {
          "larder:{k}:v:s": "L1u e-1-id e-1-k t%3Ateam=e-1-t\nbytes",
          "larder:{k}:e": "e-1-k",
          "larder:{larder:}t:t:team": "e-1-t"
        }
        const counters: Array<string> = [first, second]
        const client: RedisClient.RedisClient["Type"] = {
          name: "replicas",
          encoding: "text",
          cluster: false,
          send: (commands) =>
            Effect.sync(() => {
              const counter = counters.shift()!
              return commands.map(([, ...names]) =>
                Either.right(
                  names.map((name) => (name === "larder:{larder:}c" ? counter : (values[name as string] ?? null)))
                )
              )
            }),
          publish: () => Effect.void,
          subscribe: () => Stream.never
        }
        const store = yield* Effect.provideService(RedisStore.make(), RedisClient.RedisClient, client)
        const [answer] = yield* store.read([{ key: "k", shape: "s", tags: [] }])
        expect(answer!.found._tag).toBe("Stored")
        expect(answer!.epochs.counter).toEqual({ era: "e", n: 5 })
      })
    )
  }

  it.effect("a batch larger than the room for flights is stored as far as there is room", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const asked: Array<number> = []
      const many = cache.getMany([1, 2, 3], {
        key: Key,
        lookup: (ids) => Effect.sync(() => (asked.push(ids.length), ids.map(String)))
      })
      yield* many
      yield* TestClock.adjust(1)
      yield* many
      expect(asked[1]).toBe(1)
    }).pipe(Effect.provide(cacheOver(() => ({}), { maximumFlights: 2 }, false)))
  )

  it.effect("an invalidation that a store did not acknowledge is tried once more when the cache closes", () => {
    let tries = 0
    return Effect.gen(function* () {
      yield* Effect.flatMap(Cache.Cache, (cache) => Effect.ignore(cache.invalidate(Key(1)))).pipe(
        Effect.provide(
          cacheOver((memory) => ({
            invalidate: (request) =>
              Effect.suspend(() =>
                ++tries === 1
                  ? Effect.fail(new StoreError({ store: "o", operation: "i", reason: "Unavailable", detail: "" }))
                  : memory.invalidate(request)
              )
          }))
        )
      )
      expect(tries).toBe(2)
    })
  })
})
