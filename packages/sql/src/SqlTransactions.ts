/**
 * Transactions of `@effect/sql` for a program with caches: what a mutation invalidates inside one is invalidated after
 * the commit, and what was rolled back invalidates nothing.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { deferring } from "./internal/deferring.js"

// A decorated client is its own decoration, and a client has one.
const decorations = new WeakMap<object, object>()

const decorateAs = <Client extends SqlClient.SqlClient>(client: Client, opener: object): Client => {
  const known = decorations.get(client)
  if (known !== undefined) return known as Client
  const members: Partial<SqlClient.SqlClient> = {
    withTransaction: deferring(opener, (self) => client.withTransaction(self)),
    withoutTransforms: () => decorateAs(client.withoutTransforms(), opener)
  }
  const decorated = new Proxy(client, {
    get: (target, name) => {
      if (name === "safe") return decorateAs(target.safe, opener)
      if (Object.hasOwn(members, name)) return members[name as keyof typeof members]
      return Reflect.get(target, name, target)
    }
  })
  decorations.set(client, decorated)
  decorations.set(decorated, decorated)
  return decorated
}

/**
 * A client whose `withTransaction` keeps the invalidations, expiries and sets that happen inside it until the outermost
 * transaction has been committed, and then carries them out before it answers. All else is the client's own: the
 * template, the helpers of its dialect, `reserve`. A client that is decorated already is returned as it is.
 *
 * - They are carried out in one command for each cache, every name once. Beyond 1 000 names in a transaction those of
 *   a prefix become the whole prefix.
 * - What happened at a savepoint that is rolled back is dropped, and so is that of a whole transaction. A commit or a
 *   rollback whose outcome is not known, because the connection was lost, carries out everything.
 * - It cannot be interrupted on the way. A store that fails is reported and is no failure of the transaction.
 * - A fiber that outlives its transaction invalidates at once.
 *
 * @since 0.1.0
 * @category constructors
 */
export const decorate = <Client extends SqlClient.SqlClient>(client: Client): Client => decorateAs(client, client)

/**
 * The client of the context, decorated: give it the layer that makes the client.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SqlClient.SqlClient, never, SqlClient.SqlClient> = Layer.effect(
  SqlClient.SqlClient,
  Effect.map(SqlClient.SqlClient, decorate)
)

/**
 * The client of a driver's own tag, decorated, under that tag and under `SqlClient`.
 *
 * @example
 * import { PgClient } from "@effect/sql-pg"
 * import { SqlTransactions } from "@larder/sql"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const DatabaseLive = SqlTransactions.layerOf(PgClient.PgClient).pipe(
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgresql://localhost/app") }))
 * )
 *
 * Layer.isLayer(DatabaseLive) // => true
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOf = <Id, Client extends SqlClient.SqlClient>(
  tag: Context.Tag<Id, Client>
): Layer.Layer<Id | SqlClient.SqlClient, never, Id> =>
  Layer.effectContext(
    Effect.map(tag, (client) => {
      const decorated = decorate(client)
      return Context.make(tag, decorated).pipe(Context.add(SqlClient.SqlClient, decorated))
    })
  )
