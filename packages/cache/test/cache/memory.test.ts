/** A cache with values in memory above its store: what it saves, and what it may not answer. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Store } from "@larder/cache"
import { Faults, Recorder } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { faulty, recording } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["declared"]
})
const key = Key(1)
const asked = Effect.flatMap(Faults.Faults, ({ count }) => count)
const stored = { timeToLive: "1 minute", awaitWrite: true } as const

/** Another instance over the same store, with memory of its own. */
const another = (options: Cache.Options) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.map(
      Layer.build(Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), recording]))),
      Context.get(Cache.Cache)
    )
  )

describe("Cache / values in memory above the store", () => {
  it.effect("a value that was stored here is answered without asking the store, for its time in memory", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, stored)
      yield* call
      const before = yield* asked
      yield* advance(4_999)
      for (let i = 0; i < 100; i++) expect(yield* call).toBe("v0")
      expect(yield* asked).toBe(before)
      yield* advance(1)
      expect(yield* call).toBe("v0")
      expect(yield* asked).toBe(before + 1)
      expect(source.runs()).toBe(1)
    }).pipe(under(faulty({ memory: true })))
  )

  it.scoped("a value that another instance stored is read once, and then answered from memory", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another({ memory: true })
      yield* other.getOrSet(key, source.lookup, stored)
      const before = yield* asked
      const call = Cache.withCache(source.lookup, key, stored)
      for (let i = 0; i < 10; i++) expect(yield* call).toBe("v0")
      expect(yield* asked).toBe(before + 1)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("a store that is away is not missed while a value is in memory", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, stored)
      yield* call
      yield* Effect.flatMap(Faults.Faults, (faults) => faults.set({ fault: Faults.hang, span: "onwards" }))
      expect(yield* call).toBe("v0")
      expect(source.runs()).toBe(1)
    }).pipe(under(faulty({ memory: true })))
  )

  it.scoped("an invalidation of another instance is noticed when the time in memory is over", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another({})
      const call = Cache.withCache(source.lookup, key, stored)
      yield* call
      yield* source.change
      yield* other.invalidate(key)
      yield* advance(2_999)
      expect(yield* call).toBe("v0")
      yield* advance(1)
      expect(yield* call).toBe("v1")
    }).pipe(under(faulty({ memory: { timeToLive: "3 seconds" } })))
  )

  it.effect("it never outlives its time below, not by being read again either", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, { timeToLive: "10 seconds", awaitWrite: true })
      yield* call
      yield* source.change
      for (let second = 0; second < 10; second++) {
        expect(yield* call).toBe("v0")
        yield* advance("1 second")
      }
      expect(yield* call).toBe("v1")
    }).pipe(under(faulty({ memory: { timeToLive: "3 seconds" } })))
  )

  it.scoped("a fill that the store refused is not held: it is the first news of a fence that fell elsewhere", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another({})
      const held = yield* source.hold
      const call = Cache.withCache(source.lookup, key, stored)
      const first = yield* Effect.fork(call)
      yield* held.begun
      yield* source.change
      yield* other.invalidate(key)
      yield* held.answer
      expect(yield* Fiber.join(first)).toBe("v0")
      yield* settle
      expect(yield* call).toBe("v1")
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("a value whose time to live has windows for old ones is answered old from below, never from memory", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const policy = { timeToLive: "2 seconds", staleIfError: "1 minute", awaitWrite: true } as const
      const call = Cache.withCache(source.lookup, key, policy)
      yield* call
      yield* advance("2 seconds")
      yield* source.setDown(true)
      expect(yield* call).toBe("v0")
      expect(source.runs()).toBe(2)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("a value that is refreshed ahead is refreshed from memory too", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const lookup = Effect.zipLeft(source.lookup, Effect.sleep("1 second"))
      const call = Cache.withCache(lookup, key, { timeToLive: "1 minute", refreshAhead: 1_000, awaitWrite: true })
      const first = yield* Effect.fork(call)
      yield* advance("1 second")
      yield* Fiber.join(first)
      yield* source.change
      expect(yield* call).toBe("v0")
      yield* advance("1 second")
      yield* settle
      expect(source.runs()).toBe(2)
    }).pipe(Effect.withRandom(Random.fixed([0.5])), under(faulty({ memory: true })))
  )

  it.effect("a hit is told of as a hit", () =>
    Effect.gen(function* () {
      const call = Cache.withCache(Effect.succeed("Ada"), key, stored)
      yield* call
      const recorder = yield* Recorder.Recorder
      yield* recorder.clear
      yield* call
      expect(yield* recorder.story).toBe(`Hit ${key.id}`)
    }).pipe(under(Recorder.around(Cache.layerWith({ memory: true })).pipe(Layer.provide(Store.layerMemory))))
  )

  /**
   * A process may be frozen between the store's answer and the moment it looks at it. Of what happened meanwhile it
   * knows nothing.
   */
  describe("what waited on its way from the store is held for as long as if it had not:", () => {
    const patient = { memory: true, storeTimeout: "1 minute", storeBudget: "1 minute" } as const

    /** An instance whose store's answers may be late, and one beside it that invalidates after a second. */
    const late = Effect.fnUntraced(function* (operation: "read" | "fill") {
      let delayMillis = 0
      const store = yield* Store.Store
      const wait = <A, E>(answer: Effect.Effect<A, E>) => Effect.tap(answer, () => Effect.sleep(delayMillis))
      const slow: Context.Tag.Service<Store.Store> = {
        ...store,
        read: (requests) => (operation === "read" ? wait(store.read(requests)) : store.read(requests)),
        fill: (requests) => (operation === "fill" ? wait(store.fill(requests)) : store.fill(requests))
      }
      const source = yield* Source.make
      const cache = yield* Effect.provideService(another(patient), Store.Store, slow)
      const beside = yield* another({})
      const call = cache.getOrSet(key, source.lookup, stored)
      /** The call waits for four seconds; during them the value changes. */
      const overtaken = Effect.gen(function* () {
        delayMillis = 4_000
        const waiting = yield* Effect.fork(call)
        yield* advance(1_000)
        yield* source.change
        yield* beside.invalidate(key)
        yield* advance(3_000)
        expect(yield* Fiber.join(waiting)).toBe("v0")
        delayMillis = 0
        yield* advance(1_000)
        expect(yield* call).toBe("v1")
      })
      return { beside, source, overtaken }
    })

    it.scoped("an answer that was read", () =>
      Effect.gen(function* () {
        const { beside, overtaken, source } = yield* late("read")
        yield* beside.getOrSet(key, source.lookup, stored)
        yield* overtaken
      }).pipe(under(faulty()))
    )

    it.scoped("a value that was stored", () =>
      Effect.gen(function* () {
        const { overtaken } = yield* late("fill")
        yield* overtaken
      }).pipe(under(faulty()))
    )
  })
})
