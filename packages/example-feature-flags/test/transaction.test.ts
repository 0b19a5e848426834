/**
 * The cached repository inside a transaction of `@effect/sql`, on a real database: what a transaction sees may never be
 * committed, so that nobody outside may get it, and what is cached may be older than what the transaction wrote.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Features } from "../src/Features.js"
import * as Queries from "../src/Queries.js"
import { layerFeatures } from "./behaviour.js"

const countOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Queries.counted(effect), ([, count]) => count)

const Key = CacheKey.make({ prefix: "transaction", key: (name: string) => [name], schema: Schema.String })

/** The cache in memory, also to be used beside the repository. */
const layerTransaction = Layer.unwrapScoped(
  Effect.map(Layer.build(Cache.layerMemory), (built) => {
    const cache = Layer.succeedContext(built)
    return Layer.merge(layerFeatures("transaction", cache), cache)
  })
)

layer(layerTransaction, { excludeTestServices: true })("A transaction", (it) => {
  const check = Effect.flatMap(Features, (features) => features.checkIfUserHasFeature(1, "dark-mode"))
  /** Writes past the plan, so that nothing is invalidated but what the transaction itself is the reason for. */
  const write = (enabled: boolean) =>
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql`insert into ${sql("UserFeatures")} ${sql.insert({ userId: 1, slug: "dark-mode", enabled })}
        on conflict ("userId", slug) do update set enabled = excluded.enabled`
    )
  const inTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(effect))
  const fresh = (enabled: boolean) =>
    Effect.flatMap(Features, (features) => features.setUserFeature(1, "dark-mode", enabled ? "enabled" : "disabled"))

  it.effect("reads its own writes although another answer is cached, each time from the database", () =>
    Effect.gen(function* () {
      yield* fresh(false)
      expect(yield* check).toBe(false)
      const [answers, queries] = yield* inTransaction(
        Effect.zipRight(write(true), Queries.counted(Effect.all([check, check])))
      )
      expect({ answers, queries }).toEqual({ answers: [true, true], queries: 2 })
    })
  )

  it.effect("that is rolled back leaves the cached answer as it was, and stores none of its own", () =>
    Effect.gen(function* () {
      for (const cached of [true, false]) {
        yield* fresh(false)
        if (cached) yield* check
        const seen = yield* inTransaction(
          Effect.flatMap(Effect.zipRight(write(true), check), (answer) => Effect.fail({ answer }))
        ).pipe(Effect.flip)
        expect(seen).toEqual({ answer: true })
        const [answer, queries] = yield* Queries.counted(check)
        expect({ cached, answer, queries }).toEqual({ cached, answer: false, queries: cached ? 0 : 1 })
      }
    })
  )

  it.effect("shares no lookup with a caller outside, in either direction, nor at a savepoint within it", () =>
    Effect.gen(function* () {
      yield* fresh(false)
      const sql = yield* SqlClient.SqlClient
      const own = sql<{ enabled: boolean }>`select enabled from ${sql("UserFeatures")} where "userId" = 1`
      const read = Effect.map(own, (rows) => String(rows[0]?.enabled))
      // The embedded database is one session, which the transaction has: who is outside looks up without it.
      for (const outsideFirst of [true, false]) {
        const key = Key(String(outsideFirst))
        const [began, over] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const holds = (looked: string) => Effect.as(Effect.zipRight(Deferred.succeed(began, undefined), over), looked)
        const outside = (outsideFirst ? holds("outside") : Effect.succeed("outside")).pipe(Cache.withCache(key))
        const inside = (outsideFirst ? read : Effect.flatMap(read, holds)).pipe(Cache.withCache(key))
        const atSavepoint = sql.withTransaction(read.pipe(Cache.withCache(key)))
        const both = Effect.map(Effect.zip(inside, atSavepoint), (answers) => answers.join())
        const transaction = sql.withTransaction(Effect.zipRight(write(true), both))
        const [first, second]: [typeof transaction, typeof transaction] = outsideFirst
          ? [outside, transaction]
          : [transaction, outside]
        const holding = yield* Effect.fork(first)
        yield* Deferred.await(began)
        const other = yield* Effect.timeout(second, "5 seconds")
        yield* Deferred.succeed(over, undefined)
        const held = yield* Fiber.join(holding)
        expect({ outsideFirst, held, other }).toEqual({
          outsideFirst,
          held: outsideFirst ? "outside" : "true,true",
          other: outsideFirst ? "true,true" : "outside"
        })
        expect(yield* Effect.succeed("looked up").pipe(Cache.withCache(key))).toBe("outside")
      }
    })
  )

  it.effect("invalidates what its mutation names also when it is rolled back, and stores nothing of it", () =>
    Effect.gen(function* () {
      yield* fresh(false)
      yield* check
      expect(yield* countOf(check)).toBe(0)
      yield* Effect.flip(
        inTransaction(Effect.zipRight(Effect.zipRight(fresh(true), check), Effect.fail("rolled back")))
      )
      const [answer, queries] = yield* Queries.counted(check)
      expect({ answer, queries }).toEqual({ answer: false, queries: 1 })
    })
  )
})
