import { strictEqual, deepStrictEqual } from "@effect/vitest/utils"
import { describe, it } from "@effect/vitest"
import { Cache, Repository } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

class Flags extends Context.Tag("app/Flags")<
  Flags,
  {
    readonly isOn: (slug: string) => Effect.Effect<boolean>
    readonly set: (slug: string, on: boolean) => Effect.Effect<void, string>
    readonly all: Effect.Effect<ReadonlyArray<string>>
    readonly name: string
  }
>() {}

describe("Repository / layerCached", () => {
  it.effect("a query is answered from the cache until a mutation names it", () => {
    let queries = 0
    const rows = new Map([["dark", true]])
    const live = Layer.succeed(Flags, {
      isOn: (slug) => Effect.sync(() => (queries++, rows.get(slug) ?? false)),
      set: (slug, on) => Effect.sync(() => void rows.set(slug, on)),
      all: Effect.sync(() => [...rows.keys()]),
      name: "flags"
    })
    const cached = Repository.layerCached(Flags, {
      prefix: "flags",
      policy: { timeToLive: "5 minutes" },
      methods: {
        isOn: { key: (slug) => ["global", slug], schema: Schema.Boolean, tags: (slug) => [`flag:${slug}`] },
        set: { invalidates: (_result, slug) => ({ entries: { isOn: [[slug]] } }) },
        all: "uncached"
      }
    }).pipe(Layer.provide(live), Layer.provide(Cache.layerMemory))
    return Effect.gen(function* () {
      const flags = yield* Flags
      strictEqual(yield* flags.isOn("dark"), true)
      strictEqual(yield* flags.isOn("dark"), true)
      strictEqual(queries, 1)
      yield* flags.set("dark", false)
      strictEqual(yield* flags.isOn("dark"), false)
      strictEqual(queries, 2)
      deepStrictEqual(yield* flags.all, ["dark"])
      strictEqual(flags.name, "flags")
    }).pipe(Effect.provide(cached))
  })
})
