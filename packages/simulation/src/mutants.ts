/** `pnpm simulate:mutants`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CommandLine from "./CommandLine.js"
import * as Copy from "./Copy.js"
import * as Mutant from "./Mutant.js"

/** A line of the table. */
const line = ({ breaks, name }: Mutant.Mutant, outcome: Copy.Outcome): string => {
  const row = (...cells: ReadonlyArray<string | number>) => `| ${[name, breaks, ...cells].join(" | ")} |`
  switch (outcome._tag) {
    case "Found":
      return row(outcome.runs, outcome.what.replace(/^(at \S+ ms|in the end): ?/, ""))
    case "Lives":
      return row("—", `**lives after ${outcome.runs} runs**`)
    case "Failed":
      return row("—", `**${outcome.problem.replaceAll("\n", " ")}**`)
  }
}

const mutants = ({ help, minutes, only, seed = 1 }: CommandLine.Options) =>
  Effect.gen(function* () {
    if (help) return yield* Effect.as(Console.log(CommandLine.usageOfMutants), 0)
    const unknown = only.find((name) => !Mutant.all.some((mutant) => mutant.name === name))
    if (unknown !== undefined) {
      const names = Mutant.all.map(({ name }) => name).join(" ")
      return yield* Effect.as(Console.error(`there is no mutant "${unknown}"; there are: ${names}`), 2)
    }
    const chosen = Mutant.all.filter(({ name }) => only.length === 0 || only.includes(name))
    let found = 0
    yield* Console.log("| mutant | breaks | found after | as |\n| --- | --- | --- | --- |")
    for (const mutant of chosen) {
      const outcome = yield* Copy.hunt(mutant, { millis: minutes * 60_000, runs: Infinity, seed })
      if (outcome._tag === "Found") found += 1
      yield* Console.log(line(mutant, outcome))
    }
    yield* Console.log(`\n${found} of ${chosen.length} mutants found`)
    return found === chosen.length ? 0 : 1
  })

let code = 1

const program = Effect.matchEffect(CommandLine.parseOfMutants(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usageOfMutants}`), 2),
  onSuccess: mutants
})

NodeRuntime.runMain(
  Effect.tap(program, (answer) =>
    Effect.sync(() => {
      code = answer
    })
  ),
  { teardown: (_, end) => end(code) }
)
