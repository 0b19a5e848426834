/** `pnpm simulate`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as World from "@larder/testing/World"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as CommandLine from "./CommandLine.js"
import * as Report from "./Report.js"

// Failures are part of every history; their stacks are of no use and cost more than all else.
Error.stackTraceLimit = 0

const runsAtATime = 25
const lastSeed = 0x7fffffff

/** Where somebody looks on, one line is written over and over; a pipe gets the result alone. */
const progress = (text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`)
  })

const found = (violation: World.Violation) => Effect.as(Console.log(`VIOLATION ${World.explain(violation)}`), 1)

/** One scenario, with everything that happens in it. */
const again = (seed: number, path: string) =>
  Effect.gen(function* () {
    const scenario = World.find({ seed, path })
    if (Option.isNone(scenario)) return yield* Effect.as(Console.error(`seed ${seed} has no path ${path}`), 2)
    const lines: Array<string> = []
    const { what } = yield* World.run(scenario.value, (line) => void lines.push(line))
    yield* Console.log(lines.join("\n"))
    if (what === undefined) return yield* Effect.as(Console.log("nothing is wrong with it"), 0)
    return yield* found({ what, scenario: scenario.value, seed, path, after: 1 })
  })

const simulate = (minutes: number, seed: number) => {
  let tally = World.nothing
  const counted = Effect.suspend(() => Effect.zipRight(progress(""), Console.log(Report.whole(tally))))
  return Effect.gen(function* () {
    // Signals are heard when the event loop has come round once, and then between runs.
    yield* Effect.sleep(0)
    const began = yield* Clock.currentTimeMillis
    const end = began + minutes * 60_000
    yield* Console.log(`seed      ${seed}`)
    for (let next = seed; (yield* Clock.currentTimeMillis) < end; next = next === lastSeed ? 0 : next + 1) {
      const result = yield* World.simulate({ seed: next, runs: runsAtATime })
      tally = World.combine(tally, result.tally)
      if (result.violation !== undefined) {
        yield* counted
        return yield* found(result.violation)
      }
      const left = Math.max(0, end - (yield* Clock.currentTimeMillis)) / 60_000
      yield* progress(`${Report.line(tally)}; ${left.toFixed(1)} minutes left`)
      yield* Effect.sleep(0)
    }
    yield* counted
    yield* Console.log("no answer was wrong, and nothing was left behind")
    return 0
  }).pipe(Effect.onInterrupt(() => Effect.zipRight(counted, Console.log("interrupted; nothing was found until then"))))
}

const begin = ({ help, minutes, path, seed }: CommandLine.Options) =>
  Effect.gen(function* () {
    if (help) return yield* Effect.as(Console.log(CommandLine.usage), 0)
    if (path !== undefined) return yield* again(seed!, path)
    return yield* simulate(minutes, seed ?? (yield* Random.nextIntBetween(0, lastSeed)))
  })

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: begin
})

NodeRuntime.runMain(
  Effect.tap(program, (answer) =>
    Effect.sync(() => {
      code = answer
    })
  ),
  { teardown: (exit, end) => end(Exit.isFailure(exit) && Exit.isInterrupted(exit) ? 130 : code) }
)
