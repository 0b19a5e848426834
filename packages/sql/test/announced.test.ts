/**
 * What a transaction is about to make invalid is announced before its commit, so that a process that is killed between
 * the commit and the invalidation leaves behind what the next one invalidates.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { expect } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import type { JournalStorage } from "@larder/cache/JournalStorage"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as World from "./support/world.js"

const { find, freshUser, inTransaction, invalidate, keepFence, Key, update } = World

/** A fence that writes down what becomes of it. */
const watched = (look: Effect.Effect<string>) => {
  const seen: Array<string> = []
  const note = (what: string) => Effect.map(look, (name) => void seen.push(`${what}: ${name}`))
  return { seen, keep: keepFence(note("fell"), Effect.as(note("announced"), note("taken back"))) }
}

World.describeTransactions("Transactions / announced before the commit", (test) => {
  /** The name as everybody else sees it. */
  const outside = (id: number) =>
    Effect.map(World.Plain, (sql) =>
      sql<{ name: string }>`select name from users where id = ${id}`.pipe(
        Effect.map(([row]) => row!.name),
        Effect.orDie,
        // Also where it is asked inside of a transaction.
        Effect.mapInputContext((context: Context.Context<never>) =>
          Context.omit(SqlClient.TransactionConnection)(context)
        )
      )
    )

  test("before anybody sees what was written, and taken back when its fences have fallen", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const { keep, seen } = watched(yield* outside(id))
      yield* inTransaction(Effect.zipRight(keep, update(id, "Bea")))
      expect(seen).toEqual(["announced: Ada", "fell: Bea", "taken back: Bea"])
    }))

  test("by the outermost transaction, with what its savepoints have kept, and once", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const { keep, seen } = watched(yield* outside(id))
      yield* inTransaction(Effect.zipRight(inTransaction(Effect.zipRight(keep, update(id, "Bea"))), update(id, "Cid")))
      expect(seen).toEqual(["announced: Ada", "fell: Cid", "taken back: Cid"])
    }))

  test("not at all by one that is rolled back", () =>
    Effect.gen(function* () {
      const { keep, seen } = watched(Effect.succeed("any"))
      yield* Effect.flip(inTransaction(Effect.zipRight(keep, Effect.fail("refused"))))
      expect(seen).toEqual([])
    }))

  test("an interruption meanwhile comes too late: it is committed, and invalidated", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      const [begun, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const seen: Array<string> = []
      const note = (what: string) => Effect.sync(() => void seen.push(what))
      const announce = Deferred.succeed(begun, undefined).pipe(
        Effect.zipRight(Deferred.await(gate)),
        Effect.zipRight(note("announced")),
        Effect.as(note("taken back"))
      )
      const fiber = yield* Effect.fork(
        inTransaction(Effect.zipRight(update(id, "Bea"), keepFence(note("fell"), announce)))
      )
      yield* Deferred.await(begun)
      const leaving = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.yieldNow()
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(leaving)
      expect(yield* yield* outside(id)).toBe("Bea")
      expect(seen).toEqual(["announced", "fell", "taken back"])
    }))

  test("killed after the commit: the next process hides what was written over, and invalidates it for all", () =>
    Effect.gen(function* () {
      const id = yield* freshUser("Ada")
      let text: string | undefined
      const storage: JournalStorage = {
        load: Effect.sync(() => text),
        save: (next) => Effect.sync(() => void (text = next))
      }
      const store = yield* Layer.build(Store.layerMemory)
      const instance = (journal?: JournalStorage) =>
        Effect.map(
          Layer.build(
            Cache.layerWith({ journal }).pipe(Layer.provide([Layer.succeedContext(store), Reporter.layerNoop]))
          ),
          Context.get(Cache.Cache)
        )
      const as = (cache: Cache.Cache["Type"]) => Effect.provideService(Cache.Cache, cache)

      const one = yield* instance(storage)
      expect(yield* find(id).pipe(as(one))).toBe("Ada")
      // What falls first finds what a process leaves that ends after the commit and before the rest falls.
      let left: string | undefined
      yield* inTransaction(
        Effect.gen(function* () {
          yield* keepFence(Effect.sync(() => void (left = text)))
          yield* update(id, "Bea")
          yield* invalidate(id)
        })
      ).pipe(as(one))
      expect(left).toContain(Key(id).id)

      yield* one.set(Key(id), "Ada")
      text = left
      const next = yield* instance(storage)
      expect(yield* find(id).pipe(as(next))).toBe("Bea")
      yield* World.until(Effect.sync(() => text?.includes(Key(id).id) === false))
      expect(yield* find(id).pipe(as(yield* instance()))).toBe("Bea")
    }))
})
