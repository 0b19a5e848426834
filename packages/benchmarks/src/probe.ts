import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
const User = Schema.Struct({ id: Schema.Number, name: Schema.String, teams: Schema.Array(Schema.Number) })
const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: User })
const key = Key(1)
const lookup = Effect.succeed({ id: 1, name: "Ada", teams: [1, 2, 3] })
const cached = lookup.pipe(Cache.withCache(key))
const n = 200_000
const run = (label: string, e: Effect.Effect<any, any, Cache.Cache>) =>
  Effect.gen(function* () {
    for (let i = 0; i < 20000; i++) yield* e
    const t = process.hrtime.bigint()
    for (let i = 0; i < n; i++) yield* e
    console.log(label, Number(process.hrtime.bigint() - t) / n, "ns")
  })
const main = Effect.gen(function* () {
  yield* run("bare", lookup)
  yield* run("hit", cached)
  yield* run("hit again", cached)
})
await Effect.runPromise(main.pipe(Effect.provide(Layer.provide(Cache.layer, [Store.layerMemory, Reporter.layerNoop]))))
