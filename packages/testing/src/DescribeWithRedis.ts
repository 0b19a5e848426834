/**
 * Registers tests that need a real `redis-server`.
 *
 * @since 0.1.0
 */
import { describe } from "vitest"
import * as RedisServer from "./RedisServer.js"

/**
 * `describe`, for tests that start a `RedisServer`. Where there is none they are skipped, and the title says why and
 * how to get one; with `LARDER_REQUIRE_REDIS=1` they run, and fail.
 *
 * @since 0.1.0
 * @category registration
 */
export const describeWithRedis = (name: string, tests: () => void): void => {
  if (RedisServer.skipReason === undefined) describe(name, tests)
  else describe.skip(`${name} (skipped: ${RedisServer.skipReason})`, tests)
}
