/** Registers tests that need a real PostgreSQL. */
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import * as PostgresServer from "./PostgresServer.js"

/**
 * `describe`, for tests that start a server. Where there is none they are skipped, and the title says why and how to
 * get one; with `LARDER_REQUIRE_POSTGRES=1` they run, and fail.
 */
export const describeWithPostgres = (name: string, tests: () => void): void => {
  if (process.env["LARDER_REQUIRE_POSTGRES"] === "1" || Effect.runSync(PostgresServer.available)) describe(name, tests)
  else describe.skip(`${name} (skipped: no PostgreSQL found: ${PostgresServer.installHint})`, tests)
}
