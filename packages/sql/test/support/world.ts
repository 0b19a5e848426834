/**
 * One PostgreSQL for a file of tests, a client of it with and without the decoration, a table of names, and a cache in
 * memory with a record of what happens in it.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import { layer } from "@effect/vitest"
import * as AfterCommit from "@larder/cache/AfterCommit"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import { SqlTransactions } from "@larder/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { describeWithPostgres } from "postgres-server/DescribeWithPostgres"
import * as PostgresServer from "postgres-server/PostgresServer"

export class Address extends Context.Tag("test/Address")<Address, PostgresServer.Address>() {}

/** The client as it comes. */
export class Plain extends Context.Tag("test/Plain")<Plain, PgClient.PgClient>() {}

export const connect = (more: Partial<PgClient.PgClientConfig> = {}) =>
  Effect.flatMap(Address, (address) => PgClient.make({ ...address, ...more })).pipe(Effect.provide(Reactivity.layer))

const plain = Layer.scoped(
  Plain,
  Effect.tap(connect({ maxConnections: 8 }), (sql) => sql`create table users (id int primary key, name text not null)`)
)

const database = SqlTransactions.layerOf(PgClient.PgClient).pipe(
  Layer.provide(Layer.effect(PgClient.PgClient, Plain)),
  Layer.provideMerge(plain),
  Layer.provideMerge(Layer.scoped(Address, PostgresServer.make))
)

type Services = Layer.Layer.Success<typeof database> | Cache.Cache | Cache.Recorded | Scope.Scope

/** Registers tests that share a server; each has a cache of its own. */
export type Register = <A, E>(title: string, self: () => Effect.Effect<A, E, Services>) => void

export const describeTransactions = (name: string, tests: (test: Register) => void): void =>
  describeWithPostgres(name, () =>
    layer(database, { excludeTestServices: true })((it) =>
      tests((title, self) =>
        it.effect(title, () => Effect.provide(Effect.scoped(Effect.suspend(self)), Cache.layerTest))
      )
    )
  )

export const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

let ids = 0

/** A row that no other test knows. */
export const freshUser = (name: string) =>
  Effect.gen(function* () {
    const sql = yield* Plain
    const id = ++ids
    yield* sql`insert into users values (${id}, ${name})`
    return id
  })

/** The name in the table; within a transaction, as it sees it. */
export const select = (id: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    Effect.map(sql<{ name: string }>`select name from users where id = ${id}`, ([row]) => row!.name)
  )

export const find = (id: number) => Cache.withCache(select(id), Key(id), { awaitWrite: true })

export const update = (id: number, name: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql`update users set name = ${name} where id = ${id}`)

export const invalidate = (id: number) => Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(id)))

/** A mutation as a repository does one: the write, and what it makes invalid. */
export const rename = (id: number, name: string) => Effect.zipRight(update(id, name), invalidate(id))

export const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.withTransaction(self))

/** A fence of a cache of its own, whose fall and announcement are any effects. */
export const keepFence = (
  fall: Effect.Effect<void>,
  announce: Effect.Effect<Effect.Effect<void>> = Effect.succeed(Effect.void)
) =>
  Effect.contextWith((context: Context.Context<never>) =>
    AfterCommit.isKept(context, {
      cache: {},
      kind: "invalidate",
      request: { keys: [], tags: ["t:any"] },
      fall: () => fall,
      announce: () => announce
    })
  )

/** The ids and tags that were invalidated and expired, a line for each command: `invalidated 1 2`. */
export const fences = Effect.map(
  Effect.flatMap(Cache.Recorded, (recorded) => recorded.events),
  (events) =>
    events.flatMap((event) =>
      event._tag === "Invalidated" || event._tag === "Expired"
        ? [[event._tag.toLowerCase(), ...event.keys.map((key) => key.split(".").at(-1)), ...event.tags].join(" ")]
        : []
    )
)

/** Waits until the condition holds. */
export const until = <E, R>(condition: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.delay(condition, 5), { until: (holds) => holds }).pipe(Effect.timeout("10 seconds"))
