/** What the types of `withInvalidation` and `mutate` promise. */
import { Cache, CacheKey } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "tstyche"

class SqlError extends Schema.TaggedError<SqlError>()("SqlError", {}) {}
class Session extends Context.Tag("app/Session")<Session, { readonly userId: number }>() {}

const NameKey = CacheKey.make({ prefix: "names", key: (id: number) => ["id", id], schema: Schema.String })

declare const insert: Effect.Effect<number, SqlError, Session>
declare const cache: Context.Tag.Service<Cache.Cache>

describe("Cache / withInvalidation", () => {
  it("leaves the value and the error channel exactly as they were, and adds Cache to the requirements", () => {
    type Inserted = Effect.Effect<number, SqlError, Session | Cache.Cache>
    expect(insert.pipe(Cache.withInvalidation({ keys: [NameKey(1)] }))).type.toBe<Inserted>()
    expect(Cache.withInvalidation(insert, { tags: ["team"] }, { prefix: "names" })).type.toBe<Inserted>()
    expect(Effect.void.pipe(Cache.withInvalidation({ tags: ["team"] }))).type.toBe<
      Effect.Effect<void, never, Cache.Cache>
    >()
    expect(cache.mutate(insert, { keys: [NameKey(1)] })).type.toBe<Effect.Effect<number, SqlError, Session>>()
  })

  it("gives the function the result, which there may be none of", () => {
    Cache.withInvalidation(insert, (result) => {
      expect(result).type.toBe<Option.Option<number>>()
      return { keys: Option.toArray(Option.map(result, NameKey)) }
    })
    expect(
      insert.pipe(
        Cache.withInvalidation((result: Option.Option<number>) => ({
          keys: Option.toArray(Option.map(result, NameKey))
        }))
      )
    ).type.toBe<Effect.Effect<number, SqlError, Session | Cache.Cache>>()
  })

  it("is written once for effects of several results", () => {
    const dropsTeam = Cache.withInvalidation({ tags: ["team"] })
    expect(dropsTeam(insert)).type.toBe<Effect.Effect<number, SqlError, Session | Cache.Cache>>()
    expect(dropsTeam(Effect.succeed("Ada"))).type.toBe<Effect.Effect<string, never, Cache.Cache>>()
  })

  it("infers the result in a pipe", () => {
    const inserted = insert.pipe(
      Cache.withInvalidation((result) => {
        expect(result).type.toBe<Option.Option<number>>()
        return {}
      })
    )
    expect(inserted).type.toBe<Effect.Effect<number, SqlError, Session | Cache.Cache>>()
  })

  it("refuses a function of another result, and what is neither keys nor tags", () => {
    expect(Cache.withInvalidation).type.not.toBeCallableWith(insert, (_: Option.Option<string>) => ({}))
    expect(Cache.withInvalidation).type.not.toBeCallableWith(insert, { keys: ["names"] })
  })
})
