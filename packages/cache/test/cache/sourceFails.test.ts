import { describe, expect, it } from "@effect/vitest"
import { assertNone, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, type CachePolicy } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { plain, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)

/** A source with `v0` of it in the cache. */
const primed = (policy: CachePolicy.CachePolicy<string>) =>
  Effect.gen(function* () {
    const source = yield* Source.make
    const call = Cache.withCache(source.lookup, key, { timeToLive: "1 minute", ...policy })
    strictEqual(yield* call, "v0")
    yield* settle
    yield* source.setDown(true)
    return { source, call }
  })

describe("Cache / a lookup that fails", () => {
  it.effect("30 calls in a burst share one run and its failure, which is reported once", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const calls = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 30 }, () => Effect.flip(Cache.withCache(source.lookup, key))),
          { concurrency: "unbounded" }
        )
      )
      yield* held.begun
      yield* held.fail
      const failures = yield* Fiber.join(calls)
      strictEqual(failures.length, 30)
      expect(new Set(failures).size).toBe(1)
      strictEqual(failures[0]!._tag, "SourceDown")
      strictEqual(source.runs(), 1)
      deepStrictEqual(yield* lines, ["Lookup lookup surfaced"])
    }).pipe(under(plain()))
  )

  it.effect("a failure is not stored: the next call looks up again, and gets the value", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const call = Cache.withCache(source.lookup, key)
      yield* source.setDown(true)
      strictEqual((yield* Effect.flip(call)).run, 1)
      strictEqual((yield* Effect.flip(call)).run, 2)
      assertNone(yield* cache.get(key))
      yield* source.setDown(false)
      strictEqual(yield* call, "v0")
    }).pipe(under(plain()))
  )

  it.effect("a defect dies in every caller, is reported once and is not stored", () =>
    Effect.gen(function* () {
      let runs = 0
      const call = Effect.suspend(() => Effect.zipRight(Effect.sleep(10), Effect.die(`defect ${++runs}`))).pipe(
        Cache.withCache(key)
      )
      const both = yield* Effect.fork(Effect.all([Effect.exit(call), Effect.exit(call)], { concurrency: 2 }))
      yield* advance(10)
      deepStrictEqual(yield* Fiber.join(both), [Exit.die("defect 1"), Exit.die("defect 1")])
      deepStrictEqual(yield* lines, ["Lookup lookup surfaced"])
      const again = yield* Effect.fork(Effect.exit(call))
      yield* advance(10)
      deepStrictEqual(yield* Fiber.join(again), Exit.die("defect 2"))
    }).pipe(under(plain()))
  )

  it.effect("a lookup that throws before it is an effect dies in its caller, and the next call is answered", () =>
    Effect.gen(function* () {
      let throws = true
      const call = Effect.suspend(() => {
        if (throws) throw new RangeError("no effect came of it")
        return Effect.succeed("v")
      }).pipe(Cache.withCache(key))
      expect(Exit.isFailure(yield* Effect.exit(call))).toBe(true)
      throws = false
      strictEqual(yield* call, "v")
    }).pipe(under(plain()))
  )
})

describe("Cache / staleIfError", () => {
  const policy = { staleIfError: "1 hour", errorBackoff: 0 } as const
  const minute = 60_000
  const hour = 60 * minute
  const cases = [
    [minute - 1, "v0", 1],
    [minute, "v0", 2],
    [minute + hour - 1, "v0", 2],
    [minute + hour, "SourceDown", 2]
  ] as const
  for (const [age, answer, runs] of cases) {
    it.effect(`a value of ${age} ms with an hour after its minute: ${answer} after ${runs} lookups`, () =>
      Effect.gen(function* () {
        const { call, source } = yield* primed(policy)
        yield* advance(age)
        strictEqual(yield* Effect.catchAll(call, (error) => Effect.succeed(error._tag)), answer)
        strictEqual(source.runs(), runs)
        const seen = answer === "v0" ? "swallowed" : "surfaced"
        deepStrictEqual(yield* lines, runs === 1 ? [] : [`Lookup lookup ${seen}`])
      }).pipe(under(plain()))
    )
  }

  it.effect("a window that ends while the lookup runs is over", () =>
    Effect.gen(function* () {
      const { call, source } = yield* primed(policy)
      yield* advance(minute + hour - 1)
      const held = yield* source.hold
      const caller = yield* Effect.fork(Effect.flip(call))
      yield* held.begun
      yield* advance(1)
      yield* held.fail
      strictEqual((yield* Fiber.join(caller))._tag, "SourceDown")
    }).pipe(under(plain()))
  )

  it.effect("a defect is answered with the old value, and reported", () =>
    Effect.gen(function* () {
      const { call } = yield* primed(policy)
      const dying = Cache.withCache(Effect.dieMessage("broken"), key, { timeToLive: "1 minute", ...policy })
      yield* advance(minute)
      strictEqual(yield* dying, "v0")
      deepStrictEqual(yield* lines, ["Lookup lookup swallowed"])
      strictEqual(yield* call, "v0")
    }).pipe(under(plain()))
  )

  it.effect("an invalidated value never stands in, and lookups are not held back after it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const { call, source } = yield* primed({ staleIfError: "1 hour", errorBackoff: "1 hour" })
      yield* advance(minute)
      strictEqual(yield* call, "v0")
      yield* cache.invalidate(key)
      strictEqual((yield* Effect.flip(call))._tag, "SourceDown")
      yield* source.setDown(false)
      strictEqual(yield* call, "v0")
      strictEqual(source.runs(), 4)
    }).pipe(under(plain()))
  )
})

