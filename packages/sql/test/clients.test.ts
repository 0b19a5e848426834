/**
 * Which transactions keep fences: those of decorated clients, several at once, clients of other kinds, none at all.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as SqlConnection from "@effect/sql/SqlConnection"
import * as PgClient from "@effect/sql-pg/PgClient"
import { describe, expect } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import { SqlTransactions } from "@larder/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as World from "./support/world.js"

const { fences, freshUser, inTransaction, invalidate, Plain, rename, select } = World
const rollBack = Effect.fail("rolled back")

class OwnConnection extends Context.Tag("test/OwnConnection")<
  OwnConnection,
  readonly [connection: SqlConnection.Connection, depth: number]
>() {}

/** A client that keeps its connection under a tag of its own, as those of SQLite, libSQL and SQL Server do. */
const withOwnTag = Effect.map(World.connect(), (sql): SqlClient.SqlClient => {
  const run = (connection: SqlConnection.Connection, statement: string) => connection.execute(statement, [], undefined)
  const withTransaction = SqlClient.makeWithTransaction({
    transactionTag: OwnConnection,
    spanAttributes: [],
    acquireConnection: Effect.flatMap(Scope.make(), (scope) =>
      Effect.map(Scope.extend(sql.reserve, scope), (connection) => [scope, connection] as const)
    ),
    begin: (connection) => run(connection, "BEGIN"),
    savepoint: (connection, id) => run(connection, `SAVEPOINT own_${id}`),
    commit: (connection) => run(connection, "COMMIT"),
    rollback: (connection) => run(connection, "ROLLBACK"),
    rollbackSavepoint: (connection, id) => run(connection, `ROLLBACK TO SAVEPOINT own_${id}`)
  })
  return SqlTransactions.decorate(Object.assign(sql, { withTransaction }))
})

