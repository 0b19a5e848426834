import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import { StoreError } from "@larder/cache/CacheError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver, type Service } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const down = new StoreError({ store: "over", operation: "x", reason: "Unavailable", detail: "" })

describe("races", () => {
  for (const operation of ["read", "lease"] as const) {
    it.effect(`a ${operation} that was sent before a replay and answered after it shows nothing old`, () =>
      Effect.gen(function* () {
        let memory: Service
        let broken = true
        let hold: { readonly sent: Deferred.Deferred<void>; readonly gate: Deferred.Deferred<void> } | undefined
        const held = <A>(call: Effect.Effect<A, any>): Effect.Effect<A, any> =>
          Effect.suspend(() => {
            if (hold === undefined) return call
            const { gate, sent } = hold
            hold = undefined
            return Effect.flatMap(call, (answer) =>
              Effect.as(Effect.zipRight(Deferred.succeed(sent, undefined), Deferred.await(gate)), answer)
            )
          })
        yield* Effect.gen(function* () {
          const cache = yield* Cache.Cache
          let version = 1
          const cached = Effect.suspend(() => Effect.as(Cache.addTags("team"), `v${version}`)).pipe(
            Cache.withCache(Key(1))
          )
          expect(yield* cached).toBe("v1")
          yield* TestClock.adjust(1)
          version = 2
          yield* Effect.flip(cache.invalidateTags("team"))
          // From here on nobody may get v1.
          const sent = yield* Deferred.make<void>()
          const gate = yield* Deferred.make<void>()
          hold = { sent, gate }
          const call = yield* Effect.fork(cached)
          yield* Deferred.await(sent)
          broken = false
          yield* TestClock.adjust("10 seconds")
          yield* Deferred.succeed(gate, undefined)
          yield* TestClock.adjust("10 seconds")
          expect(yield* Fiber.join(call)).toBe("v2")
        }).pipe(
          Effect.provide(
            cacheOver(
              (one) => (
                (memory = one),
                {
                  invalidate: (request) => (broken ? Effect.fail(down) : memory.invalidate(request)),
                  read: (requests) =>
                    operation === "read"
                      ? held(memory.read(requests))
                      : hold === undefined
                        ? memory.read(requests)
                        : Effect.fail(down),
                  lease: (requests) => (operation === "lease" ? held(memory.lease(requests)) : memory.lease(requests))
                }
              ),
              { storeTimeout: "1 hour", storeBudget: "1 hour" },
              true
            )
          )
        )
      })
    )
  }

  it.effect("nothing is stored under a declared tag whose invalidation is still pending", () => {
    const outcomes: Array<string> = []
    return Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const begun = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const lookup = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.as(Deferred.await(gate), "old"))
      const call = yield* Effect.fork(lookup.pipe(Cache.withCache(Key(1), { tags: ["team"] })))
      yield* Deferred.await(begun)
      yield* Effect.flip(cache.invalidateTags("team"))
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(call)
      yield* TestClock.adjust(1)
      expect(outcomes).toEqual([])
    }).pipe(
      Effect.provide(
        cacheOver((memory) => ({
          invalidate: () => Effect.fail(down),
          fill: (requests) => Effect.tap(memory.fill(requests), (some) => Effect.sync(() => outcomes.push(...some)))
        }))
      )
    )
  })

  it.effect("joiners of a refresh that finds the key leased elsewhere share one lookup", () =>
    Effect.gen(function* () {
      let memory: Service
      let busy = false
      yield* Effect.gen(function* () {
        let runs = 0
        const lookup = Effect.suspend(() => Effect.delay(Effect.succeed(`v${++runs}`), "1 second"))
        const stale = lookup.pipe(Cache.withCache(Key(1), { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" }))
        const strict = lookup.pipe(Cache.withCache(Key(1), { timeToLive: "1 minute" }))
        const first = yield* Effect.fork(stale)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(first)
        yield* TestClock.adjust("2 minutes")
        busy = true
        expect(yield* stale).toBe("v1")
        const joined = yield* Effect.fork(
          Effect.all(
            Array.from({ length: 10 }, () => strict),
            { concurrency: "unbounded" }
          )
        )
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(joined)
        expect(runs).toBe(2)
      }).pipe(
        Effect.provide(
          cacheOver(
            (one) => (
              (memory = one),
              {
                lease: (requests) =>
                  busy
                    ? Effect.delay(Effect.succeed(requests.map(() => ({ _tag: "Busy" as const }))), "20 millis")
                    : memory.lease(requests)
              }
            )
          )
        )
      )
    })
  )

  it.effect("a soft timeout does not answer a value older than staleIfError allows", () =>
    Effect.gen(function* () {
      let runs = 0
      const cached = Effect.suspend(() =>
        ++runs === 1 ? Effect.succeed("v1") : Effect.delay(Effect.succeed("v2"), "20 seconds")
      ).pipe(Cache.withCache(Key(1), { timeToLive: "1 minute", staleIfError: "1 minute", softTimeout: "10 seconds" }))
      yield* cached
      yield* TestClock.adjust("119 seconds")
      const call = yield* Effect.fork(cached)
      yield* TestClock.adjust("30 seconds")
      expect(yield* Fiber.join(call)).toBe("v2")
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false)))
  )

  it.effect("stale-if-error does not answer an entry that was invalidated while the lookup ran", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const cached = Effect.suspend(() =>
        ++runs === 1 ? Effect.succeed("v1") : Effect.zipRight(Deferred.await(gate), Effect.fail("down"))
      ).pipe(Cache.withCache(Key(1), { timeToLive: "1 minute", staleIfError: "1 hour" }))
      yield* cached
      yield* TestClock.adjust("2 minutes")
      const call = yield* Effect.fork(cached)
      yield* TestClock.adjust(1)
      yield* cache.invalidate(Key(1))
      yield* Deferred.succeed(gate, undefined)
      expect(yield* Effect.flip(Fiber.join(call))).toBe("down")
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false)))
  )
})

