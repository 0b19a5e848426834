/**
 * Upstash Redis for Larder, over HTTP.
 *
 * @since 0.1.0
 */
export * as UpstashCache from "./UpstashCache.js"
export * as UpstashClient from "./UpstashClient.js"
export * as UpstashStore from "./UpstashStore.js"
