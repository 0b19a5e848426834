/**
 * Upstash Redis for Larder, over HTTP.
 *
 * @since 0.1.0
 */
export * as UpstashClient from "./UpstashClient.js"
