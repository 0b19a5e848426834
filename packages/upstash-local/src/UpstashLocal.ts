/**
 * Upstash's REST protocol in front of a real redis-server, in this process: for development and for tests without an
 * account or a network.
 *
 * It speaks `POST /`, `/pipeline`, `/multi-exec`, commands as paths, and `/subscribe/{channel}`, `/psubscribe/{pattern}`
 * and `/monitor` as event streams. It listens on the loopback unless told otherwise, and asks every route for a token.
 * What it answers is what its redis-server answers: a redis-server of version 7.0 has no JSON and no hash-field expiry.
 *
 * It is not for production: one connection carries all commands.
 *
 * @since 0.1.0
 */
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type * as Fault from "./Fault.js"
import * as App from "./internal/app.js"
import * as Connection from "./internal/connection.js"
import * as Replica from "./internal/replica.js"
import * as Server from "./internal/server.js"

/**
 * The server could not be started: nothing answers at the Redis address, or the port is taken.
 *
 * @since 0.1.0
 * @category errors
 */
export class UpstashLocalError extends Data.TaggedError("UpstashLocalError")<{
  readonly reason: "RedisUnreachable" | "PortTaken" | "CannotListen"
  readonly message: string
}> {}

/**
 * What came in since the start, or since the last `reset`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  /** HTTP requests, those that met a fault or were refused among them. */
  readonly requests: number
  /** Commands in them that reached a route. */
  readonly commands: number
  /** Requests whose client went away before it was answered to the end. */
  readonly aborted: number
}

/**
 * @since 0.1.0
 * @category tags
 */
export class UpstashLocal extends Context.Tag("@larder/upstash-local/UpstashLocal")<
  UpstashLocal,
  {
    /** `http://127.0.0.1:port` */
    readonly url: string
    readonly token: Redacted.Redacted
    readonly requests: {
      readonly counts: Effect.Effect<Counts>
      readonly reset: Effect.Effect<void>
    }
    readonly faults: {
      /**
       * What each request meets from now on; `Fault.none` makes the server work again. Takes no time, but for the first
       * `Fault.replicaLag`.
       */
      readonly set: (fault: Fault.Fault) => Effect.Effect<void>
      /** Breaks every connection that is open now, subscriptions too. */
      readonly disconnect: Effect.Effect<void>
    }
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface ServerOptions {
  /** The token every request must carry. Default: a random one, to be read from the service. */
  readonly token?: Redacted.Redacted | undefined
  /**
   * A second token, with which nothing can be written: commands that write are answered with `NOPERM`, and so are
   * scripts that may, `KEYS`, `SCAN` and event streams. Default: none.
   */
  readonly readOnlyToken?: Redacted.Redacted | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** The address to listen on. Default `127.0.0.1`: this machine only. */
  readonly host?: string | undefined
  /** The largest body of a request, in bytes. Default 10 MiB, Upstash's own limit. */
  readonly maximumBytes?: number | undefined
}

/**
 * The server's options, and where its redis-server is: `redis://user:password@host:port/db`, or the path of a unix
 * socket.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = ServerOptions & ({ readonly redisUrl: string } | { readonly unixSocket: string })

const cannotListen = (cause: unknown, host: string, port: number): UpstashLocalError =>
  cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
    ? new UpstashLocalError({ reason: "PortTaken", message: `port ${port} of ${host} is taken` })
    : new UpstashLocalError({
        reason: "CannotListen",
        message: `cannot listen on port ${port} of ${host}: ${cause instanceof Error ? cause.message : String(cause)}`
      })

const nothing: Counts = { requests: 0, commands: 0, aborted: 0 }

/**
 * Starts a server that ends with the scope, its open requests included.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Context.Tag.Service<UpstashLocal>, UpstashLocalError, Scope.Scope> =>
  Effect.gen(function* () {
    const token = options.token ?? Redacted.make(randomBytes(24).toString("base64url"))
    const host = options.host ?? "127.0.0.1"
    let counts = nothing

    const connection = yield* Effect.mapError(
      Connection.make(options),
      () =>
        new UpstashLocalError({
          reason: "RedisUnreachable",
          message: "no redis-server answers at the address given"
        })
    )
    const replica = yield* Replica.make(connection, options)
    const server = yield* Server.make({
      host,
      port: options.port ?? 0,
      app: App.make({
        connection,
        replica,
        token,
        readOnlyToken: options.readOnlyToken,
        maximumBytes: options.maximumBytes ?? 10 * 1024 * 1024,
        onCommands: (count) => (counts = { ...counts, commands: counts.commands + count })
      }),
      onRequest: () => (counts = { ...counts, requests: counts.requests + 1 }),
      onAbort: () => (counts = { ...counts, aborted: counts.aborted + 1 })
    }).pipe(Effect.mapError(({ cause }) => cannotListen(cause, host, options.port ?? 0)))
    return {
      url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
      token,
      requests: {
        counts: Effect.sync(() => counts),
        reset: Effect.sync(() => void (counts = nothing))
      },
      faults: {
        set: (fault) =>
          Effect.zipRight(
            fault._tag === "ReplicaLag" ? replica.lag(fault.duration) : replica.leave,
            Effect.sync(() => server.setFault(fault))
          ),
        disconnect: Effect.sync(server.disconnect)
      }
    }
  })

/**
 * In front of a redis-server that runs already.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<UpstashLocal, UpstashLocalError> =>
  Layer.scoped(UpstashLocal, make(options))

/**
 * In front of a redis-server of its own, which is in the layer as well: freeze or stop it to see an outage behind a
 * server that still answers. Fails where there is no `redis-server` on the PATH.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWithRedis = (
  options: ServerOptions & { readonly redis?: RedisServer.Options | undefined } = {}
): Layer.Layer<UpstashLocal | RedisServer.RedisServer, UpstashLocalError | RedisServer.RedisServerError> =>
  Layer.scoped(
    UpstashLocal,
    Effect.flatMap(RedisServer.RedisServer, ({ url }) => make({ ...options, redisUrl: url }))
  ).pipe(Layer.provideMerge(RedisServer.layerWith(options.redis ?? {})))

/**
 * Whether `layerWithRedis` finds a `redis-server`.
 *
 * @since 0.1.0
 * @category environment
 */
export const available: Effect.Effect<boolean> = RedisServer.available
