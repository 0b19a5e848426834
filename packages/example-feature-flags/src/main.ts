/** `pnpm demo`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { acts } from "./acts/index.js"
import * as Claims from "./Claims.js"
import * as CommandLine from "./CommandLine.js"
import * as Demo from "./Demo.js"
import { explain } from "./Explain.js"
import * as Live from "./live/Live.js"
import { timed } from "./Load.js"
import { Stage } from "./Stage.js"
import * as Story from "./Story.js"

type AnyAct = (typeof acts)[number]["act"]

const onStage = Effect.gen(function* () {
  const code = yield* Demo.play<Effect.Effect.Error<AnyAct>, Effect.Effect.Context<AnyAct>>(acts)
  const { chosen } = yield* Stage
  const sent = Option.isSome(chosen.commands)
    ? `${Story.count(yield* chosen.commands.value)} commands went to Redis. `
    : ""
  return { code, sent }
})

const demo = (options: CommandLine.Options) =>
  Effect.gen(function* () {
    const story = yield* Story.Story
    yield* story.title("Feature flags of a real SQL database, cached by Larder")
    const [{ code, sent }, took] = yield* timed(Effect.provide(onStage, Live.layer(options)))
    yield* story.aside(`${sent}It took ${(took / 1000).toFixed(0)} s.`)
    return code
  }).pipe(
    Effect.provide(Claims.layer),
    Effect.tapErrorCause((cause) => Console.error(`\n${explain(cause)}`)),
    Effect.provide(Story.layerStdout)
  )

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: (options) => (options.help ? Effect.as(Console.log(CommandLine.usage), 0) : demo(options))
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
