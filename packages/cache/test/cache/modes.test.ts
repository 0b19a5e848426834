import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { AfterCommit, Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { faulty, plain, recordEvents, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)
const operations = Effect.flatMap(Faults.Faults, (faults) => faults.calls)

class Transaction extends Context.Tag("@effect/sql/SqlClient/TransactionConnection")<Transaction, "connection">() {}

const reads = (source: Source.Source) => [
  Cache.withCache(source.lookup, key),
  Effect.flatMap(Cache.Cache, (cache) => cache.getOrSet(key, source.lookup)),
  Effect.map(
    Effect.flatMap(Cache.Cache, (cache) =>
      cache.getMany([1], { key: Key, lookup: () => Effect.map(source.lookup, (value) => [value]) })
    ),
    ([value]) => value!
  )
]

describe("Cache / off", () => {
  const ways: ReadonlyArray<
    readonly [name: string, <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>]
  > = [
    ["withoutCache", Cache.withoutCache],
    ["in a transaction", (self) => Effect.provideService(self, Transaction, "connection") as typeof self],
    [
      "in a transaction of another kind that is over",
      (self) => Effect.provideService(self, AfterCommit.AfterCommit, { keep: () => false }) as typeof self
    ]
  ]
  for (const [name, off] of ways) {
    it.scoped(`${name}: nothing is read or stored or shared, failures are reported, invalidations happen`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const { tags } = yield* recordEvents
        yield* cache.set(key, "cached")
        const before = (yield* operations).length
        deepStrictEqual(yield* Effect.all(reads(source).map(off), { concurrency: "unbounded" }), ["v0", "v0", "v0"])
        strictEqual(yield* off(cache.refresh(key, source.lookup)), "v0")
        assertNone(yield* off(cache.get(key)))
        yield* source.setDown(true)
        for (const read of reads(source)) yield* Effect.flip(off(read))
        deepStrictEqual(yield* lines, ["Lookup lookup surfaced", "Lookup lookup surfaced", "Lookup lookup surfaced"])
        strictEqual((yield* operations).length, before)
        strictEqual((yield* tags).filter((tag) => tag === "Bypassed").length, 5)
        assertSome(yield* cache.get(key), "cached")
        yield* off(cache.invalidate(key))
        assertNone(yield* cache.get(key))
        // What is written here may never be committed: the old value goes, and nothing takes its place.
        yield* cache.set(key, "cached")
        yield* off(cache.set(key, "uncommitted"))
        assertNone(yield* cache.get(key))
        yield* cache.set(key, "cached")
        strictEqual(yield* off(cache.writeThrough(key, Effect.succeed("uncommitted"))), "uncommitted")
        assertNone(yield* cache.get(key))
        yield* cache.set(key, "cached")
        strictEqual(yield* Effect.flip(off(cache.writeThrough(key, Effect.fail("half-way")))), "half-way")
        assertNone(yield* cache.get(key))
      }).pipe(under(faulty()))
    )
  }

  it.effect(
    "the kill switch: lookups run by themselves, invalidations still happen, and nothing old is left behind it",
    () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const [read] = reads(source)
        strictEqual(yield* read!, "v0")
        yield* settle
        yield* cache.setEnabled(false)
        strictEqual(yield* cache.isEnabled, false)
        yield* source.change
        strictEqual(yield* read!, "v1")
        assertNone(yield* cache.get(key))
        yield* cache.invalidate(key)
        yield* cache.setEnabled(true)
        strictEqual(yield* read!, "v1")
        yield* settle
        yield* cache.setEnabled(false)
        yield* source.change
        yield* cache.set(key, "v2")
        strictEqual(yield* cache.writeThrough(Key(2), Effect.succeed("written")), "written")
        yield* cache.setEnabled(true)
        strictEqual(yield* read!, "v2")
      }).pipe(under(plain()))
  )

  it.effect("switched off while a lookup runs: its value is answered", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const held = yield* source.hold
      const reading = yield* Effect.fork(reads(source)[0]!)
      yield* held.begun
      yield* cache.setEnabled(false)
      yield* held.answer
      strictEqual(yield* reading, "v0")
    }).pipe(under(plain()))
  )

  it.effect("with a cache that does nothing every door answers as with one that works", () =>
    Effect.gen(function* () {
      const story = Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const source = yield* Source.make
        const answers: Array<unknown> = []
        const note = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.map(Effect.exit(effect), (exit) => void answers.push(exit))
        for (const read of reads(source)) yield* note(read)
        yield* note(cache.getMany([3, 6, 3], { key: Key, lookup: (ids) => Effect.succeed(ids.map(String)) }))
        yield* source.change
        yield* note(cache.invalidateAll({ keys: [key], tags: ["t"] }))
        for (const read of reads(source)) yield* note(read)
        yield* source.change
        yield* note(cache.set(key, source.current()))
        for (const read of reads(source)) yield* note(read)
        yield* source.change
        yield* note(cache.writeThrough(key, Effect.sync(source.current)))
        yield* note(cache.writeThrough(Key(2), Effect.fail("not written")))
        yield* note(cache.refresh(key, source.lookup))
        yield* note(Cache.withCache(Effect.die("defect"), Key(4)))
        yield* note(Cache.addTags("outside"))
        yield* source.setDown(true)
        yield* note(Cache.withCache(source.lookup, Key(5)))
        yield* note(cache.clear({ prefix: "users" }))
        yield* note(cache.expire(key))
        yield* note(cache.invalidateTags(""))
        // How often it looked up is the one thing that differs.
        return JSON.stringify(answers).replaceAll(/"run":\d+/g, '"run":0')
      })
      const on = yield* story
      strictEqual(yield* Effect.provide(story, Cache.layerNoop), on)
      expect(on).toContain("SourceDown")
    }).pipe(under(plain()))
  )
})

describe("Cache / readOnly and withRefresh", () => {
  it.effect("readOnly answers what is stored, and stores nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      for (const read of reads(source)) strictEqual(yield* Cache.readOnly(read), "v0")
      yield* settle
      strictEqual(source.runs(), 3)
      deepStrictEqual(new Set(yield* operations), new Set(["read"]))
      yield* cache.set(key, "cached", { timeToLive: "1 minute" })
      for (const read of reads(source)) strictEqual(yield* Cache.readOnly(read), "cached")
      const stale = Cache.withCache(source.lookup, key, { staleWhileRevalidate: "1 hour" })
      yield* cache.set(key, "cached", { timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      yield* advance("2 minutes")
      strictEqual(yield* Cache.readOnly(stale), "cached")
      yield* settle
      strictEqual(source.runs(), 3)
    }).pipe(under(faulty()))
  )

  it.effect("withRefresh looks up in any case, and others get what it stored", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      for (const [i, read] of reads(source).entries()) {
        yield* cache.set(key, "old")
        yield* source.change
        strictEqual(yield* Cache.withRefresh(read), `v${i + 1}`)
        assertSome(yield* cache.get(key), `v${i + 1}`)
      }
      yield* source.setDown(true)
      for (const read of reads(source)) strictEqual((yield* Effect.flip(Cache.withRefresh(read)))._tag, "SourceDown")
      assertSome(yield* cache.get(key), "v3")
      deepStrictEqual(new Set(yield* lines), new Set(["Lookup refresh surfaced"]))
    }).pipe(under(plain()))
  )
})
