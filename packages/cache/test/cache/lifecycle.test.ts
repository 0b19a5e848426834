import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import type { CachePolicy } from "@larder/cache"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { faulty, plain, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id % 2}`]
})
const key = Key(1)

describe("Cache / awaitWrite", () => {
  for (const [awaitWrite, millis] of [
    [false, 0],
    [true, 100]
  ] as const) {
    it.effect(`${awaitWrite}: the caller of a miss waits ${millis} ms for a write that takes 100 ms`, () =>
      Effect.gen(function* () {
        yield* Effect.flatMap(Faults.Faults, (f) => f.set({ fault: Faults.delay("100 millis"), on: "fill" }))
        const call = Cache.withCache(Effect.succeed("v"), key, { awaitWrite })
        const ended = yield* Effect.fork(Effect.zipRight(call, Clock.currentTimeMillis))
        yield* advance(1000)
        strictEqual(yield* Fiber.join(ended), millis)
      }).pipe(under(faulty()))
    )
  }
})

describe("Cache / the budget of the store", () => {
  it.effect("an awaited write is waited for only as long as reading and leasing have left of it", () =>
    Effect.gen(function* () {
      yield* Effect.flatMap(Faults.Faults, (f) => f.set({ fault: Faults.delay("150 millis"), span: "onwards" }))
      const cache = yield* Cache.Cache
      const call = Cache.withCache(Effect.succeed("v"), key, { awaitWrite: true })
      const ended = yield* Effect.fork(Effect.zipRight(call, Clock.currentTimeMillis))
      yield* advance(1000)
      strictEqual(yield* Fiber.join(ended), 400)
      const stored = yield* Effect.fork(cache.get(key))
      yield* advance(1000)
      strictEqual((yield* Fiber.join(stored))._tag, "Some")
    }).pipe(under(faulty()))
  )
})

describe("Cache / waitUntil", () => {
  const hook = () => {
    const works: Array<Promise<void>> = []
    const ended: Array<number> = []
    const waitUntil = (work: Promise<void>) => {
      const i = works.push(work)
      void work.then(() => ended.push(i))
    }
    return { works, ended, layer: plain({ waitUntil }) }
  }

  it.effect("is told of a refresh behind an answer, until it has ended, and however it ends", () => {
    const { ended, layer, works } = hook()
    return Effect.gen(function* () {
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key, { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      yield* call
      yield* settle
      const before = works.length
      deepStrictEqual(ended.length, before)
      for (const end of ["answer", "fail"] as const) {
        yield* advance("2 minutes")
        const held = yield* source.hold
        yield* call
        yield* settle
        strictEqual(works.length - ended.length, 1)
        yield* held[end]
        yield* settle
        strictEqual(works.length - ended.length, 0)
      }
      strictEqual(works.length, before + 2)
    }).pipe(under(layer))
  })

  it.effect("that throws is reported, and the call is answered", () =>
    Effect.gen(function* () {
      strictEqual(yield* Cache.withCache(Effect.succeed("v"), key), "v")
      deepStrictEqual(yield* Effect.flatMap(Reports, (reports) => reports.lines), ["Policy waitUntil swallowed"])
    }).pipe(
      under(
        plain({
          waitUntil: () => {
            throw new Error("outside of a request")
          }
        })
      )
    )
  )
})

describe("Cache / the end of its scope", () => {
  const policies = {
    "a refresh in the background": { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" },
    "a refresh ahead": { timeToLive: "1 hour", refreshAhead: 1e9 },
    "a lookup left behind": { timeToLive: "1 minute", staleIfError: "1 hour", softTimeout: 10 }
  } as const
  for (const [name, policy] of Object.entries(policies)) {
    it.effect(`interrupts ${name}, and calls after it are answered by their lookups`, () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(plain(), scope)
        const source = yield* Source.make
        const call = Effect.provide(
          Cache.withCache(
            Effect.zipRight(Effect.sleep(1), source.lookup),
            key,
            policy as CachePolicy.CachePolicy<string>
          ),
          context
        )
        yield* Effect.fork(call)
        yield* advance("2 minutes")
        const held = yield* source.hold
        const stale = yield* Effect.fork(call)
        yield* advance(20)
        yield* held.begun
        strictEqual(yield* Fiber.join(stale), "v0")
        yield* Scope.close(scope, Exit.void)
        strictEqual(source.interrupted(), 1)
        yield* advance("1 hour")
        yield* source.change
        for (let i = 1; i <= 3; i++) {
          const late = yield* Effect.fork(call)
          yield* advance(1)
          expect(["v0", "v1"]).toContain(yield* Fiber.join(late))
        }
        const fresh = yield* Effect.fork(Effect.provide(Cache.withCache(source.lookup, Key(2)), context))
        yield* settle
        strictEqual(yield* Fiber.join(fresh), "v1")
        deepStrictEqual(
          yield* Effect.provide(
            Effect.flatMap(Reports, (reports) => reports.lines),
            context
          ),
          []
        )
      }).pipe(Effect.withRandom(Random.fixed([0.5])), under(Layer.empty))
    )
  }

  for (const [name, times] of [
    ["what was answered is stored although the cache closes right behind it", 1],
    ["what many were answered, too", 20]
  ] as const) {
    it.effect(`${name}`, () =>
      Effect.gen(function* () {
        const faults = yield* Faults.Faults
        const cache = yield* Cache.Cache
        const store = yield* Store.Store
        yield* faults.set({ fault: Faults.delay(100), on: "fill", span: "onwards" })
        const short = Effect.scoped(
          Effect.gen(function* () {
            const other = yield* Layer.build(
              Cache.layer.pipe(Layer.provide([Layer.succeed(Store.Store, store), Reporter.layerNoop]))
            )
            const ids = Array.from({ length: times }, (_, id) => id)
            const all = Effect.forEach(ids, (id) => Cache.withCache(Effect.succeed("v"), Key(id)), {
              concurrency: "unbounded"
            })
            return yield* Effect.provide(all, other)
          })
        )
        const ended = yield* Effect.fork(Effect.zipRight(short, Clock.currentTimeMillis))
        yield* advance(1_000)
        strictEqual(yield* Fiber.join(ended), 100)
        for (let id = 0; id < times; id++) strictEqual((yield* cache.get(Key(id)))._tag, "Some")
      }).pipe(under(faulty()))
    )
  }

  it.effect("a store that hangs holds the end up for the time of one operation", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(faulty(), scope)
      const faults = Context.get(context, Faults.Faults)
      yield* faults.set({ fault: Faults.hang, on: "fill", span: "onwards" })
      const ids = Array.from({ length: 20 }, (_, id) => id)
      yield* Effect.forEach(ids, (id) => Effect.provide(Cache.withCache(Effect.succeed("v"), Key(id)), context), {
        concurrency: "unbounded"
      })
      const closed = yield* Effect.fork(Effect.zipRight(Scope.close(scope, Exit.void), Clock.currentTimeMillis))
      yield* advance(10_000)
      strictEqual(yield* Fiber.join(closed), 250)
    }).pipe(under(Layer.empty))
  )

  it.effect("a caller that waits for a lookup is answered, although the cache closes meanwhile", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(faulty(), scope)
      const source = yield* Source.make
      const held = yield* source.hold
      const callers = yield* Effect.fork(
        Effect.all(
          [1, 2, 3].map(() => Effect.provide(Cache.withCache(source.lookup, key), context)),
          {
            concurrency: "unbounded"
          }
        )
      )
      yield* held.begun
      yield* Scope.close(scope, Exit.void)
      deepStrictEqual(yield* Fiber.join(callers), ["v0", "v0", "v0"])
      const calls = yield* Effect.provide(
        Effect.flatMap(Faults.Faults, (faults) => faults.calls),
        context
      )
      strictEqual(calls.filter((operation) => operation === "lease").length, 1)
      expect(calls).toContain("release")
    }).pipe(under(Layer.empty))
  )
})
