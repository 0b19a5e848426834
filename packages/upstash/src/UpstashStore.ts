/**
 * Upstash as the store of a cache, and as the bus between its instances: Larder's one Redis store, over HTTP. Reads issued
 * in the same turn are one request. The bus costs nothing until a cache listens to it, as one of `Cache.layerWithBus`
 * does: then each instance keeps an event stream open, and sends a command every 1.7 seconds, a third of
 * `memory.timeToLive`.
 *
 * A service that must have Redis uses `layerConfig`, which knows no fallback; one that may do without reads
 * `UpstashCache`.
 *
 * @since 0.1.0
 */
import type { InvalidationBus } from "@larder/cache/InvalidationBus"
import * as RedisBus from "@larder/cache/RedisBus"
import * as RedisStore from "@larder/cache/RedisStore"
import type { Store } from "@larder/cache/Store"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as UpstashClient from "./UpstashClient.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options
  extends UpstashClient.Options, Pick<RedisBus.RedisBusOptions, "keyPrefix" | "bus" | "pollInterval"> {}

/**
 * Fails with a `ConfigError` that names the option when one is not usable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Store | InvalidationBus, ConfigError.ConfigError> =>
  Layer.unwrapEffect(
    Effect.map(RedisBus.checked(options), (checked) =>
      Layer.provide(
        Layer.merge(RedisStore.layerWith(checked), RedisBus.layerWith(checked)),
        UpstashClient.layer(checked)
      )
    )
  )

/**
 * From a configuration of your own.
 *
 * @example
 * import { UpstashStore } from "@larder/upstash"
 * import * as Config from "effect/Config"
 * import * as Layer from "effect/Layer"
 *
 * const Live = UpstashStore.layerConfig({
 *   url: Config.string("CACHE_URL"),
 *   token: Config.redacted("CACHE_TOKEN")
 * })
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
