import { describe, expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Faults from "../src/Faults.js"
import * as Recorder from "../src/Recorder.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const secret = "the-secret-value"
const find = (id: number) => Cache.withCache(Effect.succeed(secret), Key(id))
const text = Effect.flatMap(Recorder.Recorder, (recorder) => recorder.text)
const story = Effect.flatMap(Recorder.Recorder, (recorder) => recorder.story)
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
const layer = Recorder.layer.pipe(Layer.provide(Store.layerMemory))

describe("Recorder", () => {
  it.effect("each event is a line with its time, in the order in which they happened, without a value or a token", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      yield* find(1)
      yield* find(2)
      yield* TestClock.adjust("2 seconds")
      yield* find(1)
      expect(yield* text).toMatchInlineSnapshot(`
        "1000 ms  Miss V1.users.id.1
        1000 ms  LookupSucceeded V1.users.id.1 in 0 ms
        1000 ms  Stored V1.users.id.1
        1000 ms  Miss V1.users.id.2
        1000 ms  LookupSucceeded V1.users.id.2 in 0 ms
        1000 ms  Stored V1.users.id.2
        3000 ms  Hit V1.users.id.1"
      `)
    }).pipe(Effect.provide(layer))
  )

  it.effect("the text of the same story is the same in every run, and its times begin with the recording", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* Effect.all([find(1), find(1), find(2)], { concurrency: "unbounded" })
        yield* TestClock.adjust("1 minute")
        yield* cache.invalidateAll({ keys: [Key(2), Key(1)], tags: ["b", "a"] })
        return yield* text
      })
      const first = yield* Effect.provide(run, layer)
      yield* TestClock.adjust("1 hour")
      expect(yield* Effect.provide(run, layer)).toBe(first)
      expect(first).toContain("60000 ms  Invalidated keys V1.users.id.1, V1.users.id.2; tags t:a, t:b")
      expect(first).not.toContain(secret)
    })
  )

  it.effect("a report stands between the events where it was made, and says no message", () =>
    Effect.gen(function* () {
      const fails = Effect.fail(new Error(secret)).pipe(Cache.withCache(Key(1)))
      yield* Effect.ignore(fails)
      yield* Effect.exit(Cache.withCache(Effect.die(new TypeError(secret)), Key(2)))
      expect(yield* story).toMatchInlineSnapshot(`
        "Miss V1.users.id.1
        ! Lookup lookup of users surfaced: Error
        LookupFailed V1.users.id.1 in 0 ms
        Miss V1.users.id.2
        ! Lookup lookup of users surfaced: defect TypeError
        LookupFailed V1.users.id.2 in 0 ms"
      `)
      const recorder = yield* Recorder.Recorder
      expect((yield* recorder.failures).map(({ surfaced }) => surfaced)).toEqual([true, true])
    }).pipe(Effect.provide(layer))
  )

  it.effect("what was recorded can be forgotten, and read as data", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.Recorder
      yield* find(1)
      yield* recorder.clear
      expect(yield* recorder.text).toBe("")
      yield* find(1)
      expect(yield* recorder.events).toEqual([{ _tag: "Hit", cache: "users", key: "V1.users.id.1" }])
      expect(yield* recorder.failures).toEqual([])
    }).pipe(Effect.provide(layer))
  )

  it.effect("a cache of any layer can be recorded, and its store too can be made to fail", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail("Rejected"), on: "read" })
      yield* find(1)
      expect((yield* story).split("\n").slice(0, 3)).toEqual([
        "CircuitOpened",
        "StoreFailed read: Rejected",
        "! Store read of users swallowed: StoreError"
      ])
    }).pipe(
      Effect.provide(
        Recorder.around(Cache.layerWith({ breaker: { failures: 1 } })).pipe(
          Layer.provideMerge(Faults.layer.pipe(Layer.provide(Store.layerMemory)))
        )
      )
    )
  )
})

describe("Cache / listen", () => {
  it.effect("hears each event as it happens, until its scope closes", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Cache.listen((event) => heard.push(event._tag))
          yield* find(1)
          expect(heard).toContain("Miss")
        })
      )
      heard.length = 0
      yield* find(1)
      expect(heard).toEqual([])
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.scoped("a listener that throws disturbs neither the call nor the next listener", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      yield* Cache.listen(() => {
        throw new Error("a listener with a bug")
      })
      yield* Cache.listen((event) => heard.push(event._tag))
      expect(yield* find(1)).toBe(secret)
      expect(heard).toContain("LookupSucceeded")
    }).pipe(Effect.provide(Cache.layerMemory))
  )

  it.scoped("hears a cache that somebody wrapped", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const heard: Array<string> = []
      yield* Effect.provideService(
        Cache.listen((event) => heard.push(event._tag)),
        Cache.Cache,
        { ...cache }
      )
      yield* turn
      yield* find(1)
      yield* turn
      expect(heard).toEqual(["Miss", "LookupSucceeded", "Stored"])
    }).pipe(Effect.provide(Cache.layer.pipe(Layer.provide([Store.layerMemory, Reporter.layerNoop]))))
  )
})
