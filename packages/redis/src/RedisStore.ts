/**
 * Redis or Valkey as the store of a cache, and as the bus between its instances: Larder's one Redis store, over a native
 * connection. The bus connects when a cache listens to it, as one of `Cache.layerWithBus` does.
 *
 * A service that must have Redis uses `layer` or `layerConfig`, which know no fallback; one that may do without reads
 * `RedisCache`. `@larder/cache/RedisStore` is the same store over a client of your own.
 *
 * @since 0.1.0
 */
import type { InvalidationBus } from "@larder/cache/InvalidationBus"
import * as RedisBus from "@larder/cache/RedisBus"
import * as Generic from "@larder/cache/RedisStore"
import type { Store } from "@larder/cache/Store"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as IoredisClient from "./IoredisClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends IoredisClient.Options, RedisBus.RedisBusOptions {
  /** Goes before every key that the store writes, so that several programs share a database. A text without braces. Default `larder:`. */
  readonly keyPrefix?: string | undefined
}

/**
 * Fails with a `ConfigError` that names the option when one is not usable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Store | InvalidationBus, ConfigError.ConfigError> =>
  Layer.unwrapEffect(
    Effect.map(RedisBus.checked(options), (checked) =>
      Layer.provide(Layer.merge(Generic.layerWith(checked), RedisBus.layerWith(checked)), IoredisClient.layer(checked))
    )
  )

/**
 * From a configuration of your own.
 *
 * @example
 * import { RedisStore } from "@larder/redis"
 * import * as Config from "effect/Config"
 * import * as Layer from "effect/Layer"
 *
 * const Live = RedisStore.layerConfig({ url: Config.redacted("CACHE_URL") })
 *
 * Layer.isLayer(Live) // => true
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Options>
): Layer.Layer<Store | InvalidationBus, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(config), layer))
