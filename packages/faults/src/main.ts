/** `pnpm faults`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { explain } from "example-feature-flags/Explain"
import * as Story from "example-feature-flags/Story"
import * as CommandLine from "./CommandLine.js"
import * as Far from "./Far.js"
import * as Pace from "./Pace.js"
import * as Report from "./Report.js"
import * as Scenario from "./Scenario.js"
import * as Trial from "./Trial.js"
import * as Verdict from "./Verdict.js"

const faults = ({ client, only, seconds }: CommandLine.Options) =>
  Effect.gen(function* () {
    const story = yield* Story.Story
    const chosen = Scenario.all
      .filter(({ name }) => only.length === 0 || only.includes(name))
      .flatMap((scenario) =>
        scenario.clients.filter((one) => client === undefined || one === client).map((one) => [scenario, one] as const)
      )
    yield* story.title(`What callers get while a store fails: ${chosen.length} trials`)
    const rows: Array<ReadonlyArray<string>> = []
    let broken = 0
    for (const [number, [scenario, one]] of chosen.entries()) {
      yield* story.act(number + 1, `${scenario.name}, ${one}: ${scenario.what}`)
      const pace = Pace.of(scenario, seconds)
      const result = yield* story.progress("running", 1, () => Trial.run(scenario, one, pace))
      const verdicts = Verdict.judge(pace, result)
      for (const { claim, holds } of verdicts) yield* story.verdict(holds, claim)
      const holds = verdicts.every((verdict) => verdict.holds)
      if (!holds) broken += 1
      rows.push(Report.row(result, holds))
    }
    yield* story.title("All of it")
    yield* story.table([Report.heading, ...rows])
    for (const line of Report.legend) yield* story.aside(line)
    yield* story.verdict(broken === 0, broken === 0 ? "every claim held" : `${broken} rows do not hold`)
    return broken === 0 ? 0 : 1
  }).pipe(
    Effect.tapErrorCause((cause) => Console.error(`\n${explain(cause)}`)),
    Effect.provide([Story.layerStdout, Far.layer])
  )

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: (options) => (options.help ? Effect.as(Console.log(CommandLine.usage), 0) : faults(options))
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
