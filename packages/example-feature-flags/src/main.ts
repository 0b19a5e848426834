/** `pnpm demo`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { acts } from "./acts/index.js"
import * as Claims from "./Claims.js"
import * as CommandLine from "./CommandLine.js"
import * as Live from "./live/Live.js"
import { timed } from "./Load.js"
import * as Story from "./Story.js"

/** Tells the whole story; answers the exit code. */
const tell = Effect.gen(function* () {
  const story = yield* Story.Story
  const claims = yield* Claims.Claims
  for (const [i, { act, title }] of acts.entries()) {
    yield* story.act(i + 1, title)
    yield* act
  }
  const all = yield* claims.all
  const broken = all.filter(({ holds }) => !holds)
  if (broken.length === 0) yield* story.title(`All ${all.length} claims hold.`)
  else yield* story.title(`${broken.length} of ${all.length} claims do not hold:`)
  yield* Effect.forEach(broken, ({ text }) => story.verdict(false, text), { discard: true })
  return broken.length === 0 ? 0 : 1
})

const play = (options: CommandLine.Options) =>
  Effect.gen(function* () {
    const story = yield* Story.Story
    yield* story.title("Feature flags of a real SQL database, cached by Larder")
    const [code, took] = yield* timed(Effect.provide(tell, Live.layer(options)))
    yield* story.aside(`It took ${(took / 1000).toFixed(0)} s.`)
    return code
  }).pipe(
    Effect.provide(Claims.layer),
    Effect.tapErrorCause((cause) => Console.error(`\n${explain(cause)}`)),
    Effect.provide(Story.layerStdout)
  )

/** What went wrong: one line for each failure that was foreseen, everything for one that was not. */
const explain = (cause: Cause.Cause<unknown>): string =>
  Cause.isFailType(cause) && cause.error instanceof Error
    ? [cause.error.message, cause.error.cause instanceof Error ? cause.error.cause.message : ""]
        .filter(Boolean)
        .join(": ")
    : Cause.pretty(cause, { renderErrorCause: true })

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: (options) => (options.help ? Effect.as(Console.log(CommandLine.usage), 0) : play(options))
})

NodeRuntime.runMain(
  Effect.tap(program, (answer) => Effect.sync(() => void (code = answer))),
  {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => end(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? 130 : code)
  }
)
