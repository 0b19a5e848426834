/** Within one request a key is read once, and answers the same. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, InvalidationBus, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { arrangements, faulty, plain, recordEvents, recording } from "../support/caches.js"
import { Faults } from "@larder/testing"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`user:${id}`]
})
const key = Key(1)
const stored = { timeToLive: "1 minute", awaitWrite: true } as const
/** Read anew by whoever asks, unless it is remembered. */
const never = { timeToLive: 0 } as const

const another = (options: Cache.Options) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.map(
      Layer.build(Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), recording]))),
      Context.get(Cache.Cache)
    )
  )

const waysToEnd: ReadonlyArray<readonly [string, (cache: Cache.Cache["Type"]) => Effect.Effect<unknown, unknown>]> = [
  ["invalidate", (cache) => cache.invalidate(key)],
  ["invalidateTags, of a declared tag", (cache) => cache.invalidateTags("user:1")],
  ["invalidateTags, of a learnt tag", (cache) => cache.invalidateTags("learnt")],
  ["invalidateTags, of a value's tag", (cache) => cache.invalidateTags("valued")],
  ["clear", (cache) => cache.clear({ prefix: "users" })],
  ["expire", (cache) => cache.expire(key)],
  ["expireTags", (cache) => cache.expireTags("learnt")],
  ["set", (cache) => cache.set(key, "v1", stored)],
  ["refresh", (cache) => cache.refresh(key, Effect.succeed("v1"), stored)],
  ["writeThrough", (cache) => cache.writeThrough(key, Effect.succeed("v1"), stored)]
]

