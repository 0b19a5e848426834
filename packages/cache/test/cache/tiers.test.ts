/** Which tiers a call reads and writes: what it asks, what it leaves where, and for whom. */
import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome } from "@effect/vitest/utils"
import { Cache, CacheKey, CacheMode, CachePolicy, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { faulty, recordEvents, recording } from "../support/caches.js"
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

/** One more instance over the same store. */
const another = (options: Cache.Options = {}) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.map(
      Layer.build(Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), recording]))),
      Context.get(Cache.Cache)
    )
  )

/** How often an effect asks the store. */
const asks = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* asked
    yield* effect
    yield* settle
    return (yield* asked) - before
  })

describe("Cache / memory, by policy", () => {
  it.scoped("Off: every call asks the store, and sees at once what another instance invalidated", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      const call = Cache.withCache(source.lookup, key, { ...stored, memory: "Off" })
      yield* call
      expect(yield* asks(call)).toBe(1)
      expect(yield* asks(call)).toBe(1)
      expect(source.runs()).toBe(1)
      yield* source.change
      yield* other.invalidate(key)
      expect(yield* call).toBe("v1")
      // And left nothing for others to find.
      expect(yield* asks(Cache.withCache(source.lookup, key, stored))).toBe(1)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("ReadOnly: what others have put there is found, nothing is put there", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, { ...stored, memory: "ReadOnly" })
      yield* call
      expect(yield* asks(call)).toBe(1)
      expect(yield* asks(call)).toBe(1)
      yield* Cache.withCache(source.lookup, key, stored)
      expect(yield* asks(call)).toBe(0)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("WriteOnly: the store is asked, and what it answers is there for others", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, { ...stored, memory: "WriteOnly" })
      yield* call
      expect(yield* asks(call)).toBe(1)
      expect(yield* asks(Cache.withCache(source.lookup, key, stored))).toBe(0)
      yield* advance("5 seconds")
      expect(yield* asks(call)).toBe(1)
      expect(yield* asks(Cache.withCache(source.lookup, key, stored))).toBe(0)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("get finds what memory holds, and puts there what it read", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* cache.set(key, "Ada", stored)
      expect(yield* asks(cache.get(key))).toBe(1)
      expect(yield* asks(Effect.map(cache.get(key), (found) => assertSome(found, "Ada")))).toBe(0)
      const off = Effect.provideService(cache.get(key), CachePolicy.Ambient, { memory: "Off" })
      expect(yield* asks(off)).toBe(1)
    }).pipe(under(faulty({ memory: true })))
  )
})

