/**
 * A `RedisClient` over ioredis for tests against a real server, in either encoding. It counts what it sends, and can
 * be told to send every command twice.
 */
import { Redis } from "ioredis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { RedisServer } from "@larder/redis-server/RedisServer"
import { type Command, RedisClient, RedisError, type Reply } from "../../src/RedisClient.js"

/** What a test sees and does beside the store. */
export class Wire extends Context.Tag("test/Wire")<
  Wire,
  {
    /** Every command that was sent, by round trip. */
    readonly sent: Array<ReadonlyArray<Command>>
    /** Sends each command a second time, and answers the first reply. */
    twice: boolean
    /** Sends nothing, for ever. */
    hang: boolean
    /** How many round trips were given up. */
    interrupted: number
    /** A command of the test's own, as text. */
    readonly ask: (name: string, ...args: ReadonlyArray<string | Uint8Array>) => Effect.Effect<unknown, Error>
  }
>() {}

const outcome = (error: Error | null, reply: unknown): Either.Either<Reply, RedisError> => {
  if (error === null) return Either.right(reply as Reply)
  const code = /^[A-Z]+/.exec(error.message)?.[0] ?? ""
  const refused = error.name === "ReplyError"
  return Either.left(new RedisError({ reason: refused ? "Rejected" : "Unavailable", code, detail: "" }))
}

export const layer = (encoding: "text" | "bytes"): Layer.Layer<RedisClient | Wire, never, RedisServer> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const { host, port } = yield* RedisServer
      const redis = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const options = { enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => 10 }
          const redis = new Redis({ host, port, ...options }).on("error", () => {})
          await redis.connect()
          return redis
        }),
        (redis) => Effect.sync(() => redis.disconnect())
      )
      const ask = (name: string, ...args: ReadonlyArray<string | Uint8Array>) =>
        Effect.tryPromise({
          try: () => redis.call(name, ...(args as Array<string | Buffer>)),
          catch: (cause) => cause as Error
        })
      const wire: Wire["Type"] = { sent: [], twice: false, hang: false, interrupted: 0, ask }

      const send = (commands: ReadonlyArray<Command>) =>
        Effect.promise(async () => {
          const pipeline = redis.pipeline()
          const times = wire.twice ? 2 : 1
          for (const [name, ...given] of commands) {
            // ioredis writes a Uint8Array as its numbers with commas between them.
            const args = given.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg)))
            for (let i = 0; i < times; i++) {
              if (encoding === "bytes") pipeline.callBuffer(name, ...(args as Array<string>))
              else pipeline.call(name, ...(args as Array<string>))
            }
          }
          const replies = (await pipeline.exec()) ?? []
          return commands.map((_, i) => outcome(...replies[i * times]!))
        })

      return Context.empty().pipe(
        Context.add(Wire, wire),
        Context.add(RedisClient, {
          name: "redis",
          encoding,
          cluster: false,
          send: (commands) =>
            Effect.suspend(() => {
              wire.sent.push(commands)
              return wire.hang ? Effect.never : send(commands)
            }).pipe(Effect.onInterrupt(() => Effect.sync(() => wire.interrupted++))),
          publish: (channel, message) => Effect.orDie(Effect.asVoid(ask("PUBLISH", channel, message))),
          subscribe: () => Stream.never
        })
      )
    })
  )
