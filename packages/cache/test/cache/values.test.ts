import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, Store } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { plain, recording, Reports } from "../support/caches.js"
import { settle, under } from "../support/time.js"

class User extends Schema.Class<User>("User")({
  id: Schema.Number,
  born: Schema.Date,
  tags: Schema.Set(Schema.String)
}) {
  get label() {
    return `user ${this.id}`
  }
}

const Tree = Schema.Struct({ list: Schema.mutable(Schema.Array(Schema.Number)), at: Schema.DateFromSelf })
const strings = ["", "123", "null", "true", "undefined", "NaN", '{"$":"none"}', "\u0000\n🥕\ud800"]

const values: ReadonlyArray<readonly [name: string, schema: Schema.Schema.AnyNoContext, value: unknown]> = [
  ["null", Schema.Null, null],
  ["undefined", Schema.Undefined, undefined],
  ["nothing", Schema.Void, undefined],
  ["false", Schema.Boolean, false],
  ["0", Schema.Number, 0],
  ["-0", Schema.Number, -0],
  ["NaN", Schema.Number, NaN],
  ["-Infinity", Schema.Number, -Infinity],
  ...strings.map((text) => [`the text ${JSON.stringify(text)}`, Schema.String, text] as const),
  ["a date", Schema.DateFromSelf, new Date(1e12)],
  ["a date that is a text in the store", Schema.Date, new Date(1e12)],
  ["a bigint", Schema.BigIntFromSelf, 2n ** 70n],
  ["bytes", Schema.Uint8ArrayFromSelf, new Uint8Array([0, 255, 10, 13])],
  ["a map", Schema.MapFromSelf({ key: Schema.Number, value: Schema.NullOr(Schema.String) }), new Map([[1, null]])],
  ["a set", Schema.SetFromSelf(Schema.Number), new Set([1, NaN])],
  ["none", Schema.OptionFromSelf(Schema.Number), Option.none()],
  ["some undefined", Schema.OptionFromSelf(Schema.Undefined), Option.some(undefined)],
  ["some some", Schema.Option(Schema.Option(Schema.Number)), Option.some(Option.some(0))],
  ["left", Schema.EitherFromSelf({ left: Schema.String, right: Schema.Null }), Either.left("no")],
  ["right", Schema.Either({ left: Schema.String, right: Schema.Null }), Either.right(null)],
  ["an instance", User, new User({ id: 7, born: new Date(5), tags: new Set(["a"]) })],
  ["instances in an array", Schema.Array(User), [new User({ id: 7, born: new Date(5), tags: new Set() })]],
  ["an object without a shape", Schema.Unknown, { a: undefined, b: [null, { $: "none" }], toJSON: 1 }],
  ["a large array", Schema.Array(Schema.Number), Array.from({ length: 10_000 }, (_, i) => i / 3)]
]

const lines = Effect.flatMap(Reports, (reports) => reports.lines)

describe("Cache / values", () => {
  for (const [name, schema, value] of values) {
    it.effect(`${name}: equal and of the same type on a miss, for who joined and on a hit`, () =>
      Effect.gen(function* () {
        let runs = 0
        const lookup = Effect.sync(() => (runs++, value)).pipe(Effect.zipLeft(Effect.yieldNow()))
        const call = Cache.withCache(lookup, CacheKey.make({ prefix: "v", key: () => ["x"], schema })())
        const [missed, joined] = yield* Effect.all([call, call], { concurrency: 2 })
        yield* settle
        const hit = yield* call
        strictEqual(runs, 1)
        for (const answer of [missed, joined, hit]) {
          deepStrictEqual(answer, value)
          strictEqual(Object.is(answer, value) || typeof value === "object", true)
          if (typeof value === "object" && value !== null) {
            strictEqual(Object.getPrototypeOf(answer), Object.getPrototypeOf(value))
          }
        }
        deepStrictEqual(yield* lines, [])
      }).pipe(under(plain()))
    )
  }

  it.effect("what one caller does to its value is not seen by who joined, by a later caller, or in a batch", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const Key = CacheKey.make({ prefix: "trees", key: (id: number) => ["id", id], schema: Tree })
      const lookup = Effect.yieldNow().pipe(Effect.as({ list: [1], at: new Date(5) }))
      const spoiled = Effect.map(Cache.withCache(lookup, Key(1)), (tree) => {
        const seen = [tree.list.length, tree.at.getTime()]
        tree.list.push(2)
        tree.at.setTime(0)
        return seen
      })
      const seen = yield* Effect.all([spoiled, spoiled, spoiled], { concurrency: 3 })
      deepStrictEqual(new Set(seen.map(String)), new Set(["1,5"]))
      yield* settle
      for (let i = 0; i < 3; i++) deepStrictEqual(yield* spoiled, [1, 5])
      const [tree] = yield* cache.getMany([1], { key: Key, lookup: () => Effect.succeed([]) })
      deepStrictEqual(tree, { list: [1], at: new Date(5) })
    }).pipe(under(plain()))
  )

  it.effect("a value that is set is not changed by what its owner does to it later", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const key = CacheKey.make({ prefix: "trees", key: () => ["x"], schema: Tree })()
      const mine = { list: [1], at: new Date(5) }
      yield* cache.set(key, mine)
      mine.list.push(2)
      deepStrictEqual(yield* Cache.withCache(Effect.succeed(mine), key), { list: [1], at: new Date(5) })
    }).pipe(under(plain()))
  )

  it.effect("what another instance stored meanwhile is not shared by who joined", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      const key = CacheKey.make({ prefix: "trees", key: () => ["x"], schema: Tree })()
      const instance = (over: typeof store) =>
        Effect.map(
          Layer.build(Cache.layer.pipe(Layer.provide([Layer.succeed(Store.Store, over), recording]))),
          (built) => Effect.provide(built)
        )
      const other = yield* instance(store)
      const lookup = Effect.sync(() => ({ list: [1], at: new Date(5) }))
      // Between this instance's read and its lease, the other one stores the value.
      const late = yield* instance({
        ...store,
        lease: (requests) =>
          Cache.withCache(lookup, key, { awaitWrite: true }).pipe(other, Effect.zipRight(store.lease(requests)))
      })
      const call = Cache.withCache(Effect.die("never looked up"), key).pipe(late)
      const [first, joined] = yield* Effect.all([call, call], { concurrency: 2 })
      first.list.push(2)
      deepStrictEqual(joined.list, [1])
    }).pipe(Effect.scoped, under(plain()))
  )
})

