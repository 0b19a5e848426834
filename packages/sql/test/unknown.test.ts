/**
 * Transactions of which nobody can say whether they were committed: then everything they kept is invalidated, since a
 * miss costs a lookup and a stale value is wrong.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect } from "@effect/vitest"
import { SqlTransactions } from "@larder/sql"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as LosingProxy from "./support/LosingProxy.js"
import * as World from "./support/world.js"

const { fences, find, freshUser, inTransaction, invalidate, Plain, rename, select } = World

/** A table whose rows do something when their transaction is about to commit. */
const atCommit = (name: string, statement: string) =>
  Effect.gen(function* () {
    const sql = yield* Plain
    yield* sql.unsafe(`create table ${name} (id int)`)
    yield* sql.unsafe(
      `create function ${name}() returns trigger language plpgsql as $$ begin ${statement}; return null; end $$`
    )
    yield* sql.unsafe(`create constraint trigger ${name} after insert on ${name}
      deferrable initially deferred for each row execute function ${name}()`)
    return Effect.flatMap(PgClient.PgClient, (own) => own.unsafe(`insert into ${name} values (1)`))
  })

/** A client whose connections nobody else is given when one of them has been ended. */
const ownClient = Effect.provideServiceEffect(PgClient.PgClient, Effect.map(World.connect(), SqlTransactions.decorate))

const terminate = Effect.flatMap(PgClient.PgClient, (sql) => sql`select pg_terminate_backend(pg_backend_pid())`)

World.describeTransactions("Transactions / unknown outcome", (test) => {
  test("the answer to the commit is lost after the server has committed", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      yield* find(id)
      const sql = SqlTransactions.decorate(yield* World.connect(yield* LosingProxy.listen(yield* World.Address)))
      const exit = yield* Effect.exit(
        sql.withTransaction(Effect.zipRight(sql`update users set name = 'Bea' where id = ${id}`, invalidate(id)))
      )
      expect(Exit.isFailure(exit)).toBe(true)
      expect(yield* select(id)).toBe("Bea")
      expect(yield* fences).toEqual([`invalidated ${id}`])
      expect(yield* find(id)).toBe("Bea")
    }))

  for (const [what, statement] of [
    ["the backend is terminated while it commits", "perform pg_terminate_backend(pg_backend_pid())"],
    ["the commit is refused", "raise exception 'no'"]
  ] as const) {
    test(what, () =>
      Effect.gen(function* () {
        const id = yield* freshUser("Ada")
        const arm = yield* atCommit(what.includes("refused") ? "refusing" : "terminating", statement)
        const exit = yield* Effect.exit(inTransaction(Effect.zipRight(arm, rename(id, "Bea"))).pipe(ownClient))
        expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
        expect(yield* fences).toEqual([`invalidated ${id}`])
      })
    )
  }

  test("an interruption while the commit runs does not stop it, and what was kept is invalidated", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const sql = yield* Plain
      const arm = yield* atCommit("waiting", "perform pg_advisory_xact_lock(7)")
      const held = yield* Effect.flatMap(sql.reserve, (own) =>
        Effect.as(own.execute("select pg_advisory_lock(7)", [], undefined), own)
      )
      const fiber = yield* Effect.fork(inTransaction(Effect.zipRight(arm, rename(id, "Bea"))))
      yield* World.until(
        Effect.map(sql`select 1 from pg_locks where locktype = 'advisory' and not granted`, ({ length }) => length > 0)
      )
      const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.yieldNow()
      expect(yield* fences).toEqual([])
      yield* held.execute("select pg_advisory_unlock(7)", [], undefined)
      expect(Exit.isInterrupted(yield* Fiber.join(interrupting))).toBe(true)
      expect(yield* select(id)).toBe("Bea")
      expect(yield* fences).toEqual([`invalidated ${id}`])
    }))

  test("the connection is lost half-way, so that the rollback fails too", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      yield* Effect.exit(inTransaction(Effect.zipRight(rename(id, "Bea"), terminate)).pipe(ownClient))
      expect(yield* fences).toEqual([`invalidated ${id}`])
      expect(yield* select(id)).toBe("Ada")
    }))

  test("a commit that PostgreSQL answers with a rollback, because a failure was handled without a savepoint", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const fails = Effect.flatMap(PgClient.PgClient, (sql) => Effect.ignore(sql`select 1 / 0`))
      yield* inTransaction(Effect.zipRight(rename(id, "Bea"), fails))
      expect(yield* select(id)).toBe("Ada")
      expect(yield* fences).toEqual([`invalidated ${id}`])
    }))

  test("a savepoint whose rollback fails leaves what it kept to the transaction around it", () =>
    Effect.gen(function* () {
      const savepoint = Effect.catchAllCause(
        inTransaction(Effect.zipRight(invalidate(1), terminate)),
        () => Effect.void
      )
      yield* Effect.exit(inTransaction(savepoint).pipe(ownClient))
      expect(yield* fences).toEqual(["invalidated 1"])
    }))
})
