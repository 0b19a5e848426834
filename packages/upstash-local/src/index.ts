/**
 * An Upstash-compatible REST server in front of a real redis-server, for development and tests.
 *
 * @since 0.1.0
 */
export * as Fault from "./Fault.js"
export * as UpstashLocal from "./UpstashLocal.js"
