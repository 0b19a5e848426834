/** `pnpm serve`. */
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { explain } from "./Explain.js"
import * as CommandLine from "./http/CommandLine.js"
import * as Port from "./http/Port.js"
import * as Server from "./http/Server.js"
import * as Service from "./live/Service.js"

/** On a slow machine there is nothing else to be seen for half a minute. */
const preparing = "Preparing the database, and seeding it where it is empty …"

const served = (options: CommandLine.Options) =>
  HttpServer.addressFormattedWith((url) =>
    Console.error(`The feature flags are at ${url}, their documentation at ${url}/docs. Ctrl-C ends it.`)
  ).pipe(Effect.zipRight(Effect.never), Effect.provide(Layer.provide(Server.layer(options), Service.layer(options))))

const serve = (options: CommandLine.Options) =>
  Port.check(options).pipe(
    Effect.zipRight(Console.error(preparing)),
    Effect.zipRight(served(options)),
    Effect.tapErrorCause((cause) => Console.error(explain(cause)))
  )

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onSuccess: (options) => (options.help ? Effect.as(Console.log(CommandLine.usage), 0) : serve(options))
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
    teardown: (exit, end) => end(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? 0 : code)
  }
)