World.describeTransactions("Transactions / clients", (test) => {
  describe("a decorated client", () => {
    test("is the client in everything else", () =>
      Effect.gen(function* () {
        const [sql, plain] = [yield* PgClient.PgClient, yield* Plain]
        const id = yield* freshUser("Ada")
        expect(yield* sql`select name from ${sql("users")} where ${sql.in("id", [id])}`).toEqual([{ name: "Ada" }])
        expect(sql.config).toBe(plain.config)
        expect(sql.reserve).toBe(plain.reserve)
        expect(Object.keys(sql)).toEqual(Object.keys(plain))
        expect(yield* sql`select ${sql.json({ a: 1 })}::jsonb as json`).toEqual([{ json: { a: 1 } }])
      }))

    test("is the same under the tag of its driver and under that of all, and is not decorated twice", () =>
      Effect.gen(function* () {
        const [sql, plain] = [yield* PgClient.PgClient, yield* Plain]
        expect(yield* SqlClient.SqlClient).toBe(sql)
        expect(SqlTransactions.decorate(sql)).toBe(sql)
        expect(SqlTransactions.decorate(plain)).toBe(sql)
        expect(sql).not.toBe(plain)
        const provided = SqlTransactions.layer.pipe(Layer.provide(Layer.succeed(SqlClient.SqlClient, plain)))
        expect(yield* Effect.provide(SqlClient.SqlClient, provided)).toBe(sql)
      }))

    test("keeps what happens in transactions of its copies", () =>
      Effect.gen(function* () {
        const upper = yield* World.connect({ transformResultNames: (name) => name.toUpperCase() })
        const sql = SqlTransactions.decorate(upper)
        for (const copy of [
          sql,
          sql.safe,
          sql.withoutTransforms(),
          sql.withoutTransforms().withoutTransforms(),
          { ...sql }
        ]) {
          yield* Effect.ignore(copy.withTransaction(Effect.zipRight(invalidate(1), rollBack)))
        }
        expect(yield* fences).toEqual([])
        expect([yield* sql`select 1 as one`, yield* sql.withoutTransforms()`select 1 as one`]).toEqual([
          [{ ONE: 1 }],
          [{ one: 1 }]
        ])
      }))

    test("whose connection cannot be had fails as it did before", () =>
      Effect.gen(function* () {
        const sql = yield* Effect.scoped(World.connect())
        const exit = yield* Effect.exit(SqlTransactions.decorate(sql).withTransaction(invalidate(1)))
        expect(Exit.isFailure(exit) && String(exit.cause)).toContain("Failed to acquire connection")
        expect(yield* fences).toEqual([])
      }))
  })

  describe("an undecorated client", () => {
    test("invalidates before the commit, and what is rolled back too", () =>
      Effect.gen(function* () {
        const plain = yield* Plain
        yield* Effect.flip(plain.withTransaction(Effect.zipRight(invalidate(1), rollBack)))
        yield* plain.withTransaction(
          Effect.zipRight(
            invalidate(2),
            Effect.map(fences, (all) => expect(all).toHaveLength(2))
          )
        )
        expect(yield* fences).toEqual(["invalidated 1", "invalidated 2"])
      }))

    test("around a decorated one: nobody would tell of the commit, so a savepoint within invalidates at once", () =>
      Effect.gen(function* () {
        const inside = inTransaction(Effect.zipRight(invalidate(1), fences))
        expect(yield* (yield* Plain).withTransaction(inside)).toEqual(["invalidated 1"])
      }))

    test("within a decorated one: what its rolled back savepoint invalidated falls after the commit", () =>
      Effect.gen(function* () {
        const plain = yield* Plain
        const savepoint = Effect.ignore(plain.withTransaction(Effect.zipRight(invalidate(1), rollBack)))
        expect(yield* inTransaction(Effect.zipRight(savepoint, fences))).toEqual([])
        expect(yield* fences).toEqual(["invalidated 1"])
      }))
  })

  describe("two decorated clients", () => {
    test("of one tag: a transaction of the second is a savepoint of the first, and its invalidations wait for that", () =>
      Effect.gen(function* () {
        const id = yield* freshUser("Ada")
        const second = SqlTransactions.decorate(yield* World.connect())
        yield* inTransaction(
          Effect.gen(function* () {
            yield* second.withTransaction(rename(id, "Bea"))
            expect(yield* fences).toEqual([])
            yield* Effect.ignore(second.withTransaction(Effect.zipRight(invalidate(7), rollBack)))
          })
        )
        expect(yield* select(id)).toBe("Bea")
        expect(yield* fences).toEqual([`invalidated ${id}`])
      }))

    test("of two tags: the inner commits by itself; all that is invalidated in it falls with the outer too, whatever became of it", () =>
      Effect.gen(function* () {
        const second = yield* withOwnTag
        yield* inTransaction(
          Effect.gen(function* () {
            yield* invalidate(1)
            yield* second.withTransaction(invalidate(2))
            expect(yield* fences).toEqual(["invalidated 2"])
            yield* Effect.ignore(second.withTransaction(Effect.zipRight(invalidate(3), rollBack)))
          })
        )
        expect(yield* fences).toEqual(["invalidated 2", "invalidated 1 2 3"])
      }))

    test("of two tags: what the inner has committed is invalidated although the outer is rolled back", () =>
      Effect.gen(function* () {
        const second = yield* withOwnTag
        yield* Effect.ignore(inTransaction(Effect.zipRight(second.withTransaction(invalidate(1)), rollBack)))
        expect(yield* fences).toEqual(["invalidated 1"])
      }))

    for (const end of [Effect.void, rollBack]) {
      const which = end === rollBack ? "is rolled back" : "commits"
      test(`of two tags, a savepoint of the outer in the inner, which ${which}: it falls when the outer commits`, () =>
        Effect.gen(function* () {
          const second = yield* withOwnTag
          const savepoint = second.withTransaction(invalidate(1))
          yield* second.withTransaction(
            Effect.zipRight(
              Effect.ignore(inTransaction(Effect.zipRight(savepoint, end))),
              Effect.flatMap(Cache.Recorded, (recorded) => recorded.clear)
            )
          )
          expect(yield* fences).toEqual(["invalidated 1"])
        }))
    }

    test("of two tags, a savepoint of the outer in the inner that is rolled back: what the inner wrote there stands", () =>
      Effect.gen(function* () {
        const second = yield* withOwnTag
        const id = yield* freshUser("Ada")
        const savepoint = Effect.ignore(second.withTransaction(Effect.zipRight(rename(id, "Bea"), rollBack)))
        yield* second.withTransaction(inTransaction(savepoint))
        expect(yield* select(id)).toBe("Bea")
        expect(yield* fences).toEqual([`invalidated ${id}`, `invalidated ${id}`])
      }))

    test("of one tag of their own: a savepoint that is rolled back is dropped, one that is kept falls", () =>
      Effect.gen(function* () {
        const second = yield* withOwnTag
        const savepoint = (end: Effect.Effect<void, string>, id: number) =>
          Effect.ignore(second.withTransaction(Effect.zipRight(invalidate(id), end)))
        const both = Effect.zipRight(savepoint(Effect.void, 1), savepoint(rollBack, 2))
        expect(yield* second.withTransaction(Effect.zipRight(both, fences))).toEqual([])
        expect(yield* fences).toEqual(["invalidated 1"])
      }))
  })

  test("a client with a tag of its own: inside its transaction the cache is bypassed too", () =>
    Effect.gen(function* () {
      const second = yield* withOwnTag
      const id = yield* freshUser("Ada")
      expect(yield* World.find(id)).toBe("Ada")
      yield* (yield* Plain)`update users set name = 'Bea' where id = ${id}`
      expect(yield* second.withTransaction(World.find(id))).toBe("Bea")
      expect(yield* World.find(id)).toBe("Ada")
    }))
})
