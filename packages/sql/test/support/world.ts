/**
 * One PostgreSQL for a file of tests, clients of it with and without the decoration, a table of names, and a cache in
 * memory with a record of what happens in it.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import { SqlTransactions } from "@larder/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Postgres from "./Postgres.js"

export class Address extends Context.Tag("test/Address")<Address, Postgres.Address>() {}

/** The client as it comes. */
export class Plain extends Context.Tag("test/Plain")<Plain, PgClient.PgClient>() {}

const database = Layer.scoped(Address, Postgres.start)

export const connect = (more: Partial<PgClient.PgClientConfig> = {}) =>
  Effect.flatMap(Address, (address) => PgClient.make({ ...address, ...more })).pipe(Effect.provide(Reactivity.layer))

const plain = Layer.scoped(
  Plain,
  Effect.tap(
    connect({ maxConnections: 8 }),
    (sql) => sql`create table users (id int primary key, name text not null)`
  )
)

const decorated = Layer.effect(
  PgClient.PgClient,
  Effect.map(Plain, (sql) => sql)
)

/** Everything a test of this package needs, but for the cache. */
export const layerDatabase = SqlTransactions.layerOf(PgClient.PgClient).pipe(
  Layer.provide(decorated),
  Layer.provideMerge(plain),
  Layer.provideMerge(database)
)

export const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`user:${id}`]
})

let ids = 0

/** A row that no other test knows. */
export const freshUser = (name: string) =>
  Effect.gen(function* () {
    const sql = yield* Plain
    const id = ++ids
    yield* sql`insert into users values (${id}, ${name})`
    return id
  })

/** The name in the table, read by whoever's connection it is. */
export const select = (id: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    Effect.map(sql<{ name: string }>`select name from users where id = ${id}`, ([row]) => row?.name ?? "nobody")
  )

export const find = (id: number) => Cache.withCache(select(id), Key(id), { awaitWrite: true })

export const update = (id: number, name: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql`update users set name = ${name} where id = ${id}`)

/** A mutation as a repository does one: the write, and what it makes invalid. */
export const rename = (id: number, name: string) =>
  Effect.zipRight(
    update(id, name),
    Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(id)))
  )

export const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.withTransaction(self))

/** What was invalidated and expired, as `I` and `E` with the names. */
export const fences = Effect.map(
  Effect.flatMap(Cache.Recorded, (recorded) => recorded.events),
  (events) =>
    events.flatMap((event) =>
      event._tag === "Invalidated" || event._tag === "Expired"
        ? [`${event._tag[0]} ${[...event.keys, ...event.tags].join(" ")}`]
        : []
    )
)
