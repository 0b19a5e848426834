/** Starts a server, prints its port, and stays until it is killed. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { RedisServer } from "../../src/index.js"

RedisServer.make().pipe(
  Effect.flatMap(({ port }) => Console.log(port)),
  Effect.zipRight(Effect.never),
  Effect.scoped,
  Effect.runFork
)
