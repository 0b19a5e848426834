import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, type CachePolicy } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { faulty, plain, Reports } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const User = Schema.Struct({ id: Schema.Number, version: Schema.Number })
const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.OptionFromSelf(User) })
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

class Down extends Data.TaggedError("Down")<{ readonly ids: ReadonlyArray<number> }> {}

/** A table in which every seventh user is missing. It remembers what it was asked for. */
const table = () => {
  const asked: Array<ReadonlyArray<number>> = []
  let version = 0
  let broken: (id: number) => boolean = () => false
  const row = (id: number) => (id % 7 === 0 ? Option.none() : Option.some({ id, version }))
  const lookup = (ids: ReadonlyArray<number>): Effect.Effect<Array<ReturnType<typeof row>>, Down> =>
    Effect.suspend(() => {
      asked.push(ids)
      return ids.some(broken) ? new Down({ ids }) : Effect.succeed(ids.map(row))
    })
  const many = (ids: ReadonlyArray<number>, policy: CachePolicy.CachePolicy = {}, delay = 0) =>
    Effect.flatMap(Cache.Cache, (cache) =>
      cache.getMany(ids, { key: Key, lookup: (some) => Effect.delay(lookup(some), delay), policy })
    )
  const one = (id: number, delay = 0) =>
    Cache.withCache(
      Effect.delay(
        Effect.map(lookup([id]), ([first]) => first!),
        delay
      ),
      Key(id)
    )
  return {
    asked,
    row,
    many,
    one,
    change: () => void version++,
    breaks: (of: typeof broken) => void (broken = of)
  }
}

