/**
 * The primary that sentinels name, asked anew for each connection: after a failover the address of the last one is
 * worth nothing. The sentinel that answered is asked first the next time.
 *
 * A connection of its own for each question, ended with it: the sentinels' part of ioredis leaves timers behind, and
 * keeps asking in a loop that cannot be interrupted.
 */
import type { RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import type { Redis } from "ioredis"
import * as Connection from "./connection.js"
import { fromAnswer, isAnswer, unavailable } from "./redisError.js"
import type { Host, Settings, Target } from "./settings.js"

type SentinelTarget = Target & { readonly _tag: "Sentinel" }

const ask = <A>(question: () => Promise<A>): Effect.Effect<A, RedisError> =>
  Effect.tryPromise({
    try: question,
    catch: (error) =>
      isAnswer(error)
        ? fromAnswer(error, "the sentinel refused the question")
        : unavailable("the sentinel did not answer")
  })

const addressOf = (reply: unknown): Host | undefined =>
  Array.isArray(reply) && typeof reply[0] === "string" ? { host: reply[0], port: Number(reply[1]) } : undefined

/** Each sentinel in turn, until one knows. */
export const primary = (settings: Settings, target: SentinelTarget): Effect.Effect<Host, RedisError> => {
  let order = target.sentinels
  const own = { ...settings, database: 0 }
  const askOne = (sentinel: Host) =>
    Effect.gen(function* () {
      const { redis } = yield* Connection.open(own, sentinel, target.credentials)
      const reply = yield* ask(() => redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", target.masterName))
      const address = addressOf(reply)
      if (address === undefined) return yield* unavailable("the sentinel does not know the name of the primary")
      order = [sentinel, ...order.filter((other) => other !== sentinel)]
      return target.natMap?.[`${address.host}:${address.port}`] ?? address
    }).pipe(Effect.scoped)
  return Effect.suspend(() => Effect.firstSuccessOf(order.map(askOne)))
}

/** Sentinels may not have learnt yet that the server they name has become a replica. */
export const isPrimary = (redis: Redis): Effect.Effect<void, RedisError> =>
  Effect.tryPromise(() => redis.call("ROLE")).pipe(
    // A user who may not ask learns of it from the first write: READONLY.
    Effect.orElseSucceed(() => undefined),
    Effect.flatMap((role) =>
      Array.isArray(role) && role[0] === "slave" ? unavailable("the sentinel named a replica") : Effect.void
    )
  )
