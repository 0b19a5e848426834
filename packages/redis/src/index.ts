/**
 * Native Redis and Valkey for Larder.
 *
 * @since 0.1.0
 */
export * as IoredisClient from "./IoredisClient.js"
export * as RedisCache from "./RedisCache.js"
export * as RedisStore from "./RedisStore.js"
