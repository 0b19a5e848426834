/**
 * A bus over Redis's channels, native or over HTTP, whatever `RedisClient` is provided.
 *
 * Give the store and the bus one client and one prefix: the store's scripts then publish what they invalidate, so that
 * an invalidation that is acknowledged has been told, and each message counts, so that a lost one is noticed.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as redisBus from "./internal/redisBus.js"
import { InvalidationBus } from "./InvalidationBus.js"
import { RedisClient } from "./RedisClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface RedisBusOptions {
  /** What the store's keys begin with; the channel's name begins with it too. Default `larder:`. */
  readonly keyPrefix?: string | undefined
  /**
   * Whether Redis also tells what anybody else does to the keys of the store: a writer that is not Larder's, `DEL` by
   * hand, expiry and eviction. It costs a message to each instance for each key that is written. Default `false`. With a
   * client that cannot (a cluster, Upstash) it is a warning in the log.
   */
  readonly tracking?: boolean | undefined
}

/**
 * A bus over the client of the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: RedisBusOptions = {}
): Effect.Effect<Context.Tag.Service<InvalidationBus>, never, RedisClient> =>
  Effect.flatMap(RedisClient, (client) =>
    redisBus.make(client, options.keyPrefix ?? "larder:", options.tracking ?? false)
  )

/**
 * A bus under a prefix of its own.
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
