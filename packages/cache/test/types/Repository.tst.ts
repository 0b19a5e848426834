/** What the types of a plan promise: everything is declared, inferred and checked at its own line. */
import { type Cache, Repository } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "tstyche"

class SqlError extends Schema.TaggedError<SqlError>()("SqlError", {}) {}
class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Number }) {}
class Session extends Context.Tag("app/Session")<Session, { readonly userId: number }>() {}
class Locale extends Context.Tag("app/Locale")<Locale, { readonly language: string }>() {}
class Secrets extends Context.Tag("app/Secrets")<Secrets, { readonly key: string }>() {}

const Encrypted = Schema.transformOrFail(Schema.String, Schema.String, {
  decode: (text) => Effect.map(Secrets, () => text),
  encode: (text) => Effect.map(Secrets, () => text)
})

class Flags extends Context.Tag("app/Flags")<
  Flags,
  {
    readonly isOn: (slug: string) => Effect.Effect<boolean, SqlError>
    readonly count: Effect.Effect<number, SqlError | NotFound>
    readonly set: (slug: string, on: boolean) => Effect.Effect<{ readonly changed: number }, SqlError>
    readonly table: string
  }
>() {}

const rest = { count: "uncached", set: "uncached" } as const

class Profiles extends Context.Tag("app/Profiles")<
  Profiles,
  {
    readonly mine: (id: number) => Effect.Effect<string, SqlError, Session | Locale>
    readonly open: (id: number) => Effect.Effect<string, SqlError, Scope.Scope>
  }
>() {}

class Shapes extends Context.Tag("app/Shapes")<
  Shapes,
  {
    readonly optional: (id: number, language?: string) => Effect.Effect<string>
    readonly variadic: (...ids: ReadonlyArray<number>) => Effect.Effect<string>
    readonly overloaded: { (slug: string): Effect.Effect<string>; (id: number): Effect.Effect<number> }
    readonly generic: <A>(value: A) => Effect.Effect<A>
    readonly bounded: <A extends { readonly id: number }>(value: A) => Effect.Effect<A>
    readonly unknown: (id: number) => Effect.Effect<unknown>
  }
>() {}

const shapes = {
  optional: "uncached",
  variadic: "uncached",
  overloaded: "uncached",
  generic: "uncached",
  bounded: "uncached",
  unknown: "uncached"
} as const

describe("Repository / layerCached: what it answers", () => {
  it("is a layer of the same tag that asks for the repository and a cache", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { isOn: { key: (slug) => [slug], schema: Schema.Boolean }, ...rest }
      })
    ).type.toBe<Layer.Layer<Flags, never, Flags | Cache.Cache>>()
  })

  it("asks for what the schemas need", () => {
    expect(
      Repository.layerCached(Shapes, {
        prefix: "shapes",
        methods: { ...shapes, optional: { key: (id) => [id], schema: Encrypted } }
      })
    ).type.toBe<Layer.Layer<Shapes, never, Shapes | Cache.Cache | Secrets>>()
  })
})

describe("Repository / layerCached: inference", () => {
  it("knows arguments and results in every function of a query", () => {
    Repository.layerCached(Flags, {
      prefix: "flags",
      methods: {
        isOn: {
          key: (slug) => {
            expect(slug).type.toBe<string>()
            return [slug]
          },
          schema: Schema.Boolean,
          tags: (slug) => {
            expect(slug).type.toBe<string>()
            return [slug]
          },
          timeToLive: (on) => {
            expect(on).type.toBe<boolean>()
            return on ? 1 : 2
          },
          cacheable: (on) => {
            expect(on).type.toBe<boolean>()
            return on
          }
        },
        ...rest
      }
    })
  })

  it("knows result and arguments in invalidates, and the arguments of each method it names", () => {
    Repository.layerCached(Flags, {
      prefix: "flags",
      methods: {
        isOn: "uncached",
        count: { key: () => ["count"], schema: Schema.Number },
        set: {
          invalidates: (result, slug, on) => {
            expect(result).type.toBe<Option.Option<{ readonly changed: number }>>()
            expect(slug).type.toBe<string>()
            expect(on).type.toBe<boolean>()
            return { tags: [slug], entries: { isOn: [[slug]], count: [[]] } }
          }
        }
      }
    })
  })

  it("knows optional and repeated parameters", () => {
    Repository.layerCached(Shapes, {
      prefix: "shapes",
      methods: {
        ...shapes,
        optional: {
          key: (id, language) => {
            expect(id).type.toBe<number>()
            expect(language).type.toBe<string | undefined>()
            return [id, language ?? "en"]
          },
          schema: Schema.String
        },
        variadic: {
          key: (...ids) => {
            expect(ids).type.toBe<ReadonlyArray<number>>()
            return ["ids", ids]
          },
          schema: Schema.String
        },
        generic: {
          invalidates: () => ({ entries: { optional: [[1], [1, "en"]], variadic: [[], [1, 2]] } })
        }
      }
    })
  })

  it("takes the last signature of an overloaded member", () => {
    Repository.layerCached(Shapes, {
      prefix: "shapes",
      methods: {
        ...shapes,
        overloaded: {
          key: (id) => {
            expect(id).type.toBe<number>()
            return [id]
          },
          schema: Schema.Number
        }
      }
    })
  })
})

