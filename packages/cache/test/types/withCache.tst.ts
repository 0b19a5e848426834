/** What the types of `withCache`, `CacheKey.make` and the doors of `Cache` promise. */
import { Cache, type CacheError, CacheKey } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "tstyche"

class SqlError extends Schema.TaggedError<SqlError>()("SqlError", {}) {}
class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Number }) {}
class Session extends Context.Tag("app/Session")<Session, { readonly userId: number }>() {}
class Secrets extends Context.Tag("app/Secrets")<Secrets, { readonly key: string }>() {}

const Encrypted = Schema.transformOrFail(Schema.String, Schema.String, {
  decode: (text) => Effect.map(Secrets, () => text),
  encode: (text) => Effect.map(Secrets, () => text)
})

const NameKey = CacheKey.make({ prefix: "names", key: (id: number) => ["id", id], schema: Schema.String })
const SecretKey = CacheKey.make({ prefix: "secrets", key: (id: number) => ["id", id], schema: Encrypted })

declare const find: Effect.Effect<string, SqlError | NotFound, Session>
declare const sure: Effect.Effect<string>
declare const scoped: Effect.Effect<string, SqlError, Scope.Scope | Session>
declare const cache: Context.Tag.Service<Cache.Cache>

describe("Cache / withCache", () => {
  it("leaves the error channel exactly as it was, and adds Cache to the requirements", () => {
    expect(find.pipe(Cache.withCache(NameKey(1)))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Cache.Cache>
    >()
    expect(Cache.withCache(find, NameKey(1))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Cache.Cache>
    >()
    expect(sure.pipe(Cache.withCache(NameKey(1)))).type.toBe<Effect.Effect<string, never, Cache.Cache>>()
  })

  it("takes a policy data-first and data-last", () => {
    expect(Cache.withCache(find, NameKey(1), { timeToLive: "1 minute" })).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Cache.Cache>
    >()
    expect(find.pipe(Cache.withCache(NameKey(1), { timeToLive: "1 minute", staleIfError: 5 }))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Cache.Cache>
    >()
  })

  it("asks for what the schema of the key needs", () => {
    expect(find.pipe(Cache.withCache(SecretKey(1)))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Secrets | Cache.Cache>
    >()
    expect(Cache.withCache(find, SecretKey(1))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Secrets | Cache.Cache>
    >()
  })

  it("refuses an effect that needs a Scope, with a sentence", () => {
    expect(scoped.pipe(Cache.withCache(NameKey(1)))).type.toRaiseError(
      "An effect that needs a Scope cannot be cached: its value must not outlive its scope"
    )
    expect(Cache.withCache(scoped, NameKey(1))).type.toRaiseError(
      "An effect that needs a Scope cannot be cached: its value must not outlive its scope"
    )
    expect(Effect.scoped(scoped).pipe(Cache.withCache(NameKey(1)))).type.toBe<
      Effect.Effect<string, SqlError, Session | Cache.Cache>
    >()
  })

  it("refuses an effect of another type than the key's", () => {
    expect(Effect.succeed(1).pipe(Cache.withCache(NameKey(1)))).type.toRaiseError(
      /Type 'number' is not assignable to type 'string'/
    )
    expect(Cache.withCache(Effect.succeed(1), NameKey(1))).type.toRaiseError(
      /Type 'string' is not assignable to type 'number'/
    )
  })

  it("refuses an unknown option of the policy, and offers the one that was meant", () => {
    expect(find.pipe(Cache.withCache(NameKey(1), { timeToLve: 5 }))).type.toRaiseError(
      /'timeToLve' does not exist in type 'CachePolicy<string, never>'. Did you mean to write 'timeToLive'/
    )
  })

  it("knows the value in the functions of a policy", () => {
    Cache.withCache(NameKey(1), {
      timeToLive: (name) => {
        expect(name).type.toBe<string>()
        return name.length
      },
      tags: (name) => {
        expect(name).type.toBe<string>()
        return [name]
      },
      cacheable: (name) => {
        expect(name).type.toBe<string>()
        return true
      }
    })
  })

  it("stores failures of the lookup, and refuses to store others", () => {
    expect(find.pipe(Cache.withCache(NameKey(1), { failures: { schema: NotFound, timeToLive: 5 } }))).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Cache.Cache>
    >()
    expect(sure.pipe(Cache.withCache(NameKey(1), { failures: { schema: NotFound, timeToLive: 5 } }))).type.toRaiseError(
      "The policy stores failures that the lookup does not have"
    )
    expect(Cache.withCache(sure, NameKey(1), { failures: { schema: NotFound, timeToLive: 5 } })).type.toRaiseError(
      "The policy stores failures that the lookup does not have"
    )
  })
})

describe("Cache / modes and tags", () => {
  it("leave the type of an effect alone", () => {
    expect(Cache.withoutCache(find)).type.toBe<typeof find>()
    expect(Cache.readOnly(find)).type.toBe<typeof find>()
    expect(Cache.withRefresh(find)).type.toBe<typeof find>()
    expect(Cache.addTags("a")).type.toBe<Effect.Effect<void>>()
  })
})

describe("CacheKey / make", () => {
  it("keeps the arguments of the key function", () => {
    expect(NameKey).type.toBeCallableWith(1)
    expect(NameKey).type.not.toBeCallableWith("1")
    expect(NameKey).type.not.toBeCallableWith()
    expect(NameKey(1)).type.toBe<CacheKey.CacheKey<string, string, never>>()
    expect(SecretKey(1)).type.toBe<CacheKey.CacheKey<string, string, Secrets>>()
  })

  it("refuses a key without parts, and a part that is no part", () => {
    expect(CacheKey.make({ prefix: "names", key: () => [], schema: Schema.String })).type.toRaiseError(
      /Source has 0 element\(s\) but target requires 1/
    )
    expect(CacheKey.make({ prefix: "names", key: () => [7n], schema: Schema.String })).type.toRaiseError(
      /Type 'bigint' is not assignable to type 'Part'/
    )
  })

  it("gives the tags function the arguments of the key", () => {
    CacheKey.make({
      prefix: "names",
      key: (id: number) => ["id", id],
      schema: Schema.String,
      tags: (id) => {
        expect(id).type.toBe<number>()
        return [`name:${id}`]
      }
    })
  })
})

describe("Cache / the doors", () => {
  it("carry the errors of the cache where they are explicit", () => {
    expect(cache.get(NameKey(1))).type.toBe<Effect.Effect<Option.Option<string>, CacheError.CacheError>>()
    expect(cache.get(SecretKey(1))).type.toBe<Effect.Effect<Option.Option<string>, CacheError.CacheError, Secrets>>()
    expect(cache.set(NameKey(1), "x")).type.toBe<Effect.Effect<void, CacheError.CacheError>>()
    expect(cache.invalidate(NameKey(1), SecretKey(2))).type.toBe<Effect.Effect<void, CacheError.CacheError>>()
    expect(cache.invalidateTags("a")).type.toBe<Effect.Effect<void, CacheError.CacheError>>()
    expect(cache.expire(NameKey(1))).type.toBe<Effect.Effect<void, CacheError.CacheError>>()
    expect(cache.clear({ prefix: "names" })).type.toBe<Effect.Effect<void, CacheError.CacheError>>()
  })

  it("leave the error channel of a lookup as it was where there is one", () => {
    expect(cache.getOrSet(SecretKey(1), find)).type.toBe<
      Effect.Effect<string, SqlError | NotFound, Session | Secrets>
    >()
    expect(cache.writeThrough(NameKey(1), find)).type.toBe<Effect.Effect<string, SqlError | NotFound, Session>>()
    expect(cache.refresh(NameKey(1), find)).type.toBe<Effect.Effect<string, SqlError | NotFound, Session>>()
    expect(
      cache.getMany([1, 2], {
        key: SecretKey,
        lookup: (ids) => {
          expect(ids).type.toBe<readonly [number, ...Array<number>]>()
          return Effect.map(find, (name) => ids.map(() => name))
        }
      })
    ).type.toBe<Effect.Effect<ReadonlyArray<string>, SqlError | NotFound, Session | Secrets>>()
  })

  it("refuse an effect that needs a Scope", () => {
    expect(cache.getOrSet(NameKey(1), scoped)).type.toRaiseError(/cannot be cached: its value must not outlive/)
    expect(cache.writeThrough(NameKey(1), scoped)).type.toRaiseError(/cannot be cached: its value must not outlive/)
    expect(cache.refresh(NameKey(1), scoped)).type.toRaiseError(/cannot be cached: its value must not outlive/)
    expect(cache.getMany([1], { key: NameKey, lookup: () => Effect.map(scoped, (name) => [name]) })).type.toRaiseError(
      /cannot be cached: its value must not outlive/
    )
  })

  it("refuse a value of another type than the key's", () => {
    expect(cache.set(NameKey(1), 1)).type.toRaiseError(/not assignable/)
  })
})
