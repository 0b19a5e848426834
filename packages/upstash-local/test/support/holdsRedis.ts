/** A program that starts a redis-server, says where it is, and goes on for ever. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { RedisServer, UpstashLocal } from "../../src/index.js"

const program = Effect.gen(function* () {
  const server = yield* RedisServer.make()
  const { token, url } = yield* UpstashLocal.make({ redisUrl: server.url })
  const answer = yield* Effect.promise(async () => {
    const response = await fetch(`${url}/config/get/dir?_token=${Redacted.value(token)}`)
    return (await response.json()) as { readonly result: readonly [string, string] }
  })
  process.stdout.write(`${JSON.stringify({ port: server.port, folder: answer.result[1] })}\n`)
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(program))
