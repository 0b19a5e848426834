import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

class Told extends Context.Tag("test/Told")<Told, { readonly lines: Effect.Effect<ReadonlyArray<string>> }>() {}

/** What was told, in its order: `failed` of an operation, or for how many milliseconds it had not worked. */
const telling = (recovered?: Reporter.Reporter["Type"]["recovered"]) =>
  Layer.effectContext(
    Effect.sync(() => {
      const lines: Array<string> = []
      return Context.make(Reporter.Reporter, {
        report: ({ cache, operation }) => Effect.sync(() => void lines.push(`${cache}: ${operation} failed`)),
        recovered:
          recovered ??
          (({ cache, millis, operation }) =>
            Effect.sync(() => void lines.push(`${cache}: ${operation} works after ${millis}`)))
      }).pipe(Context.add(Told, { lines: Effect.as(settle, lines) }))
    })
  )

const faulty = (options: Cache.Options = {}, reporter = telling()) =>
  Cache.layerWith(options).pipe(
    Layer.provideMerge(Layer.merge(Layer.provide(Faults.layer, Store.layerMemory), reporter))
  )

const lines = Effect.flatMap(Told, (told) => told.lines)
const call = (id = 1) => Cache.withCache(Effect.succeed("v"), Key(id), { timeToLive: 0 })
const outage = (on?: Faults.Operation) =>
  Effect.flatMap(Faults.Faults, (faults) =>
    faults.set({ fault: Faults.fail(), span: "onwards", ...(on === undefined ? {} : { on }) })
  )
const back = Effect.flatMap(Faults.Faults, (faults) => faults.clear)

describe("Cache / the end of a row of failures", () => {
  it.effect("is told once for each row that was told, with how long it lasted", () =>
    Effect.gen(function* () {
      yield* outage()
      for (let i = 0; i < 100; i++) yield* call()
      yield* advance("1 minute")
      yield* back
      expect(yield* lines).toEqual(["users: read failed"])
      yield* advance("3 seconds")
      yield* call()
      yield* call()
      expect(yield* lines).toEqual(["users: read failed", "users: read works after 63000"])
      yield* outage()
      yield* call()
      yield* back
      yield* advance("1 second")
      yield* call()
      expect((yield* lines).slice(2)).toEqual(["users: read failed", "users: read works after 1000"])
    }).pipe(under(faulty()))
  )

  it.effect("waits for the operation that was told of, not for another one", () =>
    Effect.gen(function* () {
      yield* outage("fill")
      yield* Cache.withCache(Effect.succeed("v"), Key(1))
      yield* settle
      for (let id = 2; id < 10; id++) yield* Cache.withCache(Effect.succeed("v"), Key(id))
      expect(yield* lines).toEqual(["users: fill failed"])
      yield* back
      yield* Cache.withCache(Effect.succeed("v"), Key(1))
      expect(yield* lines).toEqual(["users: fill failed", "users: fill works after 0"])
    }).pipe(under(faulty()))
  )

  it.effect("is told of an invalidation when a replay of it is acknowledged", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* outage("invalidate")
      yield* Effect.flip(cache.invalidate(Key(1)))
      yield* back
      yield* advance("1 minute")
      expect(yield* lines).toEqual([
        "users: invalidate failed",
        expect.stringMatching(/^users: invalidate works after \d+$/)
      ])
    }).pipe(under(faulty()))
  )

  it.effect("is told of the place of the journal, beside the store", () => {
    let fails = true
    const save = () => Effect.suspend(() => (fails ? Effect.die(new TypeError("as was asked for")) : Effect.void))
    return Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const write = cache.mutate(Effect.void, { tags: ["t"] })
      yield* write
      fails = false
      yield* advance(5)
      yield* write
      expect(yield* lines).toEqual(["*: save failed", "*: save works after 5"])
    }).pipe(under(faulty({ journal: { load: Effect.succeed(undefined), save } })))
  })

  it.effect("is told again after a reporter that dies at it", () => {
    let times = 0
    const dies = Effect.suspend(() => Effect.die(`${++times}`))
    return Effect.gen(function* () {
      for (let i = 0; i < 2; i++) {
        yield* outage()
        yield* call()
        yield* back
        yield* call()
        yield* settle
      }
      expect(times).toBe(2)
    }).pipe(
      under(
        faulty(
          {},
          telling(() => dies)
        )
      )
    )
  })
})
