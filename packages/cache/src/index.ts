/**
 * @since 0.1.0
 */
export * as Cache from "./Cache.js"
export * as CacheEntry from "./CacheEntry.js"
export * as CacheError from "./CacheError.js"
export * as CacheEvent from "./CacheEvent.js"
export * as CacheKey from "./CacheKey.js"
export * as CacheMode from "./CacheMode.js"
export * as CachePolicy from "./CachePolicy.js"
export * as CircuitBreaker from "./CircuitBreaker.js"
export * as Codec from "./Codec.js"
export * as Epoch from "./Epoch.js"
export * as RedisClient from "./RedisClient.js"
export * as Repository from "./Repository.js"
export * as Reporter from "./Reporter.js"
export * as SingleFlight from "./SingleFlight.js"
export * as Store from "./Store.js"
export * as StoreTier from "./StoreTier.js"
