import { describe, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, Codec, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { faulty, plain, Reports } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const Old = Schema.Struct({ name: Schema.String })
const Next = Schema.Struct({ name: Schema.String, age: Schema.Number })
const keyOf = <A, I>(schema: Schema.Schema<A, I>) => CacheKey.make({ prefix: "users", key: () => ["id", 1], schema })()
const key = keyOf(Next)
const { shape } = Codec.make(Next)
const operations = Effect.flatMap(Faults.Faults, (faults) => faults.calls)
const lines = Effect.flatMap(Reports, (reports) => reports.lines)

/** Puts bytes where the cache would have put its own, with a good lease. */
const plant = (bytes: Uint8Array) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const request = { key: key.id, shape, tags: key.tags, seen: "*", leaseMillis: 1000, retainMillis: 60_000 }
    const [answer] = yield* store.lease([request])
    if (answer?._tag !== "Granted") return yield* Effect.dieMessage("no lease")
    yield* store.fill([{ lease: answer.lease, learntTags: [], bytes, timeToLiveMillis: 60_000 }])
  })

const utf8 = (text: string) => new TextEncoder().encode(text)
const instants = { createdAtMillis: 0, expiresAtMillis: 60_000, lookupMillis: 1 }
const good = Codec.seal("Value", shape, instants, 'j{"name":"Ada","age":36}')

const bytes: ReadonlyArray<readonly [name: string, bytes: Uint8Array]> = [
  ["no bytes", new Uint8Array()],
  ["bytes of nobody", new Uint8Array([0, 255, 254, 128, 10, 0])],
  ["a text of somebody else", utf8('{"name":"Ada","age":36}')],
  ["an envelope of a later version", utf8(`3s,${shape},0,60000,1\nj{"name":"Ada","age":36}\n`)],
  ["an envelope without instants", utf8(`2s,${shape},soon,later,1\nj{"name":"Ada","age":36}\n`)],
  ["a value of an older shape", Codec.seal("Value", Codec.make(Old).shape, instants, 'j{"name":"Ada"}')],
  ["a value that lacks a part", Codec.seal("Value", shape, instants, 'j{"name":"Ada"}')],
  ["a value with a part of another type", Codec.seal("Value", shape, instants, 'j{"name":"Ada","age":"36"}')],
  ["a value in an unknown format", Codec.seal("Value", shape, instants, 'z{"name":"Ada","age":36}')],
  ["a value with an unknown kind in it", Codec.seal("Value", shape, instants, 'x{"$":"constructor","v":[]}')],
  ...[1, 5, 20, 30, 40, good.length - 1].map((n) => [`the first ${n} bytes of a value`, good.slice(0, n)] as const)
]

describe("Cache / stored bytes", () => {
  it.effect("the bytes these cases are made from are answered", () =>
    Effect.gen(function* () {
      yield* plant(good)
      deepStrictEqual(yield* Cache.withCache(Effect.die("looked up"), key), { name: "Ada", age: 36 })
    }).pipe(under(plain()))
  )

  for (const [name, stored] of bytes) {
    it.effect(`${name}: a miss, reported once, and replaced`, () =>
      Effect.gen(function* () {
        yield* plant(stored)
        let runs = 0
        const call = Cache.withCache(
          Effect.sync(() => ({ name: "Grace", age: ++runs })),
          key
        )
        deepStrictEqual(yield* call, { name: "Grace", age: 1 })
        yield* settle
        deepStrictEqual(yield* lines, ["Codec decode swallowed"])
        deepStrictEqual((yield* operations).slice(2), ["read", "lease", "fill"])
        deepStrictEqual(yield* call, { name: "Grace", age: 1 })
        deepStrictEqual(yield* lines, ["Codec decode swallowed"])
      }).pipe(under(faulty()))
    )
  }

  it.effect("a number that the transport cut short is a miss, reported, and no other number", () =>
    Effect.gen(function* () {
      let runs = 122
      const call = Cache.withCache(
        Effect.sync(() => ++runs),
        keyOf(Schema.Number),
        { awaitWrite: true }
      )
      strictEqual(yield* call, 123)
      const faults = yield* Faults.Faults
      for (const lost of [1, 2, 3, 4]) {
        yield* faults.set({ fault: Faults.truncate({ bytes: -lost }), on: "read" })
        strictEqual(yield* call, 123 + lost)
        strictEqual((yield* lines).length, lost)
      }
      deepStrictEqual([...new Set(yield* lines)], ["Codec decode swallowed"])
      strictEqual(yield* call, 127)
    }).pipe(under(faulty()))
  )

  it.effect("a schema that throws while it reads: a miss, reported, never thrown", () =>
    Effect.gen(function* () {
      let throws = false
      const schema = Schema.transform(Schema.String, Schema.String, {
        decode: (text) => {
          if (throws) throw new Error("a transformation with a bug")
          return text
        },
        encode: (text) => text
      })
      let runs = 0
      const call = Cache.withCache(
        Effect.sync(() => `v${++runs}`),
        keyOf(schema)
      )
      strictEqual(yield* call, "v1")
      yield* settle
      throws = true
      strictEqual(yield* call, "v2")
      deepStrictEqual(yield* lines, ["Codec decode swallowed"])
    }).pipe(under(plain()))
  )
})

describe("Cache / two releases with different schemas", () => {
  it.effect("side by side neither reads the other's values nor replaces them", () =>
    Effect.gen(function* () {
      const runs = { old: 0, next: 0 }
      const old = Cache.withCache(
        Effect.sync(() => ({ name: `old ${++runs.old}` })),
        keyOf(Old)
      )
      const next = Cache.withCache(
        Effect.sync(() => ({ name: `next ${++runs.next}`, age: 1 })),
        keyOf(Next)
      )
      for (let i = 0; i < 5; i++) {
        deepStrictEqual(yield* old, { name: "old 1" })
        deepStrictEqual(yield* next, { name: "next 1", age: 1 })
        yield* advance("1 second")
      }
      deepStrictEqual(runs, { old: 1, next: 1 })
      deepStrictEqual(yield* lines, [])
    }).pipe(under(plain()))
  )

  it.effect("at the same time neither joins the other's lookup", () =>
    Effect.gen(function* () {
      const old = Cache.withCache(Effect.delay(Effect.succeed({ name: "old" }), 10), keyOf(Old))
      const next = Cache.withCache(Effect.delay(Effect.succeed({ name: "next", age: 1 }), 10), keyOf(Next))
      const both = yield* Effect.fork(Effect.all([old, next], { concurrency: 2 }))
      yield* advance(10)
      deepStrictEqual(yield* Fiber.join(both), [{ name: "old" }, { name: "next", age: 1 }])
    }).pipe(under(plain()))
  )

  for (const fall of ["invalidate", "set", "expire"] as const) {
    it.effect(`${fall} by either is seen by both`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        let version = 0
        const old = Cache.withCache(
          Effect.sync(() => ({ name: `v${version}` })),
          keyOf(Old)
        )
        const next = Cache.withCache(
          Effect.sync(() => ({ name: `v${version}`, age: 1 })),
          keyOf(Next)
        )
        for (const by of [keyOf(Old), keyOf(Next)]) {
          yield* Effect.all([old, next])
          version++
          yield* fall === "set" ? cache.set(by as typeof key, { name: `v${version}`, age: 1 }) : cache[fall](by)
          strictEqual((yield* old).name, `v${version}`)
          strictEqual((yield* next).name, `v${version}`)
        }
      }).pipe(under(plain()))
    )
  }
})