describe("modes", () => {
  const layer = cacheOver(() => ({}), {}, false)
  const found = Effect.flatMap(Cache.Cache, (cache) => cache.get(Key(1)))
  it.effect("within withoutCache, set and writeThrough store nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* Cache.withoutCache(cache.set(Key(1), "v"))
      expect(yield* found).toEqual(Option.none())
      yield* Cache.withoutCache(cache.writeThrough(Key(1), Effect.succeed("v")))
      expect(yield* found).toEqual(Option.none())
    }).pipe(Effect.provide(layer))
  )
  it.effect("while switched off, writeThrough stores nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* cache.setEnabled(false)
      yield* cache.writeThrough(Key(1), Effect.succeed("v"))
      yield* cache.setEnabled(true)
      expect(yield* found).toEqual(Option.none())
    }).pipe(Effect.provide(layer))
  )
  it.effect("within a transaction, writeThrough and set store nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const Transaction = (yield* Effect.promise(() => import("effect/Context"))).GenericTag<unknown, number>(
        "@effect/sql/SqlClient/TransactionConnection"
      )
      yield* Effect.provideService(cache.writeThrough(Key(1), Effect.succeed("v")), Transaction, 1)
      expect(yield* found).toEqual(Option.none())
      yield* Effect.provideService(cache.set(Key(1), "v"), Transaction, 1)
      expect(yield* found).toEqual(Option.none())
    }).pipe(Effect.provide(layer))
  )
  it.effect("a lookup under way when the cache is switched off stores nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const gate = yield* Deferred.make<void>()
      const call = yield* Effect.fork(Effect.as(Deferred.await(gate), "v").pipe(Cache.withCache(Key(1))))
      yield* TestClock.adjust(1)
      yield* cache.setEnabled(false)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(call)
      yield* TestClock.adjust(1)
      yield* cache.setEnabled(true)
      expect(yield* found).toEqual(Option.none())
    }).pipe(Effect.provide(layer))
  )
})
