/**
 * Registers tests that need a real `redis-server`.
 *
 * @since 0.1.0
 */
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as Effect from "effect/Effect"
import { describe } from "vitest"

/**
 * `describe`, for tests that start a `RedisServer` of `@larder/redis-server`. Where there is none they are skipped, and
 * the title says why and how to get one; with `LARDER_REQUIRE_REDIS=1` they run, and fail.
 *
 * @since 0.1.0
 * @category registration
 */
export const describeWithRedis = (name: string, tests: () => void): void => {
  if (process.env["LARDER_REQUIRE_REDIS"] === "1" || Effect.runSync(RedisServer.available)) describe(name, tests)
  else describe.skip(`${name} (skipped: no redis-server on the PATH: ${RedisServer.installHint})`, tests)
}