describe("Repository / layerCached: what it refuses", () => {
  it("a forgotten method", () => {
    expect(
      Repository.layerCached(Flags, { prefix: "flags", methods: { isOn: "uncached", set: "uncached" } })
    ).type.toRaiseError(/Property 'count' is missing/)
  })

  it("a misspelt method, a member that is no method, and another word than uncached", () => {
    expect(
      Repository.layerCached(Flags, { prefix: "flags", methods: { ...rest, isOn: "uncached", isOm: "uncached" } })
    ).type.toRaiseError("The repository has no effect and no function of effects called isOm")
    expect(
      Repository.layerCached(Flags, { prefix: "flags", methods: { ...rest, isOn: "uncached", table: "uncached" } })
    ).type.toRaiseError("The repository has no effect and no function of effects called table")
    expect(Repository.layerCached(Flags, { prefix: "flags", methods: { ...rest, isOn: "cached" } })).type.toRaiseError(
      /Type '"cached"' is not assignable/
    )
  })

  it("a schema of another type", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (slug) => [slug], schema: Schema.String } }
      })
    ).type.toRaiseError(/Type 'string' is not assignable to type 'boolean'/)
  })

  it("a key function with other arguments", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (id: number) => [id], schema: Schema.Boolean } }
      })
    ).type.toRaiseError(/Types of parameters 'id' and 'slug' are incompatible/)
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (slug: string, on: boolean) => [slug, on], schema: Schema.Boolean } }
      })
    ).type.toRaiseError(/Target signature provides too few arguments/)
  })

  it("a key without parts, and a part that is no part", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: () => [], schema: Schema.Boolean } }
      })
    ).type.toRaiseError(/Source has 0 element\(s\) but target requires 1/)
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (slug) => [BigInt(slug)], schema: Schema.Boolean } }
      })
    ).type.toRaiseError(/Type 'bigint' is not assignable to type 'Part'/)
  })

  it("a query without a key, or without a schema", () => {
    expect(
      Repository.layerCached(Flags, { prefix: "flags", methods: { ...rest, isOn: { schema: Schema.Boolean } } })
    ).type.toRaiseError(/Property 'key' is missing/)
    expect(
      Repository.layerCached(Flags, { prefix: "flags", methods: { ...rest, isOn: { key: (slug) => [slug] } } })
    ).type.toRaiseError(/Property 'schema' is missing/)
  })

  it("an unknown option of a query, of a mutation, and of what a mutation answers", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (slug) => [slug], schema: Schema.Boolean, timeToLve: 5 } }
      })
    ).type.toRaiseError("A query has no option timeToLve")
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { invalidates: () => ({}), timeToLive: 5 } }
      })
    ).type.toRaiseError("A mutation has no option but invalidates, and so no timeToLive")
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { invalidates: (_result, slug) => ({ tagz: [slug] }) } }
      })
    ).type.toRaiseError(/'{ tagz: string\[\]; }' has no properties in common with type 'Dropped/)
  })

  it("a query that is also a mutation", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { key: (slug) => [slug], schema: Schema.Boolean, invalidates: () => ({}) } }
      })
    ).type.toRaiseError(
      "A mutation has no option but invalidates, and so no key",
      "A mutation has no option but invalidates, and so no schema"
    )
  })

  it("an invalidation of a method that is not there, or with other arguments than it takes", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { invalidates: (_result, slug) => ({ entries: { isOm: [[slug]] } }) } }
      })
    ).type.toRaiseError(/'isOm' does not exist/)
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { invalidates: (_result, slug) => ({ entries: { isOn: [[slug, 1]] } }) } }
      })
    ).type.toRaiseError(/Source has 2 element\(s\) but target allows only 1/)
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: { ...rest, isOn: { invalidates: () => ({ entries: { isOn: [[1]] } }) } }
      })
    ).type.toRaiseError(/Type 'number' is not assignable to type 'string'/)
  })

  it("a member that needs a Scope, as a query only", () => {
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { mine: "uncached", open: { key: (id) => [id], schema: Schema.String } }
      })
    ).type.toRaiseError("A member that needs a Scope cannot be cached: its value must not outlive its scope")
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { mine: "uncached", open: { invalidates: (_result, id) => ({ tags: [`profile:${id}`] }) } }
      })
    ).type.not.toRaiseError()
  })

  it("a generic member, or one of unknown results, as a query", () => {
    expect(
      Repository.layerCached(Shapes, {
        prefix: "shapes",
        methods: { ...shapes, generic: { key: (value) => [String(value)], schema: Schema.String } }
      })
    ).type.toRaiseError('A generic member has no one schema: it can only be \\"uncached\\"')
    expect(
      Repository.layerCached(Shapes, {
        prefix: "shapes",
        methods: { ...shapes, bounded: { key: ({ id }) => [id], schema: Schema.Struct({ id: Schema.Number }) } }
      })
    ).type.toRaiseError('A generic member has no one schema: it can only be \\"uncached\\"')
    expect(
      Repository.layerCached(Shapes, {
        prefix: "shapes",
        methods: { ...shapes, unknown: { key: (id) => [id], schema: Schema.Unknown } }
      })
    ).type.toRaiseError('A member of unknown results has no schema: it can only be \\"uncached\\"')
  })

  it("stored failures that the method does not have", () => {
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: {
          ...rest,
          isOn: { key: (slug) => [slug], schema: Schema.Boolean, failures: { schema: NotFound, timeToLive: 5 } }
        }
      })
    ).type.toRaiseError(/Type '"NotFound"' is not assignable to type '"SqlError"'/)
    expect(
      Repository.layerCached(Flags, {
        prefix: "flags",
        methods: {
          isOn: "uncached",
          set: "uncached",
          count: { key: () => ["count"], schema: Schema.Number, failures: { schema: NotFound, timeToLive: 5 } }
        }
      })
    ).type.not.toRaiseError()
  })
})

