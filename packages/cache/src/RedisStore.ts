/**
 * A store on a Redis server, or on anything that speaks its commands and its Lua: over a native connection or over
 * HTTP, whatever `RedisClient` is provided. It needs Redis 6.2 or later.
 *
 * Reads are one `MGET` for all fibers of a turn. Everything else is a script that the server carries out as a whole.
 * On a cluster both are two round trips, one where the keys lie and one where the tags lie; what holds is the same.
 * Every key it writes has a time to live, so what is abandoned goes away by itself.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as redisOptions from "./internal/redisOptions.js"
import * as redisStore from "./internal/redisStore.js"
import { RedisClient } from "./RedisClient.js"
import { Store } from "./Store.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface RedisStoreOptions {
  /**
   * What all its keys begin with. Stores with one prefix on one server are one store; with different prefixes they
   * know nothing of each other. Default `larder:`. A text without braces: what a cluster keeps in one slot is named by
   * them.
   */
  readonly keyPrefix?: string | undefined
}

/**
 * A store over the client of the context. Throws a `ConfigurationError` when an option is not usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: RedisStoreOptions = {}
): Effect.Effect<Context.Tag.Service<Store>, never, RedisClient> => {
  const { keyPrefix = "larder:" } = redisOptions.store("", options)
  return Effect.flatMap(RedisClient, (client) => redisStore.make(client, keyPrefix))
}

/**
 * A store under a prefix of its own. Throws a `ConfigurationError` when that is not usable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: RedisStoreOptions): Layer.Layer<Store, never, RedisClient> =>
  Layer.effect(Store, make(options))

/**
 * A store under `larder:`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Store, never, RedisClient> = Layer.effect(Store, make())
