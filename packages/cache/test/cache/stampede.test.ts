import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import { Cache as CacheOfModule } from "@larder/cache/Cache"
import { Faults } from "@larder/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { faulty, plain, recordEvents } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number | string) => ["id", id], schema: Schema.String })
const CountKey = CacheKey.make({ prefix: "counts", key: (id: number) => ["id", id], schema: Schema.Number })
const key = Key(1)
const times = <A>(n: number, effect: A): Array<A> => Array.from({ length: n }, () => effect)
const together = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

describe("Cache / a stampede", () => {
  for (const callers of [10, 100, 1000, 10_000]) {
    it.effect(`${callers} cold calls at the same time run one lookup`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const held = yield* source.hold
        const calls = yield* Effect.fork(together(times(callers, Cache.withCache(source.lookup, key))))
        yield* held.begun
        yield* settle
        yield* held.answer
        const values = yield* Fiber.join(calls)
        strictEqual(values.length, callers)
        deepStrictEqual(new Set(values), new Set(["v0"]))
        strictEqual(source.runs(), 1)
      }).pipe(under(plain()))
    )
  }

  it.effect("an expired value too is looked up once, and once behind the answers", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const policy = { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" } as const
      const call = Cache.withCache(source.lookup, key, policy)
      yield* call
      yield* advance("1 minute")
      const held = yield* source.hold
      deepStrictEqual(new Set(yield* together(times(100, call))), new Set(["v0"]))
      yield* settle
      yield* held.answer
      yield* settle
      strictEqual(source.runs(), 2)
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(key))
      yield* together(times(100, call))
      strictEqual(source.runs(), 3)
    }).pipe(under(plain()))
  )

  it.effect("calls between the end of the lookup and that of its write do not look up again", () =>
    Effect.gen(function* () {
      yield* Effect.flatMap(Faults.Faults, (f) => f.set({ fault: Faults.delay("200 millis"), on: "fill" }))
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key)
      yield* call
      for (let i = 0; i < 30; i++) {
        strictEqual(yield* call, "v0")
        yield* advance(10)
      }
      strictEqual(source.runs(), 1)
    }).pipe(under(faulty()))
  )

  it.effect("the first caller is interrupted: the others are answered by the same lookup", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const call = Cache.withCache(source.lookup, key)
      const first = yield* Effect.fork(call)
      yield* held.begun
      const others = yield* Effect.fork(together(times(10, call)))
      yield* settle
      strictEqual(Exit.isInterrupted(yield* Fiber.interrupt(first)), true)
      yield* held.answer
      deepStrictEqual(yield* Fiber.join(others), times(10, "v0"))
      deepStrictEqual([source.runs(), source.interrupted()], [1, 0])
    }).pipe(under(plain()))
  )

  it.effect("all callers are interrupted: so is the lookup, and its lease is given back", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const call = Cache.withCache(source.lookup, key)
      const callers = yield* Effect.forEach(times(10, call), Effect.fork)
      yield* held.begun
      yield* settle
      yield* Fiber.interruptAll(callers)
      yield* settle
      deepStrictEqual([source.runs(), source.interrupted()], [1, 1])
      const store = yield* Store.Store
      const calls = yield* Effect.flatMap(Faults.Faults, (faults) => faults.calls)
      deepStrictEqual(calls, [...times(10, "read" as const), "lease", "release"])
      strictEqual(store.remote, true)
      strictEqual(yield* call, "v0")
      yield* settle
      strictEqual(yield* call, "v0")
      strictEqual(source.runs(), 2)
    }).pipe(under(faulty()))
  )

  it.effect("beyond the number of shared lookups each call looks up by itself, and is answered", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const lookup = Effect.suspend(() => Effect.as(Deferred.await(gate), `v${++runs}`))
      const call = (id: number) => Cache.withCache(lookup, Key(id))
      const filling = yield* Effect.fork(together([call(1), call(2)]))
      yield* settle
      const more = yield* Effect.fork(together([call(3), call(3), call(1)]))
      yield* settle
      strictEqual(runs, 4)
      yield* Deferred.succeed(gate, undefined)
      deepStrictEqual(yield* Fiber.join(filling), ["v1", "v2"])
      deepStrictEqual(yield* Fiber.join(more), ["v3", "v4", "v1"])
      yield* settle
      strictEqual(yield* call(3), "v5")
    }).pipe(under(plain({ maximumFlights: 2 })))
  )
})

