/**
 * What a test of a cache needs: the suite that every store passes, a store that fails on demand, a record of what the
 * cache did, values for property tests, a simulated world of instances, and `describe` for tests that start a real Redis server.
 *
 * @since 0.1.0
 */
export * as Arbitraries from "./Arbitraries.js"
export * as Faults from "./Faults.js"
export * as Recorder from "./Recorder.js"
export * as StoreSuite from "./StoreSuite.js"
export * as World from "./World.js"
export { describeWithRedis } from "./DescribeWithRedis.js"
