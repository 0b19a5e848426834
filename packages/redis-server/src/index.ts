/**
 * A redis-server, or a cluster of them, of its own for a test, a demo or a local server.
 *
 * @since 0.1.0
 */
export * as RedisCluster from "./RedisCluster.js"
export * as RedisServer from "./RedisServer.js"
