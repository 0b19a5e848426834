/** Starts what was asked for, says what a client needs to know, and lives until it is interrupted. */
import type * as RedisServer from "@larder/redis-server/RedisServer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as UpstashLocal from "../../UpstashLocal.js"
import type { Serve } from "./commandLine.js"

const advice: Record<UpstashLocal.UpstashLocalError["reason"], string> = {
  RedisUnreachable: "start it, or leave --redis-url away to have one started",
  PortTaken: "choose another with --port, or any free one with --port 0",
  CannotListen: "choose another address with --host or another port with --port"
}

const explain = (error: UpstashLocal.UpstashLocalError | RedisServer.RedisServerError): string =>
  error._tag === "UpstashLocalError"
    ? `${error.message}: ${advice[error.reason]}`
    : `${error.message}. Or name a server that runs already with --redis-url`

const layer = ({ host, port, readOnlyToken, redisUrl, token }: Serve) => {
  const redacted = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))
  const options = { host, port, token: redacted(token), readOnlyToken: redacted(readOnlyToken) }
  return redisUrl === undefined ? UpstashLocal.layerWithRedis(options) : UpstashLocal.layer({ ...options, redisUrl })
}

/**
 * The variables go to stdout, ready for a file or `eval`; words for people go to stderr. Answers the exit code of a
 * start that failed, and does not end otherwise.
 */
export const serve = (options: Serve): Effect.Effect<number> =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    yield* Console.log(`UPSTASH_REDIS_REST_URL=${url}\nUPSTASH_REDIS_REST_TOKEN=${Redacted.value(token)}`)
    const behind = options.redisUrl === undefined ? "a redis-server of its own, which is empty" : "your redis-server"
    yield* Console.error(`Serving in front of ${behind}. Ctrl-C ends it.`)
    return yield* Effect.never
  }).pipe(
    Effect.provide(layer(options)),
    Effect.catchAll((error) => Effect.as(Console.error(explain(error)), 1))
  )
