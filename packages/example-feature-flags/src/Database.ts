/**
 * Where the SQL goes: PostgreSQL embedded in this process, or any PostgreSQL by its URL; in a schema of its own; next
 * door, or with a network between.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as net from "node:net"
import * as Tables from "./Tables.js"
import * as Thread from "./Thread.js"

/** A server, and the schema in it that is ours. */
export class Database extends Context.Tag("example-feature-flags/Database")<
  Database,
  {
    /** For people: no password. */
    readonly place: string
    readonly url: Redacted.Redacted
    readonly schema: string
  }
>() {}

/** PGlite: PostgreSQL in WebAssembly, empty, in a worker thread that ends with the scope. */
export const layerEmbedded: Layer.Layer<Database, Thread.ThreadError> = Layer.scoped(
  Database,
  Effect.map(Thread.start(new URL("./workers/pglite.mjs", import.meta.url)), ({ port }) => ({
    place: "PostgreSQL embedded in this process (PGlite, in a worker thread)",
    // Whole, so that no variable of PostgreSQL's in the environment adds to it: PGSSLMODE would.
    url: Redacted.make(`postgres://postgres:unused@127.0.0.1:${port}/postgres?sslmode=disable`),
    schema: "larder_demo"
  }))
)

/** A server that is there already. */
export const layerUrl = (url: Redacted.Redacted, schema: string): Layer.Layer<Database> =>
  Layer.succeed(Database, { place: `PostgreSQL at ${new URL(Redacted.value(url)).host}`, url, schema })

/**
 * A pool of connections. Names of tables are put into the schema as statements are compiled, not by `search_path`:
 * that would be state of a session, which poolers between a program and PostgreSQL do not keep.
 *
 * PGlite takes at most ten connections in all. `detour` is the local port that stands for the network: only the socket
 * goes there; the URL, and with it the name that a certificate is checked against, stays as it is.
 */
const client = (options: { readonly connections: number; readonly detour?: number }) =>
  Layer.unwrapEffect(
    Effect.map(Database, ({ schema, url }) =>
      PgClient.layer({
        url,
        maxConnections: options.connections,
        connectTimeout: "10 seconds",
        applicationName: "larder-example",
        transformQueryNames: (name) => (Tables.names.has(name) ? `${schema}.${name}` : name),
        ...(options.detour === undefined ? {} : { stream: () => detourSocket(options.detour!) })
      })
    )
  )

const detourSocket = (port: number): net.Socket => {
  const socket = new net.Socket()
  const connect = socket.connect.bind(socket)
  socket.connect = (() => connect(port, "127.0.0.1")) as typeof socket.connect
  return socket
}

/** The database next door. */
export const layerClientOf: (options: {
  readonly connections: number
}) => Layer.Layer<SqlClient.SqlClient, SqlError, Database> = client
export const layerClient = layerClientOf({ connections: 4 })

/** A network that can be cut, for good. */
export class Network extends Context.Tag("example-feature-flags/Network")<
  Network,
  { readonly cut: Effect.Effect<void> }
>() {}

/** The same database, a round trip of `delayMillis` away. */
export const layerClientFar = (
  delayMillis: number
): Layer.Layer<SqlClient.SqlClient | Network, SqlError | Thread.ThreadError, Database> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const { url } = yield* Database
      const { hostname, port } = new URL(Redacted.value(url))
      const network = yield* Thread.start(new URL("./workers/network.mjs", import.meta.url), {
        host: hostname,
        port: Number(port === "" ? 5432 : port),
        delayMillis
      })
      return Layer.merge(
        client({ connections: 4, detour: network.port }),
        Layer.succeed(Network, { cut: network.ask("cut") })
      )
    })
  )

/**
 * Creates the schema and its tables, and drops them with the scope. It has a client of its own, so that a network that
 * was cut does not keep it from cleaning up.
 */
export const layerTables: Layer.Layer<never, SqlError, Database> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { schema } = yield* Database
    yield* Effect.acquireRelease(sql`create schema ${sql(schema)}`, () =>
      Effect.catchAllCause(sql`drop schema ${sql(schema)} cascade`, (cause) =>
        Effect.logWarning(`the schema ${schema} could not be dropped; please drop it`, cause)
      )
    )
    yield* Tables.create(sql)
  })
).pipe(Layer.provide(client({ connections: 1 })))
