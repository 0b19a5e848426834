/**
 * One project a package, so that `vitest --project cache` runs one room of the house.
 *
 * This file is the root configuration itself; `vitest.config.ts` re-exports it because vitest 4 ignores the older
 * form of a workspace file without a word.
 */
import { existsSync, readdirSync } from "node:fs"
import { defineConfig } from "vitest/config"

const packages = readdirSync("packages").filter((name) => existsSync(`packages/${name}/test`))

/** Where `.ci/run` wants a report that a program can read, beside the one for people. */
const report = process.env["LARDER_TEST_REPORT"]

export default defineConfig({
  test: {
    projects: packages.map((name) => ({
      extends: true as const,
      root: `packages/${name}`,
      test: {
        name,
        include: ["test/**/*.test.ts"],
        globalSetup: existsSync(`packages/${name}/test/globalSetup.ts`) ? ["test/globalSetup.ts"] : []
      }
    })),
    // Vitest leaves one processor to itself; tests that wait for servers leave it idle.
    minWorkers: 1,
    maxWorkers: "100%",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } })
  }
})
