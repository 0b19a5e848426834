/**
 * The cache that the environment asks for: Upstash where its two variables are set, memory where neither is.
 *
 * | `UPSTASH_REDIS_REST_URL` | `UPSTASH_REDIS_REST_TOKEN` | |
 * |---|---|---|
 * | set | set | Upstash |
 * | not | not | the same question is asked of `KV_REST_API_URL` and `KV_REST_API_TOKEN`, then memory |
 * | one of them | | a `ConfigError` that names the other |
 *
 * A blank variable is not set, and white space around a value is no part of it. The two pairs are never mixed: a token
 * is not sent to the host of another database.
 *
 * `REDIS_URL`, the address of a native Redis, is another package's: `RedisCache` of `@larder/redis` has the rule with
 * it. Here it is never used, and one warning says so where it is set.
 *
 * @since 0.1.0
 */
import * as Cache from "@larder/cache/Cache"
import { type InvalidationBus, layerMemory as busInMemory } from "@larder/cache/InvalidationBus"
import * as RedisBus from "@larder/cache/RedisBus"
import type { Reporter } from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Environment from "./internal/environment.js"
import * as UpstashStore from "./UpstashStore.js"

/**
 * What was chosen. `sentence` says it, and why, for people; `warning` is there where somebody may have expected
 * something else. Neither holds a secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Choice =
  | { readonly _tag: "Memory"; readonly sentence: string; readonly warning?: string }
  | {
      readonly _tag: "Upstash"
      readonly host: string
      readonly variables: { readonly url: string; readonly token: string }
      readonly sentence: string
      readonly warning?: string
    }

const describe = (choice: Environment.Choice): Choice => {
  if (choice._tag === "Memory") {
    const unset = Environment.pairs.map(({ url }) => url).join(" nor ")
    const warning = `${Environment.redisUrl} is not used: it needs RedisCache.layerFromEnv of @larder/redis`
    return {
      _tag: "Memory",
      sentence: `the cache is this process's memory: neither ${unset} is set`,
      ...(choice.redisUrlIsSet ? { warning } : {})
    }
  }
  const { host } = new URL(choice.settings.url)
  const { token, url } = choice.variables
  return {
    _tag: "Upstash",
    host,
    variables: { url, token },
    sentence: `the cache is Upstash at ${host}, from ${url} and ${token}`,
    ...(choice.redisUrlIsSet ? { warning: `${Environment.redisUrl} is not used: ${url} and ${token} are set too` } : {})
  }
}

/**
 * What `storeFromEnv` and `layerFromEnv` choose here.
 *
 * @example
 * import { UpstashCache } from "@larder/upstash"
 * import * as ConfigProvider from "effect/ConfigProvider"
 * import * as Effect from "effect/Effect"
 *
 * const environment = new Map([
 *   ["UPSTASH_REDIS_REST_URL", "https://eu1-merry-cat.upstash.io"],
 *   ["UPSTASH_REDIS_REST_TOKEN", "secret"]
 * ])
 * const choice = Effect.withConfigProvider(UpstashCache.choice, ConfigProvider.fromMap(environment))
 *
 * Effect.runSync(choice)._tag // => "Upstash"
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
      const { sentence, warning } = describe(choice)
      if (warning !== undefined) yield* Effect.logWarning(warning)
      if (choice._tag === "Upstash") {
        yield* Effect.logDebug(sentence)
        return UpstashStore.layer({ ...options, ...choice.settings })
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
 * import { UpstashCache } from "@larder/upstash"
 * import * as Layer from "effect/Layer"
 *
 * const CacheLive = Layer.provide(UpstashCache.layerFromEnv, Reporter.layerLog)
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
