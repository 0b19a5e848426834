import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { faulty, plain, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)
const faults = (plan: Faults.Plan) => Effect.flatMap(Faults.Faults, (faults) => faults.set(plan))

const doors = (source: Source.Source) =>
  Effect.map(Cache.Cache, (cache) => ({
    getOrSet: cache.getOrSet(key, source.lookup),
    getMany: cache.getMany([1, 2], { key: Key, lookup: (ids) => Effect.map(source.lookup, (v) => ids.map(() => v)) }),
    refresh: cache.refresh(key, source.lookup),
    writeThrough: cache.writeThrough(key, source.lookup),
    withRefresh: Cache.withRefresh(cache.getOrSet(key, source.lookup)),
    withoutCache: Cache.withoutCache(cache.getOrSet(key, source.lookup))
  }))
const names = ["getOrSet", "getMany", "refresh", "writeThrough", "withRefresh", "withoutCache"] as const

describe("Cache / interruption", () => {
  for (const name of names) {
    it.effect(`${name}: an interrupted caller is interrupted at once, with its lookup, and nobody is told`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const door: Effect.Effect<unknown, unknown> = (yield* doors(source))[name]
        const held = yield* source.hold
        const caller = yield* Effect.fork(door)
        yield* held.begun
        const exit = yield* Fiber.interrupt(caller)
        strictEqual(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause), true)
        strictEqual(source.interrupted(), 1)
        deepStrictEqual(yield* lines, [])
        yield* door
        strictEqual(source.runs(), 2)
      }).pipe(under(plain()))
    )

    it.effect(`${name}: a lookup that interrupts itself interrupts its caller, and nobody is told`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const lookup = Effect.zipRight(source.lookup, Effect.interrupt)
        const door: Effect.Effect<unknown, unknown> = (yield* doors({ ...source, lookup }))[name]
        const exit = yield* Effect.exit(door)
        strictEqual(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause), true)
        deepStrictEqual(yield* lines, [])
        assertNone(yield* Effect.flatMap(Cache.Cache, (cache) => cache.get(key)))
        strictEqual(yield* Cache.withCache(source.lookup, key), "v0")
      }).pipe(under(plain()))
    )
  }

  for (const on of ["read", "lease", "fill"] as const) {
    it.effect(`a caller is interrupted at once while the store is hanging on ${on}`, () =>
      Effect.gen(function* () {
        yield* faults({ fault: Faults.hang, on, span: "onwards" })
        const caller = yield* Effect.fork(Cache.withCache(Effect.succeed("v"), key, { awaitWrite: true }))
        yield* advance(1)
        const interrupting = yield* Effect.fork(Effect.zip(Fiber.interrupt(caller), Clock.currentTimeMillis))
        yield* advance(500)
        const [exit, at] = yield* Fiber.join(interrupting)
        strictEqual(at, 1)
        strictEqual(Exit.isInterrupted(exit), true)
      }).pipe(under(faulty()))
    )
  }

  it.effect("a lease that is granted while its caller is interrupted is given back", () =>
    Effect.gen(function* () {
      yield* faults({ fault: Faults.delay("100 millis"), on: "lease" })
      const call = Cache.withCache(Effect.succeed("v"), key)
      const caller = yield* Effect.fork(call)
      yield* advance(1)
      yield* Effect.fork(Fiber.interrupt(caller))
      yield* advance(200)
      deepStrictEqual(yield* Effect.flatMap(Faults.Faults, ({ calls }) => calls), ["read", "lease", "release"])
      strictEqual(yield* call, "v")
      deepStrictEqual(yield* lines, [])
    }).pipe(under(faulty()))
  )

  it.effect("an interruption is not taken for a failure: no old value stands in, no backoff begins", () =>
    Effect.gen(function* () {
      const policy = { timeToLive: "1 minute", staleIfError: "1 hour", errorBackoff: "1 hour" } as const
      const source = yield* Source.make
      yield* Cache.withCache(source.lookup, key, policy)
      yield* advance("2 minutes")
      const exit = yield* Effect.exit(Cache.withCache(Effect.interrupt, key, policy))
      strictEqual(Exit.isInterrupted(exit), true)
      yield* source.change
      strictEqual(yield* Cache.withCache(source.lookup, key, policy), "v1")
    }).pipe(under(plain()))
  )

  it.effect("a caller that cannot be interrupted gets its value, and the limits of the store hold for it too", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      let seen = ""
      const call = Effect.map(Cache.withCache(source.lookup, key), (value) => void (seen = value))
      const caller = yield* Effect.fork(Effect.uninterruptible(call))
      yield* held.begun
      const interrupting = yield* Effect.fork(Fiber.interrupt(caller))
      yield* settle
      strictEqual(source.interrupted(), 0)
      yield* held.answer
      yield* Fiber.join(interrupting)
      strictEqual(seen, "v0")
      yield* faults({ fault: Faults.hang, span: "onwards" })
      const limited = yield* Effect.fork(
        Effect.uninterruptible(Effect.zipRight(Cache.withCache(source.lookup, Key(2)), Clock.currentTimeMillis))
      )
      yield* advance("2 seconds")
      expect(yield* Fiber.join(limited)).toBeLessThanOrEqual(650)
    }).pipe(under(faulty()))
  )

  it.effect("a caller that cannot be interrupted gets the old value when its soft timeout is over", () =>
    Effect.gen(function* () {
      const policy = { timeToLive: "1 minute", staleIfError: "1 hour", softTimeout: 10 } as const
      yield* Cache.withCache(Effect.succeed("old"), key, policy)
      yield* advance("2 minutes")
      const caller = yield* Effect.fork(Effect.uninterruptible(Cache.withCache(Effect.never, key, policy)))
      yield* advance(10)
      strictEqual(yield* Fiber.join(caller), "old")
    }).pipe(under(plain()))
  )

  it.effect(
    "a time limit of the caller's own is its own error, and interrupts a lookup that nobody else waits for",
    () =>
      Effect.gen(function* () {
        const source = yield* Source.make
        const held = yield* source.hold
        const call = Cache.withCache(source.lookup, key)
        const impatient = yield* Effect.fork(Effect.flip(Effect.timeout(call, 10)))
        const patient = yield* Effect.fork(Effect.flip(Effect.timeout(call, 20)))
        yield* held.begun
        yield* advance(10)
        strictEqual((yield* Fiber.join(impatient))._tag, "TimeoutException")
        strictEqual(source.interrupted(), 0)
        yield* advance(10)
        strictEqual((yield* Fiber.join(patient))._tag, "TimeoutException")
        strictEqual(source.interrupted(), 1)
        deepStrictEqual(yield* lines, [])
      }).pipe(under(plain()))
  )

  it.effect("a mutation that is interrupted has dropped the old value", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      yield* cache.set(key, "old")
      const held = yield* source.hold
      const writing = yield* Effect.fork(cache.writeThrough(key, source.lookup))
      yield* held.begun
      yield* Fiber.interrupt(writing)
      assertNone(yield* cache.get(key))
    }).pipe(under(plain()))
  )

  it.effect("a refresh that is interrupted leaves the old value", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      yield* cache.set(key, "old")
      const held = yield* source.hold
      const refreshing = yield* Effect.fork(cache.refresh(key, source.lookup))
      yield* held.begun
      yield* Fiber.interrupt(refreshing)
      assertSome(yield* cache.get(key), "old")
    }).pipe(under(plain()))
  )

  const halfWay = [
    ["invalidate", "invalidate"],
    ["expire", "expire"],
    ["set", "commit"],
    ["writeThrough", "commit"]
  ] as const
  for (const [door, on] of halfWay) {
    it.effect(`${door}: interrupted half-way it holds all the same, and takes no longer than an operation may`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const call = Cache.withCache(source.lookup, key)
        yield* call
        yield* source.change
        yield* faults({ fault: Faults.hang, on })
        const fences = {
          invalidate: cache.invalidate(key),
          expire: cache.expire(key),
          set: cache.set(key, "v1"),
          writeThrough: cache.writeThrough(key, Effect.succeed("v1"))
        }
        const fence: Effect.Effect<unknown, unknown> = fences[door]
        const falling = yield* Effect.fork(fence)
        yield* advance(10)
        const interrupting = yield* Effect.fork(Effect.zipRight(Fiber.interrupt(falling), Clock.currentTimeMillis))
        yield* advance(1000)
        strictEqual(yield* Fiber.join(interrupting), 250)
        strictEqual(yield* call, "v1")
      }).pipe(under(faulty()))
    )
  }
})
