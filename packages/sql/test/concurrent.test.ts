/**
 * Two real transactions at once: what a reader may be answered while somebody writes, and after the commit.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as World from "./support/world.js"

const { fences, find, freshUser, inTransaction, Key, Plain, rename, select } = World

World.describeTransactions("Transactions / two at once", (test) => {
  /** A writer that has renamed and invalidated, and commits when told to; a reader reads in between. */
  const readBetweenWriteAndCommit = (sql: PgClient.PgClient) =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const [written, read] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const write = Effect.zipRight(rename(id, "Bea"), Deferred.succeed(written, undefined))
      const writer = yield* Effect.fork(sql.withTransaction(Effect.zipRight(write, Deferred.await(read))))
      yield* Deferred.await(written)
      const during = yield* find(id)
      yield* Deferred.succeed(read, undefined)
      yield* Fiber.join(writer)
      return { during, after: yield* find(id), inTable: yield* select(id) }
    })

  test("what a reader looked up before the commit is answered to nobody after it", () =>
    Effect.gen(function* () {
      const answers = yield* readBetweenWriteAndCommit(yield* PgClient.PgClient)
      expect(answers).toEqual({ during: "Ada", after: "Bea", inTable: "Bea" })
    }))

  test("without the decoration the invalidation comes before the commit, and the old row is answered after it", () =>
    Effect.gen(function* () {
      const answers = yield* readBetweenWriteAndCommit(yield* Plain)
      expect(answers).toEqual({ during: "Ada", after: "Ada", inTable: "Bea" })
    }))

  test("a lookup that began before the commit and ends after it is answered to its caller and to nobody else", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const [looked, over] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const slow = Effect.tap(select(id), () =>
        Effect.zipRight(Deferred.succeed(looked, undefined), Deferred.await(over))
      )
      const reader = yield* Effect.fork(Cache.withCache(slow, Key(id), { awaitWrite: true }))
      yield* Deferred.await(looked)
      yield* inTransaction(rename(id, "Bea"))
      expect(yield* find(id)).toBe("Bea")
      yield* Deferred.succeed(over, undefined)
      expect(yield* Fiber.join(reader)).toBe("Ada")
      expect(yield* find(id)).toBe("Bea")
    }))

  test("readers inside and outside share nothing, and a rollback leaves the outside answer as it was", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const [written, read] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const inside = Effect.gen(function* () {
        yield* rename(id, "Bea")
        const before = yield* find(id)
        yield* Deferred.succeed(written, undefined)
        yield* Deferred.await(read)
        return yield* Effect.fail([before, yield* find(id)])
      })
      const writer = yield* Effect.fork(Effect.flip(inTransaction(inside)))
      yield* Deferred.await(written)
      expect(yield* find(id)).toBe("Ada")
      yield* Deferred.succeed(read, undefined)
      expect(yield* Fiber.join(writer)).toEqual(["Bea", "Bea"])
      const unexpected = Effect.dieMessage("looked up again")
      expect(yield* Cache.withCache(unexpected, Key(id))).toBe("Ada")
    }))

  test("transactions side by side keep their own: one commits, the other is rolled back", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* freshUser("Ada"), yield* freshUser("Eve")]
      const both = yield* Deferred.make<void>()
      const losing = yield* Effect.fork(
        inTransaction(Effect.zipRight(rename(second, "Fay"), Effect.zipRight(Deferred.await(both), Effect.fail("no"))))
      )
      yield* inTransaction(Effect.zipRight(rename(first, "Bea"), Deferred.succeed(both, undefined)))
      yield* Effect.flip(Fiber.join(losing))
      expect(yield* fences).toEqual([`invalidated ${first}`])
    }))
})
