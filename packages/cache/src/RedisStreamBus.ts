/**
 * A bus over a Redis stream that instances read in turns, for those who cannot hold a subscription: over HTTP where
 * connections do not last, behind proxies that drop what is silent.
 *
 * An invalidation is heard within the poll interval, and each instance sends a command in each. In return a short outage
 * is no gap: what could not be read is read later. The stream keeps about the last 10 000 messages, beside the store's
 * counter; a reader that falls behind them is told so, and then believes nothing from before.
 *
 * Give the store and the bus one client and one prefix: the store's scripts then append what they invalidate, so that an
 * invalidation that is acknowledged has been told. All instances take the same kind of bus: those of `RedisBus` are told
 * elsewhere, and miss by their count what is told here.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as redisStreamBus from "./internal/redisStreamBus.js"
import { InvalidationBus } from "./InvalidationBus.js"
import { RedisClient } from "./RedisClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface RedisStreamBusOptions {
  /** What the store's keys begin with. Default `larder:`. */
  readonly keyPrefix?: string | undefined
  /** The pause between two readings. Default 500 milliseconds; at least 10. */
  readonly pollInterval?: Duration.DurationInput | undefined
}

/**
 * A bus over the client of the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: RedisStreamBusOptions = {}
): Effect.Effect<Context.Tag.Service<InvalidationBus>, never, RedisClient> =>
  Effect.flatMap(RedisClient, (client) =>
    redisStreamBus.make(client, options.keyPrefix ?? "larder:", Duration.toMillis(options.pollInterval ?? "500 millis"))
  )

/**
 * A bus under a prefix of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: RedisStreamBusOptions): Layer.Layer<InvalidationBus, never, RedisClient> =>
  Layer.effect(InvalidationBus, make(options))

/**
 * A bus under `larder:`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<InvalidationBus, never, RedisClient> = Layer.effect(InvalidationBus, make())
