/** One connection to a redis-server, and what can be sent over it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Command as RedisCommand, Redis, type RedisOptions } from "ioredis"
import type { Command } from "./command.js"
import { Refusal } from "./refusal.js"

/** `redis://…`, or the path of a unix socket. */
export type Address = { readonly redisUrl: string } | { readonly unixSocket: string }

export const unreachable = new Refusal({
  status: 500,
  error: "the redis-server behind this server cannot be reached"
})

const options = {
  protocol: 2 as const,
  lazyConnect: true,
  connectTimeout: 2_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false
} satisfies RedisOptions

interface Further {
  readonly monitor?: true
  readonly retryStrategy: (attempt: number) => number | null
}

const open = (address: Address, further: Further): Effect.Effect<Redis, Refusal, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const redis =
        "redisUrl" in address
          ? new Redis(address.redisUrl, { ...options, ...further })
          : new Redis({ ...options, ...further, path: address.unixSocket })
      // Without a listener ioredis prints each failed attempt; each command learns of it anyway.
      return redis.on("error", () => {})
    }),
    (redis) => Effect.sync(() => redis.disconnect())
  ).pipe(Effect.tap((redis) => Effect.tryPromise({ try: () => redis.connect(), catch: () => unreachable })))

/** One that is made again when it breaks. */
export const lasting = (address: Address): Effect.Effect<Redis, Refusal, Scope.Scope> =>
  open(address, { retryStrategy: (attempt) => Math.min(attempt * 20, 500) })

/** One that carries state, and so ends when it breaks: what it held is gone. */
export const single = (
  address: Address,
  further: Pick<Further, "monitor"> = {}
): Effect.Effect<Redis, Refusal, Scope.Scope> => open(address, { ...further, retryStrategy: () => null })

const isReplyError = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError"

/**
 * Sends now, in order, in one write. An error that Redis answered stands in its command's place.
 *
 * ioredis makes an object of HGETALL's reply, even through `call()`. Its reply transformers are found by the lower
 * case name of a command, so commands in capitals come back as the server answered them.
 */
export const send = (redis: Redis, commands: ReadonlyArray<Command>): Effect.Effect<ReadonlyArray<unknown>, Refusal> =>
  Effect.tryPromise({
    try: () =>
      Promise.all(
        commands.map(({ args, name }) => {
          const command = new RedisCommand(name, [...args], { replyEncoding: null })
          return (redis.sendCommand(command) as Promise<unknown>).catch((error: unknown) =>
            isReplyError(error) ? error : Promise.reject(error)
          )
        })
      ),
    catch: () => unreachable
  })

/** The bytes of each reply as the server wrote them: what came between sending a command and having its answer. */
export const sendRaw = (
  redis: Redis,
  commands: ReadonlyArray<Command>
): Effect.Effect<ReadonlyArray<Buffer>, Refusal> =>
  Effect.forEach(commands, (command) =>
    Effect.suspend(() => {
      const chunks: Array<Buffer> = []
      const keep = (chunk: Buffer) => chunks.push(chunk)
      redis.stream.on("data", keep)
      return send(redis, [command]).pipe(
        Effect.ensuring(Effect.sync(() => redis.stream.off("data", keep))),
        Effect.map(() => Buffer.concat(chunks))
      )
    })
  )