describe("Cache / getMany", () => {
  it.effect("100 keys, 60 of them present: one read of the store, one lookup for the 40, answers in order", () =>
    Effect.gen(function* () {
      const { asked, many, row } = table()
      yield* many(range(1, 60))
      yield* settle
      const faults = yield* Faults.Faults
      const before = (yield* faults.calls).length
      const shuffled = range(1, 100).map((i) => (i * 37) % 101)
      deepStrictEqual(yield* many(shuffled), shuffled.map(row))
      yield* settle
      deepStrictEqual((yield* faults.calls).slice(before), ["read", "lease", "fill"])
      deepStrictEqual(asked.slice(1), [shuffled.filter((id) => id > 60)])
    }).pipe(under(faulty()))
  )

  it.effect("what the table does not have is stored too", () =>
    Effect.gen(function* () {
      const { asked, many } = table()
      deepStrictEqual(yield* many([7, 14, 21]), [Option.none(), Option.none(), Option.none()])
      yield* settle
      deepStrictEqual(yield* many([21, 14, 7]), [Option.none(), Option.none(), Option.none()])
      strictEqual(asked.length, 1)
    }).pipe(under(plain()))
  )

  it.effect("a key that is asked for twice is looked up once and answered twice", () =>
    Effect.gen(function* () {
      const { asked, many, row } = table()
      deepStrictEqual(yield* many([3, 1, 3, 3, 1]), [3, 1, 3, 3, 1].map(row))
      deepStrictEqual(asked, [[3, 1]])
    }).pipe(under(plain()))
  )

  it.effect("no keys: no read, no lookup, no answers", () =>
    Effect.gen(function* () {
      const { asked, many } = table()
      deepStrictEqual(yield* many([]), [])
      strictEqual(yield* Effect.flatMap(Faults.Faults, (faults) => faults.count), 0)
      strictEqual(asked.length, 0)
    }).pipe(under(faulty()))
  )

  it.effect("joins the lookup of a single call, and a single call joins that of a batch", () =>
    Effect.gen(function* () {
      const { asked, many, one, row } = table()
      const single = yield* Effect.fork(one(1, 10))
      yield* settle
      const batch = yield* Effect.fork(many([2, 1, 3], {}, 10))
      yield* settle
      const late = yield* Effect.fork(Effect.all([one(3, 10), many([3, 2], {}, 10)], { concurrency: 2 }))
      yield* advance(10)
      deepStrictEqual(yield* Fiber.join(single), row(1))
      deepStrictEqual(yield* Fiber.join(batch), [2, 1, 3].map(row))
      deepStrictEqual(yield* Fiber.join(late), [row(3), [3, 2].map(row)])
      deepStrictEqual(asked, [[1], [2, 3]])
    }).pipe(under(plain()))
  )

  it.effect("a single update is seen by every batch that holds its key", () =>
    Effect.gen(function* () {
      const { asked, change, many } = table()
      yield* many([1, 2, 3])
      yield* many([2, 4])
      change()
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(2)))
      const versions = (values: ReadonlyArray<Option.Option<{ version: number }>>) =>
        values.map((value) => Option.getOrThrow(value).version)
      deepStrictEqual(versions(yield* many([1, 2, 3])), [0, 1, 0])
      deepStrictEqual(versions(yield* many([2, 4])), [1, 0])
      deepStrictEqual(asked.slice(2), [[2]])
    }).pipe(under(plain()))
  )

  it.effect("interrupted while it looks up: so is the lookup, unless somebody joined one of its keys", () =>
    Effect.gen(function* () {
      const { asked, many, one, row } = table()
      const alone = yield* Effect.fork(many([1, 2], {}, 10))
      yield* settle
      yield* Fiber.interrupt(alone)
      yield* advance(10)
      deepStrictEqual(asked, [])
      const joined = yield* Effect.fork(many([3, 4], {}, 10))
      yield* settle
      const joiner = yield* Effect.fork(one(4))
      yield* settle
      yield* Fiber.interrupt(joined)
      yield* advance(10)
      deepStrictEqual(yield* Fiber.join(joiner), row(4))
      deepStrictEqual(asked, [[3, 4]])
    }).pipe(under(plain()))
  )

  for (const [name, answer] of [
    ["too few", () => Effect.succeed([Option.none()])],
    ["too many", () => Effect.succeed(range(1, 3).map(() => Option.none()))]
  ] as const) {
    it.effect(`${name} values from the lookup: a defect that says so, nothing stored`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const { many, row } = table()
        for (const mode of [(_: Effect.Effect<any, never, Cache.Cache>) => _, Cache.withoutCache, Cache.withRefresh]) {
          const exit = yield* Effect.exit(mode(cache.getMany([1, 2], { key: Key, lookup: answer })))
          const [defect] = Exit.isFailure(exit) ? [...Cause.defects(exit.cause)] : []
          expect(String(defect)).toContain("getMany: the lookup answered another number of values than ids")
        }
        deepStrictEqual(yield* many([1, 2]), [1, 2].map(row))
      }).pipe(under(plain()))
    )
  }

  it.effect("a failure is that of the whole call, reported once, and what was present stays", () =>
    Effect.gen(function* () {
      const { asked, breaks, many, row } = table()
      yield* many([1, 2])
      breaks((id) => id === 3)
      deepStrictEqual((yield* Effect.flip(many([1, 2, 3, 4]))).ids, [3, 4])
      deepStrictEqual(yield* Effect.flatMap(Reports, (reports) => reports.lines), ["Lookup lookup surfaced"])
      breaks(() => false)
      deepStrictEqual(yield* many([1, 2, 3, 4]), [1, 2, 3, 4].map(row))
      deepStrictEqual(asked, [
        [1, 2],
        [3, 4],
        [3, 4]
      ])
    }).pipe(under(plain()))
  )

  it.effect("keys with an old value fall back on it; the call fails only where a key has none", () =>
    Effect.gen(function* () {
      const { breaks, many, row } = table()
      const policy = { timeToLive: "1 minute", staleIfError: "1 hour", errorBackoff: 0 } as const
      yield* many([1, 2], policy)
      yield* advance("1 minute")
      breaks(() => true)
      deepStrictEqual(yield* many([2, 1], policy), [2, 1].map(row))
      deepStrictEqual((yield* Effect.flip(many([1, 3, 2], policy))).ids, [1, 3, 2])
      deepStrictEqual(yield* Effect.flatMap(Reports, (reports) => reports.lines), [
        "Lookup lookup swallowed",
        "Lookup lookup surfaced"
      ])
    }).pipe(under(plain()))
  )

  it.effect(
    "of three keys one is fresh, one is refreshed behind and one is missing: one lookup each for the latter",
    () =>
      Effect.gen(function* () {
        const { asked, change, many } = table()
        const policy = { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" } as const
        yield* many([1], policy)
        yield* advance("1 minute")
        change()
        yield* many([2], policy)
        change()
        const versions = Effect.map(many([1, 2, 3], policy), (values) =>
          values.map((value) => Option.getOrThrow(value).version)
        )
        deepStrictEqual(yield* versions, [0, 1, 2])
        yield* settle
        deepStrictEqual(yield* versions, [2, 1, 2])
        deepStrictEqual(asked.slice(2).sort(), [[1], [3]])
      }).pipe(under(plain()))
  )
})