describe("Cache / the store left out", () => {
  it.scoped("Off: nothing is asked, memory answers, and another instance finds nothing", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      const { tags } = yield* recordEvents
      const call = Cache.withCache(source.lookup, key, { ...stored, store: "Off" })
      expect(yield* asks(Effect.all([call, call, call]))).toBe(0)
      expect(source.runs()).toBe(1)
      expect(yield* tags).toEqual(["Miss", "LookupSucceeded", "Stored", "Hit", "Hit"])
      assertNone(yield* other.get(key))
      // Whoever leaves no tier out finds it as well.
      expect(yield* asks(Cache.withCache(source.lookup, key, stored))).toBe(0)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("Off, for a part of a program, through get too", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const cache = yield* Cache.Cache
      const part = Effect.zipRight(Cache.withCache(source.lookup, key), cache.get(key))
      const found = Effect.map(Effect.provideService(part, CachePolicy.Ambient, { store: "Off" }), (value) =>
        assertSome(value, "v0")
      )
      expect(yield* asks(found)).toBe(0)
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("Off without values in memory: each call looks up, and those at the same time share one lookup", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, { ...stored, store: "Off" })
      yield* call
      yield* call
      expect(source.runs()).toBe(2)
      const held = yield* source.hold
      const together = yield* Effect.fork(Effect.all([call, call, call], { concurrency: "unbounded" }))
      yield* held.begun
      yield* settle
      yield* held.answer
      expect(yield* Fiber.join(together)).toEqual(["v0", "v0", "v0"])
      expect(source.runs()).toBe(3)
      expect(yield* asked).toBe(0)
    }).pipe(under(faulty()))
  )

  it.scoped(
    "Off: an invalidation elsewhere goes unnoticed for memory's time, counted from the start of the lookup",
    () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const other = yield* another()
        const held = yield* source.hold
        const call = Cache.withCache(source.lookup, key, { ...stored, store: "Off" })
        const first = yield* Effect.fork(call)
        yield* held.begun
        yield* source.change
        yield* other.invalidate(key)
        yield* advance("3 seconds")
        yield* held.answer
        expect(yield* Fiber.join(first)).toBe("v0")
        yield* advance(1_999)
        expect(yield* call).toBe("v0")
        yield* advance(1)
        expect(yield* call).toBe("v1")
      }).pipe(under(faulty({ memory: true })))
  )

  for (const [what, fence] of [
    ["its key", (cache: Context.Tag.Service<Cache.Cache>) => cache.invalidate(key)],
    ["a declared tag", (cache) => cache.invalidateTags("declared")],
    ["a learnt tag", (cache) => cache.invalidateTags("learnt")],
    ["its prefix", (cache) => cache.clear({ prefix: "users" })],
    ["its key, marked stale", (cache) => cache.expire(key)]
  ] as const satisfies ReadonlyArray<
    readonly [string, (cache: Context.Tag.Service<Cache.Cache>) => Effect.Effect<void, unknown>]
  >) {
    it.effect(`Off: a fence on ${what} while the lookup runs, or after it, reaches memory`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const cache = yield* Cache.Cache
        const lookup = Effect.zipLeft(source.lookup, Cache.addTags("learnt"))
        const call = Cache.withCache(lookup, key, { ...stored, store: "Off" })
        const held = yield* source.hold
        const first = yield* Effect.fork(call)
        yield* held.begun
        yield* source.change
        yield* fence(cache)
        yield* held.answer
        yield* Fiber.join(first)
        expect(yield* call).toBe("v1")
        yield* source.change
        yield* fence(cache)
        expect(yield* call).toBe("v2")
        expect(yield* call).toBe("v2")
      }).pipe(under(faulty({ memory: true })))
    )
  }

  it.scoped("ReadOnly: what is stored is answered, what is looked up is held here and not stored", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      const call = Cache.withCache(source.lookup, key, { ...stored, store: "ReadOnly" })
      yield* other.set(key, "theirs")
      expect(yield* call).toBe("theirs")
      yield* other.invalidate(key)
      yield* advance("5 seconds")
      expect(yield* call).toBe("v0")
      expect(yield* asks(call)).toBe(0)
      assertNone(yield* other.get(key))
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("ReadOnly: an old value is refreshed behind where the new one can be kept, and only there", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const policy = { timeToLive: "1 second", staleWhileRevalidate: "1 minute", awaitWrite: true } as const
      yield* Cache.withCache(source.lookup, key, policy)
      yield* source.change
      yield* advance("1 second")
      const nowhere = Cache.withCache(source.lookup, key, { ...policy, store: "ReadOnly", memory: "Off" })
      expect([yield* nowhere, yield* nowhere]).toEqual(["v0", "v0"])
      yield* settle
      expect(source.runs()).toBe(1)
      const here = Cache.withCache(source.lookup, key, { ...policy, store: "ReadOnly" })
      expect(yield* here).toBe("v0")
      yield* settle
      expect(yield* here).toBe("v1")
      expect(source.runs()).toBe(2)
    }).pipe(under(faulty({ memory: true })))
  )

  it.scoped("WriteOnly: what is stored is not answered and gives its place, and nobody is waited for", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      yield* other.set(key, "theirs")
      const call = Cache.withCache(source.lookup, key, { ...stored, store: "WriteOnly" })
      expect(yield* call).toBe("v0")
      assertSome(yield* other.get(key), "v0")
      // Another one is looking it up, and does not answer.
      const held = yield* source.hold
      yield* other.invalidate(key)
      const slow = yield* Effect.fork(other.getOrSet(key, source.lookup))
      yield* held.begun
      yield* source.change
      yield* advance("5 seconds")
      expect(yield* call).toBe("v1")
      assertSome(yield* other.get(key), "v1")
      yield* held.answer
      expect(yield* Fiber.join(slow)).toBe("v0")
      yield* settle
      assertSome(yield* other.get(key), "v1")
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("what another mode forbids stays forbidden", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const policy = { ...stored, store: "Off" } as const
      const call = Cache.withCache(source.lookup, key, policy)
      yield* Cache.readOnly(call)
      yield* Cache.readOnly(call)
      expect(source.runs()).toBe(2)
      yield* call
      yield* source.change
      expect(yield* Cache.readOnly(call)).toBe("v0")
      expect(yield* Cache.withRefresh(call)).toBe("v1")
      expect(yield* call).toBe("v1")
      expect(yield* Effect.provideService(call, CacheMode.Current, "Off")).toBe("v1")
      expect(source.runs()).toBe(5)
      expect(yield* asked).toBe(0)
    }).pipe(under(faulty({ memory: true })))
  )
})