describe("Cache / errorBackoff", () => {
  for (const window of ["staleIfError", "staleWhileRevalidate"] as const) {
    it.effect(`expired an hour ago with ${window}: one lookup in 10 seconds, counted from the failure`, () =>
      Effect.gen(function* () {
        const { call, source } = yield* primed({ [window]: "3 hours", errorBackoff: "10 seconds" })
        yield* advance("61 minutes")
        for (let second = 0; second < 60; second++) {
          strictEqual(yield* call, "v0")
          yield* advance("1 second")
        }
        strictEqual(source.runs() - 1, 6)
        expect(new Set(yield* lines).size).toBe(1)
      }).pipe(under(plain()))
    )
  }

  it.effect("a success ends it", () =>
    Effect.gen(function* () {
      const { call, source } = yield* primed({ staleIfError: "1 hour", errorBackoff: "10 minutes" })
      yield* advance("1 minute")
      strictEqual(yield* call, "v0")
      yield* source.setDown(false)
      yield* source.change
      strictEqual(yield* call, "v0")
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.refresh(key, source.lookup, { timeToLive: "1 minute" }))
      strictEqual(yield* call, "v1")
      yield* source.change
      yield* advance("1 minute")
      strictEqual(yield* call, "v2")
    }).pipe(under(plain()))
  )
})

describe("Cache / softTimeout", () => {
  const policy = { staleIfError: "1 hour", softTimeout: "50 millis", errorBackoff: "10 seconds" } as const

  it.effect("a lookup that fails after it is reported once, nothing is stored, and the old value stays", () =>
    Effect.gen(function* () {
      const { call, source } = yield* primed(policy)
      yield* advance("1 minute")
      const held = yield* source.hold
      const callers = yield* Effect.fork(Effect.all([call, call, call], { concurrency: 3 }))
      yield* held.begun
      yield* advance("49 millis")
      expect(yield* Fiber.poll(callers)).toMatchObject({ _tag: "None" })
      yield* advance("1 millis")
      deepStrictEqual(yield* Fiber.join(callers), ["v0", "v0", "v0"])
      deepStrictEqual(yield* lines, [])
      yield* held.fail
      yield* settle
      deepStrictEqual(yield* lines, ["Lookup lookup swallowed"])
      strictEqual(yield* call, "v0")
      strictEqual(source.runs(), 2)
      yield* advance("10 seconds")
      yield* source.setDown(false)
      yield* source.change
      strictEqual(yield* call, "v1")
    }).pipe(under(plain()))
  )

  it.effect("a lookup that succeeds after it is stored", () =>
    Effect.gen(function* () {
      const { call, source } = yield* primed(policy)
      yield* advance("1 minute")
      yield* source.change
      const held = yield* source.hold
      const caller = yield* Effect.fork(call)
      yield* held.begun
      yield* advance("50 millis")
      strictEqual(yield* Fiber.join(caller), "v0")
      yield* held.answer
      yield* settle
      strictEqual(yield* call, "v1")
      strictEqual(source.runs(), 2)
    }).pipe(under(plain()))
  )

  it.effect("without an old value it does not apply: the caller waits", () =>
    Effect.gen(function* () {
      const source = yield* Source.make
      const held = yield* source.hold
      const caller = yield* Effect.fork(Cache.withCache(source.lookup, key, policy))
      yield* held.begun
      yield* advance("10 seconds")
      yield* held.answer
      strictEqual(yield* Fiber.join(caller), "v0")
    }).pipe(under(plain()))
  )
})
