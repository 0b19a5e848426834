/**
 * What becomes of invalidations when a transaction ends, by how it ends.
 */
import { describe, expect } from "@effect/vitest"
import { assertNone, assertSome } from "@effect/vitest/utils"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Cache from "@larder/cache/Cache"
import * as Repository from "@larder/cache/Repository"
import { SqlTransactions } from "@larder/sql"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as World from "./support/world.js"

const { fences, find, freshUser, inTransaction, invalidate, keepFence, Key, rename, select } = World
const rollBack = Effect.fail("rolled back")

World.describeTransactions("Transactions / outcomes", (test) => {
  describe("committed", () => {
    test("what is invalidated inside falls after the commit, and the call inside succeeds at once", () =>
      Effect.gen(function* () {
        const id = yield* freshUser("Ada")
        expect(yield* find(id)).toBe("Ada")
        yield* inTransaction(
          Effect.gen(function* () {
            yield* rename(id, "Bea")
            expect(yield* fences).toEqual([])
            expect(yield* find(id)).toBe("Bea")
          })
        )
        expect(yield* fences).toEqual([`invalidated ${id}`])
        expect(yield* find(id)).toBe("Bea")
      }))

    test("when it falls, the commit stands and the connection is free", () =>
      Effect.gen(function* () {
        const id = yield* freshUser("Ada")
        // It has one connection, so that a query would wait for ever if the transaction still had it.
        const sql = SqlTransactions.decorate(yield* World.connect({ maxConnections: 1 }))
        const seen: Array<unknown> = []
        const look = sql`select name from users where id = ${id}`.pipe(
          Effect.map((rows) => void seen.push(...rows)),
          Effect.orDie
        )
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`update users set name = 'Bea' where id = ${id}`
            expect(yield* keepFence(look)).toBe(true)
          })
        )
        expect(seen).toEqual([{ name: "Bea" }])
      }))

    test("each name falls once, in the order they came, one command for invalidations and one for expiries", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* inTransaction(
          Effect.gen(function* () {
            yield* cache.invalidate(Key(1), Key(2))
            yield* cache.expire(Key(3))
            yield* cache.invalidateTags("team", "team")
            yield* inTransaction(
              Effect.zipRight(invalidate(2), cache.invalidateAll({ keys: [Key(4)], tags: ["team"] }))
            )
            yield* cache.expire(Key(3), Key(1))
            yield* cache.clear({ prefix: "others" })
          })
        )
        expect(yield* fences).toEqual(["invalidated 1 2 4 t:team p:others", "expired 3 1"])
      }))

    test("of more than a thousand names those of a prefix become the prefix, and what is under it is looked up again", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* cache.set(Key(1), "Ada")
        yield* inTransaction(
          Effect.forEach(
            Array.from({ length: 1_000 }, (_, id) => id + 1),
            invalidate,
            { discard: true }
          )
        )
        expect((yield* fences)[0]!.split(" ")).toHaveLength(1_001)
        yield* cache.set(Key(1), "Ada")
        yield* inTransaction(
          Effect.forEach(
            Array.from({ length: 1_001 }, (_, id) => id + 1),
            invalidate,
            { discard: true }
          )
        )
        expect((yield* fences).slice(1)).toEqual(["invalidated p:users"])
        assertNone(yield* cache.get(Key(1)))
      }))

    test("a set and a write through store nothing of the transaction, and the older value goes", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* cache.set(Key(1), "before")
        yield* cache.set(Key(2), "before")
        yield* inTransaction(
          Effect.zipRight(cache.set(Key(1), "inside"), cache.writeThrough(Key(2), Effect.succeed("inside")))
        )
        expect(yield* fences).toEqual(["invalidated 1 2"])
        assertNone(yield* cache.get(Key(1)))
        assertNone(yield* cache.get(Key(2)))
      }))

    test("a mutation of a cached repository, also one that fails and whose failure is handled", () =>
      Effect.gen(function* () {
        class Users extends Context.Tag("test/Users")<
          Users,
          {
            readonly name: (id: number) => Effect.Effect<string, unknown, PgClient.PgClient>
            readonly rename: (id: number, name: string) => Effect.Effect<unknown, unknown, PgClient.PgClient>
          }
        >() {}
        const cached = Repository.layerCached(Users, {
          prefix: "users",
          methods: {
            name: { key: (id) => ["id", id], schema: Schema.String, varies: "nothing", awaitWrite: true },
            rename: { invalidates: (_result, id) => ({ entries: { name: [[id]] } }) }
          }
        }).pipe(Layer.provide(Layer.succeed(Users, { name: World.select, rename: World.update })))
        const id = yield* freshUser("Ada")
        yield* Effect.gen(function* () {
          const users = yield* Users
          expect(yield* users.name(id)).toBe("Ada")
          yield* inTransaction(
            Effect.gen(function* () {
              yield* users.rename(id, "Bea")
              // Not null: the statement fails, and PostgreSQL goes on from the savepoint only.
              yield* Effect.ignore(inTransaction(users.rename(id, null as never)))
              expect(yield* fences).toEqual([])
            })
          )
          expect(yield* fences).toEqual([`invalidated ${id}`])
          expect(yield* users.name(id)).toBe("Bea")
        }).pipe(Effect.provide(cached))
      }))
  })

  describe("rolled back", () => {
    for (const [how, end] of [
      ["fails", rollBack],
      ["dies", Effect.die("rolled back")],
      ["interrupts itself", Effect.interrupt]
    ] as const) {
      test(`one that ${how} invalidates nothing, and the cached value stays`, () =>
        Effect.gen(function* () {
          const id = yield* freshUser("Ada")
          yield* find(id)
          yield* Effect.exit(inTransaction(Effect.zipRight(rename(id, "Bea"), end)))
          expect(yield* fences).toEqual([])
          expect(yield* select(id)).toBe("Ada")
          assertSome(yield* (yield* Cache.Cache).get(Key(id)), "Ada")
        }))
    }

    test("one that is interrupted from outside invalidates nothing", () =>
      Effect.gen(function* () {
        const id = yield* freshUser("Ada")
        const written = yield* Deferred.make<void>()
        const body = Effect.zipRight(
          rename(id, "Bea"),
          Effect.zipRight(Deferred.succeed(written, undefined), Effect.never)
        )
        const fiber = yield* Effect.fork(inTransaction(body))
        yield* Deferred.await(written)
        yield* Fiber.interrupt(fiber)
        expect(yield* fences).toEqual([])
        expect(yield* select(id)).toBe("Ada")
      }))

    test("what a savepoint invalidated is dropped with it, and the rest falls", () =>
      Effect.gen(function* () {
        yield* inTransaction(
          Effect.gen(function* () {
            yield* invalidate(1)
            yield* Effect.ignore(inTransaction(Effect.zipRight(invalidate(2), rollBack)))
            yield* inTransaction(invalidate(3))
            yield* invalidate(4)
          })
        )
        expect(yield* fences).toEqual(["invalidated 1 3 4"])
      }))

    for (const [failing, left] of [
      [0, []],
      [1, ["invalidated 1 9"]],
      [2, ["invalidated 1 2 8 9"]],
      [3, ["invalidated 1 2 3 7 8 9"]]
    ] as const) {
      const which = failing === 0 ? "the transaction" : `savepoint ${failing}`
      test(`savepoints three deep: when ${which} is rolled back, so is what is inside of it and nothing else`, () => {
        // Each level invalidates one name before the one within it, and one after.
        const level = (depth: number): Effect.Effect<void, unknown, PgClient.PgClient | Cache.Cache> =>
          inTransaction(
            Effect.gen(function* () {
              yield* invalidate(depth + 1)
              if (depth < 3) yield* failing === depth + 1 ? Effect.ignore(level(depth + 1)) : level(depth + 1)
              yield* invalidate(9 - depth)
              if (failing === depth) yield* rollBack
            })
          )
        return Effect.gen(function* () {
          yield* Effect.ignore(level(0))
          const all = yield* fences
          expect(all).toEqual(left)
        })
      })
    }

    test("a savepoint that is kept is dropped with the transaction around it", () =>
      Effect.gen(function* () {
        yield* Effect.ignore(inTransaction(Effect.zipRight(inTransaction(invalidate(1)), rollBack)))
        expect(yield* fences).toEqual([])
      }))
  })

  describe("fibers", () => {
    test("a fiber that is forked and joined inside is part of the transaction", () =>
      Effect.gen(function* () {
        const both = Effect.all([invalidate(1), invalidate(2)], { concurrency: "unbounded" })
        yield* inTransaction(Effect.zipRight(Effect.flatMap(Effect.fork(both), Fiber.join), Effect.void))
        yield* Effect.ignore(inTransaction(Effect.zipRight(both, rollBack)))
        expect(yield* fences).toEqual(["invalidated 1 2"])
      }))

    test("a fiber that outlives its transaction invalidates at once, however that ended", () =>
      Effect.gen(function* () {
        for (const end of [Effect.void, rollBack]) {
          const over = yield* Deferred.make<void>()
          const late = yield* Deferred.make<Fiber.Fiber<void, unknown>>()
          const daemon = Effect.forkDaemon(Effect.zipRight(Deferred.await(over), invalidate(1)))
          yield* Effect.ignore(
            inTransaction(
              Effect.zipRight(
                Effect.flatMap(daemon, (fiber) => Deferred.succeed(late, fiber)),
                end
              )
            )
          )
          expect(yield* fences).toEqual([])
          yield* Deferred.succeed(over, undefined)
          yield* Fiber.join(yield* Deferred.await(late))
          expect(yield* fences).toEqual(["invalidated 1"])
          yield* (yield* Cache.Recorded).clear
        }
      }))

    test("a fiber that outlives a savepoint invalidates with the transaction around it", () =>
      Effect.gen(function* () {
        yield* inTransaction(
          Effect.gen(function* () {
            const over = yield* Deferred.make<void>()
            const late = yield* Deferred.make<Fiber.Fiber<void, unknown>>()
            const daemon = Effect.forkDaemon(Effect.zipRight(Deferred.await(over), invalidate(1)))
            const inside = Effect.zipRight(
              invalidate(2),
              Effect.flatMap(daemon, (fiber) => Deferred.succeed(late, fiber))
            )
            yield* Effect.ignore(inTransaction(Effect.zipRight(inside, rollBack)))
            yield* Deferred.succeed(over, undefined)
            yield* Fiber.join(yield* Deferred.await(late))
            expect(yield* fences).toEqual([])
          })
        )
        expect(yield* fences).toEqual(["invalidated 1"])
      }))

    test("an interruption does not stop it between two fences", () =>
      Effect.gen(function* () {
        const [began, over] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const slow = Effect.zipRight(Deferred.succeed(began, undefined), Deferred.await(over))
        const fiber = yield* Effect.fork(inTransaction(Effect.zipRight(keepFence(slow), invalidate(1))))
        yield* Deferred.await(began)
        const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* Effect.yieldNow()
        yield* Deferred.succeed(over, undefined)
        yield* Fiber.join(interrupting)
        expect(yield* fences).toEqual(["invalidated 1"])
      }))
  })
})
