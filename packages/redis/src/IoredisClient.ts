/**
 * Native Redis or Valkey over ioredis, as the client that `RedisStore` asks for: bytes in and out, one write for a list
 * of commands, no retries and no batching of its own.
 *
 * It connects behind the program's back and never gives up: a server that is away when the program starts, or goes away
 * later, costs failed commands, each at once, and nothing else. Commands of the first moments wait for the first attempt
 * to connect. Interrupting a command detaches from it: it may be carried out all the same.
 *
 * @since 0.1.0
 */
import { RedisClient } from "@larder/cache/RedisClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { RedisOptions } from "ioredis"
import * as Door from "./internal/door.js"
import * as Link from "./internal/link.js"
import * as Sender from "./internal/sender.js"
import * as Settings from "./internal/settings.js"
import * as Subscription from "./internal/subscription.js"
import * as Tracking from "./internal/tracking.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Node {
  readonly host: string
  /** Default 6379, for a sentinel 26379. */
  readonly port?: number | undefined
}

/**
 * Node's options for TLS: `{ ca, cert, key, servername }` and others. As ioredis names them, so that whoever has no types
 * of Node can compile all the same.
 *
 * @since 0.1.0
 * @category models
 */
export type TlsOptions = NonNullable<RedisOptions["tls"]>

/**
 * Where the server is. One of `url`, `host`, `path`, `sentinels` and `cluster` is needed, and no more than one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * `redis://user:password@host:6379/0`, `rediss://` for TLS, `unix:///path`. Everything but the host may be missing;
   * user and password are percent-encoded. White space around it is ignored.
   */
  readonly url?: string | Redacted.Redacted | undefined
  readonly host?: string | undefined
  /** Default 6379. */
  readonly port?: number | undefined
  /** The path of a unix socket. */
  readonly path?: string | undefined
  /** Sentinels that know the primary as `masterName`; those that answer are asked again for each connection. */
  readonly sentinels?: ReadonlyArray<Node> | undefined
  readonly masterName?: string | undefined
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: Redacted.Redacted | undefined
  /** Some nodes of a cluster, which tell of the others. */
  readonly cluster?: ReadonlyArray<Node> | undefined
  /** Where nodes are to be reached that tell of each other by addresses of a network of their own: by `host:port`. */
  readonly natMap?: { readonly [address: string]: { readonly host: string; readonly port: number } } | undefined
  /** An ACL user. Default: the server's default user. */
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  /** The number of a database. Default 0. */
  readonly database?: number | undefined
  /** TLS, with Node's options for it where there are any: `{ ca, cert, key, servername }`. Default: as the URL says. */
  readonly tls?: boolean | TlsOptions | undefined
  /** The longest an attempt to connect may take, everything until the first command included. Default 2 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * The longest a round trip may take. A connection that is silent for as long while it owes replies is closed and made
   * anew, which fails everything that waits on it. Default 1 second.
   */
  readonly commandTimeout?: Duration.DurationInput | undefined
  /**
   * How many commands may wait for replies; what is beyond fails at once. Every 4 kB of a command count as one more.
   * Default 10 000.
   */
  readonly maxInFlight?: number | undefined
}

const fromSettings = (
  settings: Settings.Settings
): Effect.Effect<Context.Tag.Service<RedisClient>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const door = Door.make(settings)
    const link = yield* Link.make(door.commands)
    const send = yield* Sender.make(link, settings)
    return {
      name: "redis",
      encoding: "bytes",
      cluster: settings.target._tag === "Cluster",
      send,
      publish: (channel, message) =>
        Effect.asVoid(Effect.flatMap(send([["PUBLISH", channel, message]]), ([outcome]) => outcome!)),
      subscribe: (channel) => Subscription.subscribe(door.messages, channel),
      ...(settings.target._tag === "Cluster"
        ? {}
        : { changes: (prefix: string) => Tracking.changes(door.messages, link, prefix) })
    }
  })

/**
 * A client whose connections end with the scope. It is there at once, whether the server is or not. Fails with
 * `InvalidData` or `MissingData` when the options cannot be used; the error names the option, not its value.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Context.Tag.Service<RedisClient>, ConfigError.ConfigError, Scope.Scope> =>
  Effect.flatMap(Settings.make(options), fromSettings)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<RedisClient, ConfigError.ConfigError> =>
  Layer.scoped(RedisClient, make(options))

/**
 * From a configuration of your own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (config: Config.Config.Wrap<Options>): Layer.Layer<RedisClient, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(config), layer))
