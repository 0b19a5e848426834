/** What the options of a store and of a bus on Redis may be. */
import type { RedisBusOptions } from "../RedisBus.js"
import type { RedisStoreOptions } from "../RedisStore.js"
import * as allowed from "./allowed.js"

const keyPrefix = allowed.shaped<string>(
  "a text without braces",
  (given) => typeof given === "string" && !/[{}]/.test(given)
)

/** Throws a `ConfigurationError` when one is not usable. */
export const store = allowed.parts({ keyPrefix } satisfies allowed.Rules<RedisStoreOptions>)

/** Throws a `ConfigurationError` when one is not usable. */
export const bus = allowed.parts({
  keyPrefix,
  bus: allowed.oneOf("PubSub", "Stream"),
  pollInterval: allowed.duration(10),
  tracking: allowed.boolean
} satisfies allowed.Rules<RedisBusOptions>)