describe("Cache / a lookup that reads the cache", () => {
  const deadline = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(effect)
      yield* advance("5 seconds")
      return (yield* Fiber.poll(fiber))._tag === "None" ? "deadlock" : yield* Fiber.join(fiber)
    })

  it.effect("under its own key looks up by itself instead of waiting for itself", () =>
    Effect.gen(function* () {
      let depth = 0
      const call: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
        ++depth === 1 ? Effect.map(call, (inner) => `around ${inner}`) : Effect.succeed("core")
      ).pipe(Cache.withCache(key))
      strictEqual(yield* deadline(call), "around core")
      yield* settle
      strictEqual(yield* call, "around core")
    }).pipe(under(plain()))
  )

  it.effect("under its own key through a fork, another key and a batch does not wait for itself", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      let depth = 0
      const call: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
        ++depth === 1
          ? Effect.fork(Cache.withCache(batch, Key("between"))).pipe(Effect.flatMap(Fiber.join))
          : Effect.succeed("core")
      ).pipe(Cache.withCache(key))
      const batch: Effect.Effect<string, never, Cache.Cache> = Effect.map(
        cache.getMany([2, 1], { key: Key, lookup: (ids) => Effect.all(ids.map(() => call)) }),
        (values) => values.join(" and ")
      )
      strictEqual(yield* deadline(call), "core and core")
    }).pipe(under(plain()))
  )

  for (const size of [2, 3, 10]) {
    it.effect(`${size} lookups in a ring, begun at the same time, do not wait for each other for ever`, () =>
      Effect.gen(function* () {
        const begun = yield* Effect.makeLatch()
        let started = 0
        const call = (i: number, depth: number): Effect.Effect<string, never, Cache.Cache> =>
          Effect.gen(function* () {
            if (++started >= size) yield* begun.open
            yield* begun.await
            return depth > size ? "end" : yield* call((i + 1) % size, depth + 1)
          }).pipe(Cache.withCache(Key(i)))
        const all = deadline(together(Array.from({ length: size }, (_, i) => call(i, 0))))
        deepStrictEqual(yield* all, times(size, "end"))
      }).pipe(under(plain()))
    )
  }
})

describe("Cache / one cache", () => {
  it.effect("is one through the namespace, the module and the tag, when its layer is provided once", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const spellings = [
        source.lookup.pipe(Cache.withCache(key)),
        Cache.withCache(source.lookup, Key("1")),
        Effect.flatMap(Cache.Cache, (cache) => cache.getOrSet(key, source.lookup)),
        Effect.flatMap(CacheOfModule, (cache) => cache.getOrSet(key, source.lookup)),
        Effect.map(
          Effect.flatMap(CacheOfModule, (cache) =>
            cache.getMany([1], { key: Key, lookup: () => Effect.map(source.lookup, (value) => [value]) })
          ),
          ([value]) => value!
        )
      ]
      const calls = yield* Effect.fork(together(spellings))
      yield* held.begun
      yield* settle
      yield* held.answer
      deepStrictEqual(yield* Fiber.join(calls), times(5, "v0"))
      strictEqual(source.runs(), 1)
    }).pipe(under(plain()))
  )

  it.effect("is one for two layers that are built together, and two where its layer is provided twice", () =>
    Effect.gen(function* () {
      const built = (yield* Source.make).lookup
      const layer = Layer.provide(Cache.layer, [Store.layerMemory, Reporter.layerNoop])
      const call = Cache.withCache(
        Effect.zipRight(
          built,
          Effect.sync(() => ++runs)
        ),
        CountKey(1)
      )
      let runs = 0
      yield* Effect.provide(Effect.zip(call, call), layer)
      strictEqual(runs, 1)
      yield* Effect.zip(Effect.provide(call, layer), Effect.provide(call, layer))
      strictEqual(runs, 3)
    }).pipe(under(Layer.empty))
  )

  it.scoped("tells of one miss and of everybody who joined", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const { tags } = yield* recordEvents
      const calls = yield* Effect.fork(together(times(4, Cache.withCache(source.lookup, key))))
      yield* held.begun
      yield* held.answer
      yield* Fiber.join(calls)
      expect(yield* tags).toEqual(["Miss", "Joined", "Joined", "Joined", "LookupSucceeded", "Stored"])
    }).pipe(under(plain()))
  )
})
