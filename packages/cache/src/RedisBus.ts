/**
 * A bus over Redis, native or over HTTP, whatever `RedisClient` is provided.
 *
 * Give the store and the bus one client and one prefix: the store's scripts then tell what they invalidate, so that
 * an invalidation that is acknowledged has been told, and each message counts, so that a lost one is noticed.
 *
 * - `PubSub`: a channel, over a connection that is held. An invalidation is heard at once.
 * - `Stream`: a stream that instances read in turns, for those who cannot hold a subscription. An invalidation is heard
 *   within the poll interval, and each instance sends a command in each. In return a short outage is no gap: what could
 *   not be read is read later. The stream keeps about the last 10 000 messages; whoever falls behind them notices, and
 *   believes nothing from before.
 *
 * All instances take the same one: what is told on the other is missed, and noticed by its count.
 *
 * @since 0.1.0
 */
import * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { ConfigurationError } from "./CacheError.js"
import * as redisBus from "./internal/redisBus.js"
import * as redisOptions from "./internal/redisOptions.js"
import * as redisStreamBus from "./internal/redisStreamBus.js"
import { InvalidationBus } from "./InvalidationBus.js"
import { RedisClient } from "./RedisClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface RedisBusOptions {
  /**
   * What the store's keys begin with; the names of channel and stream begin with it too. A text without braces. Default
   * `larder:`.
   */
  readonly keyPrefix?: string | undefined
  /** `PubSub` or `Stream`. Default `PubSub`. */
  readonly bus?: "PubSub" | "Stream" | undefined
  /** Of `Stream`: the pause between two readings. `DurationInput`, at least 10 ms. Default 500 ms. */
  readonly pollInterval?: Duration.DurationInput | undefined
  /**
   * Whether Redis also tells what anybody else does to the keys of the store: a writer that is not Larder's, `DEL` by
   * hand, expiry and eviction. It costs a message to each instance for each key that is written. Default `false`. With a
   * client that cannot (a cluster, Upstash), and with `Stream`, it is a warning in the log.
   */
  readonly tracking?: boolean | undefined
}

/**
 * A bus over the client of the context. Throws a `ConfigurationError` when an option is not usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: RedisBusOptions = {}
): Effect.Effect<Context.Tag.Service<InvalidationBus>, never, RedisClient> => {
  const chosen = redisOptions.bus("", options)
  const { bus, keyPrefix = "larder:", pollInterval = Duration.millis(500), tracking = false } = chosen
  return Effect.flatMap(RedisClient, (client) => {
    if (bus !== "Stream") return redisBus.make(client, keyPrefix, tracking)
    const stream = redisStreamBus.make(client, keyPrefix, Duration.toMillis(pollInterval))
    return tracking
      ? Effect.zipRight(Effect.logWarning("a stream cannot tell what others do: the bus goes without tracking"), stream)
      : stream
  })
}

/**
 * The options of a store and a bus as an adapter takes them, whose options come from an environment: a `ConfigError`
 * that names the option when one is not usable.
 *
 * @since 0.1.0
 * @category options
 */
export const checked = <A extends RedisBusOptions>(options: A): Either.Either<A, ConfigError.ConfigError> =>
  Either.try({
    try: () => (redisOptions.bus("", options), options),
    catch: (error) =>
      error instanceof ConfigurationError
        ? ConfigError.InvalidData([error.where], error.detail)
        : ConfigError.InvalidData([], "not usable")
  })

/**
 * A bus with options. Throws a `ConfigurationError` when one is not usable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: RedisBusOptions): Layer.Layer<InvalidationBus, never, RedisClient> =>
  Layer.effect(InvalidationBus, make(options))

/**
 * A bus under `larder:`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<InvalidationBus, never, RedisClient> = Layer.effect(InvalidationBus, make())