describe("Cache / a fresh value that cannot be stored", () => {
  const throwing = Schema.transform(Schema.String, Schema.String, {
    decode: (text) => text,
    encode: () => {
      throw new Error("a transformation with a bug")
    }
  })
  const dying = Schema.transformOrFail(Schema.String, Schema.String, {
    decode: ParseResult.succeed,
    encode: () => Effect.die("a transformation with a bug")
  })
  const circular: { self?: unknown } = {}
  circular.self = circular
  const cases: ReadonlyArray<readonly [name: string, schema: Schema.Schema.AnyNoContext, value: unknown]> = [
    ["its schema rejects it", Schema.Int, 1.5],
    ["one element of its list is rejected", Schema.Array(Schema.Int), [1, "two", 3]],
    ["it is of another type", User, { id: 7 }],
    ["it has no form in JSON", Schema.Any, () => 1],
    ["it is circular", Schema.Any, circular],
    ["the schema throws", throwing, "text"],
    ["the schema dies", dying, "text"]
  ]
  for (const [name, schema, value] of cases) {
    it.effect(`${name}: it is answered, reported and looked up again`, () =>
      Effect.gen(function* () {
        let runs = 0
        const lookup = Effect.sync(() => (runs++, value))
        const call = Cache.withCache(lookup, CacheKey.make({ prefix: "v", key: () => ["x"], schema })())
        strictEqual(yield* call, value)
        yield* settle
        strictEqual(yield* call, value)
        strictEqual(runs, 2)
        deepStrictEqual(yield* lines, ["Codec encode swallowed", "Codec encode swallowed"])
      }).pipe(under(plain()))
    )
  }

  it.effect("the report names what was expected and not the value", () =>
    Effect.gen(function* () {
      const Secret = Schema.Struct({ password: Schema.String.pipe(Schema.minLength(100)) })
      const key = CacheKey.make({ prefix: "v", key: () => ["x"], schema: Secret })()
      yield* Cache.withCache(Effect.succeed({ password: "hunter2" }), key)
      yield* settle
      const [report] = yield* Effect.flatMap(Reports, (reports) => reports.all)
      const text = JSON.stringify(report)
      expect(text).toContain("minLength(100)")
      expect(text).not.toContain("hunter2")
    }).pipe(under(plain()))
  )

  it.effect("a value set by hand that its schema rejects drops the old one, and the mistake is reported", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const key = CacheKey.make({ prefix: "v", key: () => ["x"], schema: Schema.Int })()
      yield* cache.set(key, 1)
      yield* cache.set(key, 1.5)
      expect(yield* cache.get(key)).toEqual(Option.none())
      deepStrictEqual(yield* lines, ["Codec encode swallowed"])
      const waiting = yield* Effect.fork(Cache.withCache(Effect.succeed(2), key))
      strictEqual(yield* Fiber.join(waiting), 2)
    }).pipe(under(plain()))
  )
})
