/** Runs the tests of a checkout under vitest, one file after the other: they share a database and empty it. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { tmpdir } from "node:os"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { startVitest, type TestModule } from "vitest/node"
import type { Outcome } from "./judge.js"

export class RunFailed extends Data.TaggedError("RunFailed")<{ readonly message: string }> {}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

const outcomesOf = (root: string, module: TestModule): ReadonlyArray<Outcome> => {
  const file = relative(root, module.moduleId).replaceAll("\\", "/")
  const broken = module.errors().map(({ message }) => ({ file, test: "(the file)", state: "failed" as const, message }))
  const tests = [...module.children.allTests()].map((test): Outcome => {
    const { errors, state } = test.result()
    return {
      file,
      test: test.fullName,
      state: state === "passed" || state === "failed" ? state : "skipped",
      message: errors?.[0]?.message ?? ""
    }
  })
  return [...broken, ...tests]
}

export const run = (root: string, env: Record<string, string>): Effect.Effect<ReadonlyArray<Outcome>, RunFailed> =>
  Effect.tryPromise({
    try: async () => {
      const vitest = await startVitest(
        "test",
        [],
        {
          root,
          config: false,
          watch: false,
          include: ["pkg/**/*.test.ts", "platforms/**/*.test.ts"],
          passWithNoTests: true,
          fileParallelism: false,
          isolate: false,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          silent: true,
          // What is said about the run is said at its end.
          reporters: [{}],
          dangerouslyIgnoreUnhandledErrors: true,
          env
        },
        {
          cacheDir: `${tmpdir()}/upstash-local-suite`,
          esbuild: { tsconfigRaw: "{}" },
          resolve: {
            alias: {
              "bun:test": here("./bunTest.ts"),
              "@jest/globals": here("./bunTest.ts"),
              bun: here("./bun.ts")
            }
          }
        }
      )
      const outcomes = vitest.state.getTestModules().flatMap((module) => outcomesOf(root, module))
      await vitest.close()
      return outcomes
    },
    catch: (error) => new RunFailed({ message: error instanceof Error ? error.message : String(error) })
  })