for (const [tiers, options] of arrangements) {
  describe(`Cache / withRequestMemo, ${tiers}`, () => {
    it.effect("a key is read once, also by fibers that the request forks, and also when its time is over", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, stored)
        const faults = yield* Faults.Faults
        yield* Effect.gen(function* () {
          expect(yield* call).toBe("v0")
          const before = yield* faults.count
          yield* source.change
          yield* advance("1 hour")
          expect(yield* call).toBe("v0")
          expect(yield* Effect.flatMap(Effect.fork(call), Fiber.join)).toBe("v0")
          expect(yield* Effect.all([call, call], { concurrency: "unbounded" })).toEqual(["v0", "v0"])
          expect(yield* faults.count).toBe(before)
        }).pipe(Cache.withRequestMemo)
        expect(yield* call).toBe("v1")
        expect(source.runs()).toBe(2)
      }).pipe(under(faulty(options)))
    )

    it.effect("a value that is not stored is read once too", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, never)
        yield* Effect.all([call, call, call]).pipe(Cache.withRequestMemo)
        expect(source.runs()).toBe(1)
        yield* Effect.all([call, call])
        expect(source.runs()).toBe(3)
      }).pipe(under(plain(options)))
    )

    for (const [way, end] of waysToEnd) {
      it.effect(`${way}: what it names is read anew within the request`, () =>
        Effect.gen(function* () {
          const source = yield* Source.make
          const lookup = Effect.zipLeft(source.lookup, Cache.addTags("learnt"))
          const call = Cache.withCache(lookup, key, { ...stored, tags: () => ["valued"] })
          yield* Effect.gen(function* () {
            expect(yield* call).toBe("v0")
            yield* source.change
            yield* end(yield* Cache.Cache)
            expect(yield* call).toBe("v1")
            expect(yield* call).toBe("v1")
          }).pipe(Cache.withRequestMemo)
        }).pipe(under(plain(options)))
      )

      it.effect(`${way} while it is read, by another request: who asks afterwards gets nothing older`, () =>
        Effect.gen(function* () {
          const source = yield* Source.make
          const lookup = Effect.zipLeft(source.lookup, Cache.addTags("learnt"))
          const call = Cache.withCache(lookup, key, { ...stored, tags: () => ["valued"] })
          const held = yield* source.hold
          yield* Effect.gen(function* () {
            const early = yield* Effect.fork(call)
            yield* held.begun
            yield* source.change
            yield* end(yield* Cache.Cache)
            const late = yield* Effect.fork(call)
            yield* settle
            yield* held.answer
            expect(yield* Fiber.join(early)).toBe("v0")
            expect(yield* Fiber.join(late)).toBe("v1")
            expect(yield* call).toBe("v1")
          }).pipe(Cache.withRequestMemo)
        }).pipe(under(plain(options)))
      )
    }

    it.effect("what was computed from another value is read anew when that is invalidated", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const outer = Cache.withCache(source.lookup, Key(2), stored).pipe(Cache.withCache(key, stored))
        yield* Effect.gen(function* () {
          expect(yield* outer).toBe("v0")
          yield* source.change
          yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(2)))
          expect(yield* outer).toBe("v1")
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("a lookup does not read what the request remembers: what it answers is everybody's", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const inner = Cache.withCache(source.lookup, Key(2), never)
        const outer = Cache.withCache(inner, key, { ...stored, dependencies: false })
        yield* Effect.gen(function* () {
          yield* inner
          yield* source.change
          expect(yield* outer).toBe("v1")
          expect(yield* inner).toBe("v0")
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("concurrent calls share one read, its success and its failure", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const faults = yield* Faults.Faults
        const call = Cache.withCache(source.lookup, key, stored)
        const many = Effect.all(
          Array.from({ length: 20 }, () => Effect.either(call)),
          { concurrency: "unbounded" }
        )
        yield* Effect.gen(function* () {
          yield* source.setDown(true)
          const failed = yield* many
          expect(failed.every((one) => one._tag === "Left")).toBe(true)
          expect(source.runs()).toBe(1)
          yield* source.setDown(false)
          yield* faults.clear
          const before = yield* faults.count
          const answered = yield* many
          expect(answered.every((one) => one._tag === "Right")).toBe(true)
          expect(source.runs()).toBe(2)
          // One read, one lease, one fill.
          expect((yield* faults.count) - before).toBe(3)
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(faulty(options)))
    )

    it.effect("a failure is not remembered", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, stored)
        yield* Effect.gen(function* () {
          yield* source.setDown(true)
          yield* Effect.flip(call)
          yield* source.setDown(false)
          expect(yield* call).toBe("v0")
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("interrupting the first caller disturbs nobody who waits for its read", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, stored)
        const held = yield* source.hold
        yield* Effect.gen(function* () {
          const first = yield* Effect.fork(call)
          yield* held.begun
          const others = yield* Effect.fork(Effect.all([call, call], { concurrency: "unbounded" }))
          yield* settle
          yield* Fiber.interrupt(first)
          expect(yield* Fiber.join(others)).toEqual(["v0", "v0"])
          expect(source.interrupted()).toBe(1)
          expect(source.runs()).toBe(2)
          expect(yield* call).toBe("v0")
          expect(source.runs()).toBe(2)
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("a batch reads only what nobody has read, and shares its keys with single calls", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const asked: Array<ReadonlyArray<number>> = []
        const batch = (ids: ReadonlyArray<number>) =>
          cache.getMany(ids, {
            key: Key,
            lookup: (some) => Effect.sync(() => (asked.push([...some]), some.map((id) => `user ${id}`))),
            policy: never
          })
        const one = (id: number) =>
          Effect.sync(() => (asked.push([id]), `user ${id}`)).pipe(Cache.withCache(Key(id), never))
        yield* Effect.gen(function* () {
          expect(yield* one(2)).toBe("user 2")
          expect(yield* batch([1, 2, 3, 2])).toEqual(["user 1", "user 2", "user 3", "user 2"])
          expect(yield* batch([3, 4])).toEqual(["user 3", "user 4"])
          expect(yield* one(4)).toBe("user 4")
          expect(asked).toEqual([[2], [1, 3], [4]])
          yield* cache.invalidate(Key(3))
          expect(yield* batch([1, 3])).toEqual(["user 1", "user 3"])
          expect(asked).toEqual([[2], [1, 3], [4], [3]])
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("two batches at a time wait for each other's keys, and a failure of one is not the other's", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const gate = yield* Deferred.make<void>()
        let fails = true
        const batch = (ids: ReadonlyArray<number>) =>
          cache.getMany(ids, {
            key: Key,
            lookup: (some) =>
              Effect.zipRight(
                Deferred.await(gate),
                Effect.suspend(() =>
                  fails && some.includes(1) ? Effect.fail("no 1") : Effect.succeed(some.map(String))
                )
              ),
            policy: never
          })
        yield* Effect.gen(function* () {
          const [first, second] = [yield* Effect.fork(batch([1, 2])), yield* Effect.fork(batch([3, 2]))]
          yield* settle
          yield* Deferred.succeed(gate, undefined)
          expect(yield* Effect.flip(Fiber.join(first))).toBe("no 1")
          expect(yield* Fiber.join(second)).toEqual(["3", "2"])
          fails = false
          expect(yield* Effect.all([batch([1, 2]), batch([2, 3])], { concurrency: 2 })).toEqual([
            ["1", "2"],
            ["2", "3"]
          ])
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("nobody sees what another reader does to a value", () =>
      Effect.gen(function* () {
        const List = CacheKey.make({
          prefix: "lists",
          key: (id: number) => ["id", id],
          schema: Schema.mutable(Schema.Array(Schema.String))
        })
        for (const policy of [stored, never]) {
          const call = Effect.sync(() => ["a"]).pipe(Cache.withCache(List(policy === stored ? 1 : 2), policy))
          yield* Effect.gen(function* () {
            for (let i = 0; i < 3; i++) {
              const list = yield* call
              expect(list).toEqual(["a"])
              list.push("b")
            }
          }).pipe(Cache.withRequestMemo)
        }
      }).pipe(under(plain(options)))
    )

    it.scoped("a hit of it is told of as a hit", () =>
      Effect.gen(function* () {
        const events = yield* recordEvents
        const call = Effect.succeed("Ada").pipe(Cache.withCache(key, never))
        yield* Effect.all([call, call]).pipe(Cache.withRequestMemo)
        expect(yield* events.tags).toEqual(["Miss", "LookupSucceeded", "Uncacheable", "Hit"])
      }).pipe(under(plain(options)))
    )

    it.effect("without the cache, or to refresh, nothing is remembered", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, stored)
        yield* Effect.gen(function* () {
          expect(yield* call).toBe("v0")
          yield* source.change
          expect(yield* Cache.withoutCache(call)).toBe("v1")
          expect(yield* call).toBe("v0")
          expect(yield* Cache.withRefresh(call)).toBe("v1")
          expect(yield* call).toBe("v1")
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("another caller's further tag is not overlooked", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        yield* Effect.gen(function* () {
          expect(yield* Cache.withCache(source.lookup, key, never)).toBe("v0")
          yield* source.change
          expect(yield* Cache.withCache(source.lookup, key, { ...never, tags: ["further"] })).toBe("v1")
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("one request knows nothing of another, nor of one around it", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key, never)
        yield* Effect.gen(function* () {
          expect(yield* call).toBe("v0")
          yield* source.change
          expect(yield* Cache.withRequestMemo(call)).toBe("v1")
          expect(yield* call).toBe("v0")
        }).pipe(Cache.withRequestMemo)
        expect(yield* Cache.withRequestMemo(call)).toBe("v1")
      }).pipe(under(plain(options)))
    )

    it.effect("a fiber that outlives the request remembers nothing of it", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const gate = yield* Deferred.make<void>()
        const call = Cache.withCache(source.lookup, key, never)
        const late = yield* Effect.gen(function* () {
          yield* call
          return yield* Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), Effect.all([call, call])))
        }).pipe(Cache.withRequestMemo)
        yield* source.change
        yield* Deferred.succeed(gate, undefined)
        expect(yield* Fiber.join(late)).toEqual(["v1", "v1"])
        expect(source.runs()).toBe(3)
      }).pipe(under(plain(options)))
    )

    it.effect("it holds a thousand keys and no more", () =>
      Effect.gen(function* () {
        let lookups = 0
        const call = (id: number) => Effect.sync(() => `${++lookups}`).pipe(Cache.withCache(Key(id), never))
        yield* Effect.gen(function* () {
          for (let id = 0; id <= 1_000; id++) yield* call(id)
          yield* call(1_000)
          expect(lookups).toBe(1_001)
          yield* call(0)
          expect(lookups).toBe(1_002)
        }).pipe(Cache.withRequestMemo)
      }).pipe(under(plain(options)))
    )

    it.effect("two caches in one request do not answer for each other", () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const other = yield* another(options)
        const call = Cache.withCache(source.lookup, key, never)
        yield* Effect.gen(function* () {
          expect(yield* call).toBe("v0")
          yield* source.change
          expect(yield* Effect.provideService(call, Cache.Cache, other)).toBe("v1")
          expect(yield* call).toBe("v0")
        }).pipe(Cache.withRequestMemo)
      }).pipe(Effect.scoped, under(plain(options)))
    )
  })
}

describe("Cache / withRequestMemo, several instances", () => {
  it.scoped("what another instance invalidates is read anew as soon as it is heard of", () =>
    Effect.gen(function* () {
      const shared = yield* Effect.context<Store.Store | InvalidationBus.InvalidationBus>()
      const instance = Effect.map(
        Layer.build(Cache.layerWithBus().pipe(Layer.provide(recording), Layer.provide(Layer.succeedContext(shared)))),
        Context.get(Cache.Cache)
      )
      const [here, there] = [yield* instance, yield* instance]
      yield* advance(100)
      const source = yield* Source.make
      const call = here.getOrSet(key, source.lookup, stored)
      yield* Effect.gen(function* () {
        expect(yield* call).toBe("v0")
        yield* source.change
        yield* there.invalidate(key)
        yield* settle
        expect(yield* call).toBe("v1")
      }).pipe(Cache.withRequestMemo)
    }).pipe(under(Layer.merge(Store.layerMemory, InvalidationBus.layerMemory)))
  )
})
