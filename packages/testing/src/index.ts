/**
 * What a test of a cache needs: the suite that every store passes, a store that fails on demand, and `describe` for
 * tests that start a real Redis server.
 *
 * @since 0.1.0
 */
export * as Faults from "./Faults.js"
export * as StoreSuite from "./StoreSuite.js"
export { describeWithRedis } from "./DescribeWithRedis.js"
