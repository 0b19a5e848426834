/**
 * The cache that the environment asks for.
 *
 * | Upstash's two variables | `REDIS_URL` | |
 * |---|---|---|
 * | set | not | Upstash |
 * | set | set | Upstash, and one warning |
 * | not | set | Redis or Valkey at that address |
 * | not | not | memory, said once as information |
 *
 * Upstash's variables are those of `UpstashCache` of `@larder/upstash`, and half of them is an error here as it is
 * there. A blank variable is not set, and white space around a value is no part of it.
 *
 * @since 0.1.0
 */
import * as Cache from "@larder/cache/Cache"
import { type InvalidationBus, layerMemory as busInMemory } from "@larder/cache/InvalidationBus"
import * as RedisBus from "@larder/cache/RedisBus"
import type { Reporter } from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import { UpstashCache } from "@larder/upstash"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Environment from "./internal/environment.js"
import * as RedisStore from "./RedisStore.js"

/**
 * What was chosen. `sentence` says it, and why, for people; `warning` is there where somebody may have expected
 * something else. Neither holds a secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Choice =
  | { readonly _tag: "Memory"; readonly sentence: string }
  | Extract<UpstashCache.Choice, { readonly _tag: "Upstash" }>
  | {
      readonly _tag: "Redis"
      /** `host:port`, or the path of a unix socket. */
      readonly address: string
      readonly variable: string
      readonly sentence: string
    }

const describe = (choice: Environment.Choice): Choice => {
  switch (choice._tag) {
    case "Upstash":
      return choice
    case "Memory":
      return { _tag: "Memory", sentence: `${choice.sentence}, nor is ${Environment.variable}` }
    case "Redis": {
      const { target } = choice.settings
      const place = target._tag === "Single" ? target.address : { path: target._tag }
      const address = "path" in place ? place.path : `${place.host}:${place.port}`
      const { variable } = Environment
      return { _tag: "Redis", address, variable, sentence: `the cache is Redis at ${address}, from ${variable}` }
    }
  }
}

/**
 * What `storeFromEnv` and `layerFromEnv` choose here.
 *
 * @example
 * import { RedisCache } from "@larder/redis"
 * import * as ConfigProvider from "effect/ConfigProvider"
 * import * as Effect from "effect/Effect"
 *
 * const environment = new Map([["REDIS_URL", "redis://:secret@localhost:6379"]])
 * const choice = Effect.withConfigProvider(RedisCache.choice, ConfigProvider.fromMap(environment))
 *
 * Effect.runSync(choice).sentence // => "the cache is Redis at localhost:6379, from REDIS_URL"
 *
 * @since 0.1.0
 * @category environment
 */
export const choice: Effect.Effect<Choice, ConfigError.ConfigError> = Effect.map(Environment.choice, describe)

/**
 * @since 0.1.0
 * @category models
 */
export interface StoreOptions extends Pick<RedisBus.RedisBusOptions, "keyPrefix" | "bus" | "pollInterval"> {}

/**
 * The store of that choice and its bus, with options.
 *
 * @since 0.1.0
 * @category layers
 */
export const storeFromEnvWith = (
  options: StoreOptions
): Layer.Layer<Store.Store | InvalidationBus, ConfigError.ConfigError> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      // Also where memory is chosen, as on the machine of whoever wrote them.
      yield* RedisBus.checked(options)
      const choice = yield* Environment.choice
      // It says itself what it took, and warns.
      if (choice._tag === "Upstash") return UpstashCache.storeFromEnvWith(options)
      const { sentence } = describe(choice)
      if (choice._tag === "Redis") {
        yield* Effect.logDebug(sentence)
        return RedisStore.layer({ ...options, url: choice.url })
      }
      // Somebody may have expected Redis.
      yield* Effect.logInfo(sentence)
      return Layer.merge(Store.layerMemory, busInMemory)
    })
  )

/**
 * The store of that choice, and its bus. Memory is said once in the log, as information.
 *
 * @since 0.1.0
 * @category layers
 */
export const storeFromEnv: Layer.Layer<Store.Store | InvalidationBus, ConfigError.ConfigError> = storeFromEnvWith({})

/**
 * A cache over the store of that choice.
 *
 * @example
 * import { Reporter } from "@larder/cache"
 * import { RedisCache } from "@larder/redis"
 * import * as Layer from "effect/Layer"
 *
 * const CacheLive = Layer.provide(RedisCache.layerFromEnv, Reporter.layerLog)
 *
 * Layer.isLayer(CacheLive) // => true
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromEnv: Layer.Layer<Cache.Cache, ConfigError.ConfigError, Reporter> = Layer.provide(
  Cache.layer,
  storeFromEnv
)

/**
 * A cache over the store of that choice, with values in memory above it, that tells other instances what it invalidates
 * and hears from them.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWithBusFromEnv: Layer.Layer<Cache.Cache, ConfigError.ConfigError, Reporter> = Layer.provide(
  Cache.layerWithBus(),
  storeFromEnv
)
