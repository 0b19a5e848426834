import { SqlError } from "@effect/sql/SqlError"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Database from "../src/Database.js"
import * as Load from "../src/Load.js"
import * as Queries from "../src/Queries.js"
import * as database from "./database.js"

const one = Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ one: number }>`select 1 as one`)

describe("Database", () => {
  it.live("concurrent statements on the embedded database get their own answers", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const numbers = Array.from({ length: 500 }, (_, n) => n)
      const answers = yield* Effect.forEach(numbers, (n) => sql<{ n: number }>`select ${n}::int as n`, {
        concurrency: "unbounded"
      })
      expect(answers.map(([row]) => row!.n)).toEqual(numbers)
    }).pipe(Effect.provide(Layer.provide(Database.layerClient, database.layerDatabase("unused"))))
  )

  it.live("PostgreSQL's variables of the environment do not reach the embedded database", () =>
    Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() => Object.assign(process.env, { PGSSLMODE: "require", PGHOST: "192.0.2.1", PGUSER: "nobody" })),
        () => Effect.sync(() => ["PGSSLMODE", "PGHOST", "PGUSER"].forEach((name) => delete process.env[name]))
      )
      const [row] = yield* Effect.provide(one, Layer.provide(Database.layerClient, database.layerDatabase("unused")))
      expect(row).toEqual({ one: 1 })
    }).pipe(Effect.scoped)
  )

  it.live("its schema is there while the layer lives, and is gone afterwards", () =>
    Effect.gen(function* () {
      const schemas = Effect.map(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ nspname: string }>`select nspname from pg_namespace`),
        (rows) => rows.filter(({ nspname }) => nspname === "passing").length
      ).pipe(Effect.provide(Layer.provide(Database.layerClient, database.layerDatabase("unused"))))
      const during = yield* Effect.provide(schemas, database.layer("passing"))
      expect([during, yield* schemas]).toEqual([1, 0])
    })
  )

  it.live("statements are counted where the client sends them, those of forked fibers too", () =>
    Effect.gen(function* () {
      const three = Effect.zipRight(one, Effect.all([one, one], { concurrency: 2 }))
      const [, count] = yield* Queries.counted(three)
      expect(count).toBe(3)
    }).pipe(Effect.provide(Layer.provide(Database.layerClient, database.layerDatabase("unused"))))
  )

  it.live("a network between takes at least its delay on every round trip", () =>
    Effect.gen(function* () {
      yield* one
      const times = yield* Effect.forEach(Array.from({ length: 20 }), () => Load.timed(one))
      expect(Math.min(...times.map(([, millis]) => millis))).toBeGreaterThanOrEqual(20)
    }).pipe(Effect.provide(Layer.provide(Database.layerClientFar(20), database.layerDatabase("unused"))))
  )

  it.live("a network that is cut makes every statement a SqlError, those under way too", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const network = yield* Database.Network
      yield* one
      const [waiting] = yield* Effect.all(
        [Effect.flip(sql`select pg_sleep(5)`), Effect.delay(network.cut, "100 millis")],
        { concurrency: 2 }
      )
      expect(waiting).toBeInstanceOf(SqlError)
      expect(yield* Effect.flip(one)).toBeInstanceOf(SqlError)
    }).pipe(Effect.provide(Layer.provide(Database.layerClientFar(1), database.layerDatabase("unused"))))
  )
})