describe("Repository / layerCached: varies", () => {
  it("is required when a member needs a service of its caller", () => {
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { open: "uncached", mine: { key: (id) => [id], schema: Schema.String } }
      })
    ).type.toRaiseError(/Property 'varies' is missing/)
  })

  it("is nothing, or an effect of the arguments that needs the same services", () => {
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { open: "uncached", mine: { key: (id) => [id], schema: Schema.String, varies: "nothing" } }
      })
    ).type.toBe<Layer.Layer<Profiles, never, Profiles | Cache.Cache>>()
    Repository.layerCached(Profiles, {
      prefix: "profiles",
      methods: {
        open: "uncached",
        mine: {
          key: (id) => [id],
          schema: Schema.String,
          varies: (id) => {
            expect(id).type.toBe<number>()
            return Effect.map(Session, ({ userId }) => [userId])
          }
        }
      }
    })
  })

  it("cannot need a service that the member does not, nor fail, nor say another word", () => {
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: {
          open: "uncached",
          mine: { key: (id) => [id], schema: Schema.String, varies: () => Effect.map(Secrets, ({ key }) => [key]) }
        }
      })
    ).type.toRaiseError(/Type 'Secrets' is not assignable to type 'Session \| Locale'/)
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { open: "uncached", mine: { key: (id) => [id], schema: Schema.String, varies: () => Effect.fail(1) } }
      })
    ).type.toRaiseError(/Type 'number' is not assignable to type 'never'/)
    expect(
      Repository.layerCached(Profiles, {
        prefix: "profiles",
        methods: { open: "uncached", mine: { key: (id) => [id], schema: Schema.String, varies: "everything" } }
      })
    ).type.toRaiseError(/Type '"everything"' is not assignable/)
  })
})
