/** `pnpm fleet`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { explain } from "example-feature-flags/Explain"
import * as CommandLine from "./CommandLine.js"
import * as Fleet from "./Fleet.js"
import * as Report from "./Report.js"

const progress: Fleet.Progress = {
  say: Console.error,
  interrupted: (soFar) => Effect.zipRight(Console.log(Report.untilInterrupted), print(soFar))
}

const print = (result: Fleet.Result) =>
  Effect.zipRight(Console.log(Report.table(result)), Effect.forEach(Report.details(result), Console.log))

const fleet = (request: CommandLine.Request) =>
  Effect.gen(function* () {
    const seed = request.seed ?? String(yield* Random.nextIntBetween(0, 2 ** 31 - 1))
    yield* Console.log(`seed  ${seed}`)
    const clients = request.client === undefined ? (["redis", "upstash"] as const) : [request.client]
    let worst: 0 | 1 | 3 = 0
    for (const client of clients) {
      const result = yield* Fleet.run({ ...request, client, seed }, progress)
      yield* print(result)
      const code = Report.exitCode(result)
      if (worst !== 1 && code !== 0) worst = code
    }
    return worst
  }).pipe(
    Effect.tapErrorCause((cause) => (Cause.isInterruptedOnly(cause) ? Effect.void : Console.error(explain(cause))))
  )

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: (request) => (request.help ? Effect.as(Console.log(CommandLine.usage), 0) : fleet(request))
})

NodeRuntime.runMain(
  Effect.tap(program, (answer) =>
    Effect.sync(() => {
      code = answer
    })
  ),
  {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => end(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? 130 : code)
  }
)
