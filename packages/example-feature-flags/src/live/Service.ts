/** What the HTTP API stands on: the repository over the database of the environment, cached by the store of it. */
import type { SqlError } from "@effect/sql/SqlError"
import * as SqlClient from "@effect/sql/SqlClient"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import * as PlatformJournal from "@larder/platform/PlatformJournal"
import * as RedisCache from "@larder/redis/RedisCache"
import type * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Database from "../Database.js"
import type { Features } from "../Features.js"
import { FeaturesCached } from "../FeaturesCached.js"
import { FeaturesSql } from "../FeaturesSql.js"
import type { Options } from "../http/CommandLine.js"
import * as Organisation from "../Organisation.js"
import { seed } from "../Seed.js"
import * as Tables from "../Tables.js"
import * as Databases from "./Databases.js"

/** Who is in the tables of a schema that was not there. */
export const size: Organisation.Size = { users: 300, organisations: 2 }

/** Makes and seeds the schema when it is not there. Of instances that start together, one does. */
export const prepare: Effect.Effect<void, SqlError, SqlClient.SqlClient | Database.Database> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { schema } = yield* Database.Database
  const isThere = Effect.map(sql`select 1 from pg_namespace where nspname = ${schema}`, (rows) => rows.length > 0)
  // Most instances find it, and need no transaction: it is seen when it was committed, whole.
  if (yield* isThere) return
  const work = Effect.gen(function* () {
    yield* sql`select pg_advisory_xact_lock(hashtext(${schema}))`
    if (yield* isThere) return
    yield* sql`create schema ${sql(schema)}`
    yield* Tables.create(sql)
    yield* seed(yield* Organisation.make(size))
  })
  yield* sql.withTransaction(work)
})

/** A store that others read, over a database that is this process's own. */
export class NotShared extends Data.TaggedError("NotShared")<{ readonly message: string }> {}

/**
 * The embedded database is gone with this process, and every process has another one. What it says must not be kept
 * where others, or the next process, find it.
 */
const database = ({ schema }: Pick<Options, "schema">) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const url = yield* Databases.url
      if (Option.isSome(url)) return Database.layerUrl(url.value, schema)
      const store = yield* RedisCache.choice
      if (store._tag === "Memory") return Database.layerEmbedded
      const named = store._tag === "Redis" ? store.variable : store.variables.url
      const message = `${named} is set and DATABASE_URL is not: a store that is shared wants a database that is. Set both, or none for an embedded database and a cache in memory`
      return yield* new NotShared({ message })
    })
  )

/**
 * The cache of an instance, which hears from the others what they change. While it does not, it answers from memory for
 * as long as is said here.
 */
const cache = ({ bus, journal, memory }: Pick<Options, "bus" | "journal" | "memory">) =>
  Layer.unwrapEffect(
    Effect.map(journal === undefined ? Effect.succeed(undefined) : PlatformJournal.makeFile(journal), (place) =>
      Cache.layerWithBus({
        memory: Duration.greaterThan(memory, Duration.zero) && { timeToLive: memory },
        journal: place
      })
    )
  ).pipe(Layer.provide([RedisCache.storeFromEnvWith({ bus }), Reporter.layerLog, NodeContext.layer]))

export const layer = (
  options: Pick<Options, "memory" | "bus" | "connections" | "journal" | "schema">
): Layer.Layer<Features | Cache.Cache, Databases.Failure | ConfigError.ConfigError | NotShared> =>
  FeaturesCached.pipe(
    Layer.provide(FeaturesSql),
    Layer.provideMerge(cache(options)),
    Layer.provide(
      Layer.effectDiscard(prepare).pipe(
        Layer.provideMerge(Database.layerClientOf({ connections: options.connections })),
        Layer.provide(database(options))
      )
    )
  )
