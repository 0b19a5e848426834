/**
 * A redis-server of its own for a test, a demo or a local server.
 *
 * @since 0.1.0
 */
export * as RedisServer from "./RedisServer.js"