describe("Cache / writes that leave the store out", () => {
  for (const door of ["set", "writeThrough"] as const) {
    const write = (cache: Context.Tag.Service<Cache.Cache>, policy: CachePolicy.CachePolicy<string>) =>
      door === "set" ? cache.set(key, "mine", policy) : cache.writeThrough(key, Effect.succeed("mine"), policy)

    it.scoped(`${door} drops the key for everybody, and holds the value here`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const other = yield* another()
        yield* other.set(key, "theirs")
        yield* Cache.withCache(source.lookup, key, stored)
        yield* write(cache, { ...stored, store: "Off" })
        assertNone(yield* other.get(key))
        assertSome(yield* cache.get(key), "mine")
        expect(yield* Cache.withCache(source.lookup, key, { store: "Off" })).toBe("mine")
        expect(source.runs()).toBe(0)
        yield* cache.invalidate(key)
        expect(yield* Cache.withCache(source.lookup, key, { store: "Off" })).toBe("v0")
      }).pipe(under(faulty({ memory: true })))
    )

    it.effect(`${door} holds nothing where there is no memory for it`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* write(cache, { ...stored, store: "Off", memory: "ReadOnly" })
        assertNone(yield* cache.get(key))
      }).pipe(under(faulty({ memory: true })))
    )
  }

  it.effect("a write that something overtakes is not held, nor what a lookup has read before it", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const cache = yield* Cache.Cache
      const policy = { ...stored, store: "Off" } as const
      const held = yield* source.hold
      const writing = yield* Effect.fork(cache.writeThrough(key, source.lookup, policy))
      yield* held.begun
      yield* source.change
      yield* cache.invalidateTags("declared")
      yield* held.answer
      yield* Fiber.join(writing)
      const late = yield* source.hold
      const reading = yield* Effect.fork(Cache.withCache(source.lookup, key, policy))
      yield* late.begun
      yield* cache.set(key, yield* source.change, policy)
      yield* late.answer
      expect(yield* Fiber.join(reading)).toBe("v1")
      assertSome(yield* cache.get(key), "v2")
    }).pipe(under(faulty({ memory: true })))
  )

  it.effect("a write that the store does not acknowledge is not held, and fails or is reported as any other", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail(), on: ["commit"], span: "onwards" })
      const failure = yield* Effect.flip(cache.set(key, "mine", { ...stored, store: "Off" }))
      expect(failure._tag).toBe("StoreError")
      yield* faults.clear
      assertNone(yield* cache.get(key))
    }).pipe(under(faulty({ memory: true })))
  )

  it.scoped("refresh replaces what is in memory, sends nothing, and wins over a lookup that began before it", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const cache = yield* Cache.Cache
      const other = yield* another()
      const policy = { ...stored, store: "Off" } as const
      yield* other.set(key, "theirs")
      const held = yield* source.hold
      const reading = yield* Effect.fork(Cache.withCache(source.lookup, key, policy))
      yield* held.begun
      yield* source.change
      expect(yield* asks(cache.refresh(key, source.lookup, policy))).toBe(0)
      yield* held.answer
      yield* Fiber.join(reading)
      assertSome(yield* cache.get(key), "v1")
      assertSome(yield* other.get(key), "theirs")
    }).pipe(under(faulty({ memory: true })))
  )
})

describe("Cache / instances that do not take turns", () => {
  const policy = { ...stored, singleFlight: "Instance" } as const

  it.scoped("look up at the same time; the first that is done is stored, the other's value is answered", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      const { tags } = yield* recordEvents
      const first = yield* source.hold
      const slow = yield* Effect.fork(Cache.withCache(source.lookup, key, policy))
      yield* first.begun
      yield* source.change
      // No time passes: nobody is waited for.
      expect(yield* other.getOrSet(key, source.lookup, policy)).toBe("v1")
      assertSome(yield* other.get(key), "v1")
      yield* first.answer
      expect(yield* Fiber.join(slow)).toBe("v0")
      expect(yield* tags).toContain("Refused")
      assertSome(yield* other.get(key), "v1")
      // A value that the store refused is not in memory either.
      expect(yield* Cache.withCache(source.lookup, key, policy)).toBe("v1")
    }).pipe(under(faulty({ memory: true })))
  )

  it.scoped("wait for an instance that takes its turn no more than for each other", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const other = yield* another()
      const held = yield* source.hold
      const slow = yield* Effect.fork(other.getOrSet(key, source.lookup, stored))
      yield* held.begun
      expect(yield* Cache.withCache(source.lookup, key, policy)).toBe("v0")
      yield* held.answer
      yield* Fiber.join(slow)
      expect(source.runs()).toBe(2)
    }).pipe(under(faulty()))
  )

  it.scoped("store nothing that began before an invalidation by either of them", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const cache = yield* Cache.Cache
      const other = yield* another()
      for (const by of [cache, other]) {
        const held = yield* source.hold
        const slow = yield* Effect.fork(Cache.withCache(source.lookup, key, policy))
        yield* held.begun
        const theirs = yield* source.hold
        const slowly = yield* Effect.fork(other.getOrSet(key, source.lookup, policy))
        yield* theirs.begun
        yield* source.change
        yield* by.invalidate(key)
        yield* held.answer
        yield* theirs.answer
        yield* Fiber.joinAll([slow, slowly])
        yield* settle
        assertNone(yield* cache.get(key))
        expect(yield* other.getOrSet(key, source.lookup, policy)).toBe(source.current())
        yield* cache.invalidate(key)
      }
    }).pipe(under(faulty()))
  )
})
