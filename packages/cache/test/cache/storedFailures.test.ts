import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { plain, recordEvents, Reports } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)
const clearReports = Effect.flatMap(Reports, (reports) => reports.clear)

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Number, at: Schema.Date }) {}
class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

describe("Cache / failures in the policy", () => {
  const failures = { schema: NotFound, timeToLive: "10 seconds" } as const
  const policy = { timeToLive: "1 minute", failures } as const

  /** Fails with what it is told to; counts its runs. */
  const failing = () => {
    let runs = 0
    let error: NotFound | Broken | undefined = new NotFound({ id: 7, at: new Date(5) })
    return {
      runs: () => runs,
      with: (next: typeof error) => void (error = next),
      lookup: Effect.suspend(() => {
        runs++
        return error === undefined ? Effect.succeed("v") : Effect.fail(error)
      })
    }
  }

  it.effect("a stored failure is read back with its own type, for its own time to live", () =>
    Effect.gen(function* () {
      const source = failing()
      const call = Cache.withCache(source.lookup, key, policy)
      const fresh = yield* Effect.flip(call)
      yield* settle
      const { tags } = yield* recordEvents
      yield* advance(9999)
      const stored = yield* Effect.flip(call)
      strictEqual(source.runs(), 1)
      expect(stored).toBeInstanceOf(NotFound)
      deepStrictEqual(stored, fresh)
      deepStrictEqual(yield* tags, ["Hit"])
      yield* advance(1)
      source.with(undefined)
      strictEqual(yield* call, "v")
      yield* advance("59 seconds")
      strictEqual(yield* call, "v")
      strictEqual(source.runs(), 2)
    }).pipe(Effect.scoped, under(plain()))
  )

  for (const [mode, off] of [
    ["on", false],
    ["off", true]
  ] as const) {
    it.effect(
      `a failure that its schema describes is an answer and no report, one that it does not is one, cache ${mode}`,
      () =>
        Effect.gen(function* () {
          yield* Effect.flatMap(Cache.Cache, (cache) => cache.setEnabled(!off))
          const source = failing()
          const call = Cache.withCache(source.lookup, key, { ...policy, failures: { ...failures, timeToLive: 0 } })
          const calls = [call, Cache.withRefresh(call)]
          for (const one of calls) expect(yield* Effect.flip(one)).toBeInstanceOf(NotFound)
          deepStrictEqual(yield* lines, [])
          source.with(new Broken())
          for (const one of calls) expect(yield* Effect.flip(one)).toBeInstanceOf(Broken)
          strictEqual((yield* lines).filter((line) => line.endsWith("surfaced")).length, 2)
        }).pipe(under(plain()))
    )
  }

  it.effect("a failure that its schema does not describe, or that is not cacheable, is not stored", () =>
    Effect.gen(function* () {
      const source = failing()
      const call = Cache.withCache(source.lookup, key, policy)
      source.with(new Broken())
      strictEqual((yield* Effect.flip(call))._tag, "Broken")
      strictEqual((yield* Effect.flip(call))._tag, "Broken")
      strictEqual(source.runs(), 2)
      source.with(new NotFound({ id: 8, at: new Date(0) }))
      const choosy = { ...policy, failures: { ...failures, cacheable: (error: NotFound) => error.id !== 8 } }
      const picky = Cache.withCache(source.lookup, Key(2), choosy)
      yield* Effect.flip(picky)
      yield* Effect.flip(picky)
      strictEqual(source.runs(), 4)
    }).pipe(under(plain()))
  )

  it.effect("a call whose policy stores no failures does not get a stored one", () =>
    Effect.gen(function* () {
      const source = failing()
      yield* Effect.flip(Cache.withCache(source.lookup, key, policy))
      yield* settle
      source.with(undefined)
      strictEqual(yield* Cache.withCache(source.lookup, key), "v")
      deepStrictEqual(yield* lines, [])
    }).pipe(under(plain()))
  )

  const standIns = [
    ["stands in for the failure", { staleIfError: "1 hour" }, "1 minute", 0],
    ["is answered while a refresh fails behind", { staleWhileRevalidate: "1 hour" }, "1 minute", 0],
    ["is fresh while a refresh ahead fails", { refreshAhead: 1e6 }, "30 seconds", 10]
  ] as const
  for (const [situation, window, after, lookupMillis] of standIns) {
    it.effect(`a failure is not stored over a value that ${situation}`, () =>
      Effect.gen(function* () {
        const source = failing()
        source.with(undefined)
        const lookup = Effect.zipRight(Effect.sleep(lookupMillis), source.lookup)
        const call = Cache.withCache(lookup, key, { ...policy, ...window, errorBackoff: 0 })
        yield* Effect.fork(call)
        yield* advance(lookupMillis)
        yield* advance(after)
        source.with(new NotFound({ id: 7, at: new Date(5) }))
        yield* clearReports
        for (let i = 0; i < 3; i++) {
          const caller = yield* Effect.fork(call)
          yield* advance(lookupMillis)
          strictEqual(yield* Fiber.join(caller), "v")
        }
        strictEqual(source.runs(), 4)
        strictEqual(
          (yield* lines).every((line) => line.endsWith("swallowed")),
          true
        )
      }).pipe(Effect.withRandom(Random.fixed([0.5])), under(plain()))
    )
  }
})
