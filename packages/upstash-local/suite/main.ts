/** `pnpm upstash:suite <checkout>`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { UpstashLocal } from "../src/index.js"
import * as CommandLine from "./commandLine.js"
import * as Judge from "./judge.js"
import { knownFailures } from "./knownFailures.js"
import { run, RunFailed } from "./run.js"

const suite = (root: string) =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const outcomes = yield* run(root, {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: Redacted.value(token)
    })
    if (outcomes.length === 0) return yield* new RunFailed({ message: "the checkout has no tests" })
    const verdict = Judge.judge(outcomes, knownFailures)
    yield* Console.log(Judge.describe(verdict))
    return Judge.isGood(verdict) ? 0 : 1
  }).pipe(
    Effect.provide(UpstashLocal.layerWithRedis()),
    Effect.catchAll(({ message }) => Effect.as(Console.error(message), 2))
  )

const program = Either.match(CommandLine.parse(process.argv.slice(2), process.env["INIT_CWD"] ?? process.cwd()), {
  onLeft: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onRight: ({ root }) => (root === undefined ? Effect.as(Console.log(CommandLine.usage), 0) : suite(root))
})

NodeRuntime.runMain(program, {
  disablePrettyLogger: true,
  // Vitest has an opinion of its own about the code, and keeps threads.
  teardown: (exit) => process.exit(Exit.isSuccess(exit) ? Number(exit.value) : 1)
})
