/**
 * The redis-server behind this server: one connection for all commands, and one of its own for each transaction and
 * each subscription.
 *
 * ioredis makes an object of HGETALL's reply, even through `call()`. Its reply transformers are found by the lower
 * case name of a command, so commands in capitals come back as the server answered them.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { Command as RedisCommand, Redis, type RedisOptions } from "ioredis"
import type { Command } from "./command.js"
import { Refusal } from "./refusal.js"

export type Address = { readonly redisUrl: string } | { readonly unixSocket: string }

const unreachable = new Refusal({ status: 500, error: "the redis-server behind this server cannot be reached" })

const shared = {
  protocol: 2 as const,
  lazyConnect: true,
  connectTimeout: 2_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (attempt: number): number | null => Math.min(attempt * 20, 500)
} satisfies RedisOptions

/** A connection that carries state ends when it breaks: what it held is gone. */
const single: typeof shared = { ...shared, retryStrategy: () => null }

const connect = (address: Address, options: typeof shared): Effect.Effect<Redis, Refusal, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const redis =
        "redisUrl" in address
          ? new Redis(address.redisUrl, options)
          : new Redis({ ...options, path: address.unixSocket })
      // Without a listener ioredis prints each failed attempt; each command learns of it anyway.
      return redis.on("error", () => {})
    }),
    (redis) => Effect.sync(() => redis.disconnect())
  ).pipe(Effect.tap((redis) => Effect.tryPromise({ try: () => redis.connect(), catch: () => unreachable })))

const isReplyError = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError"

/** Sends now, in order, in one write. An error that Redis answered stands in its command's place. */
const sendAll = (redis: Redis, commands: ReadonlyArray<Command>): Effect.Effect<ReadonlyArray<unknown>, Refusal> =>
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

export interface Connection {
  /** The reply to each command, an `Error` where Redis answered one. */
  readonly run: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<unknown>, Refusal>
  /** The replies of all, or the error for which the transaction was discarded. */
  readonly transaction: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<unknown> | Error, Refusal>
  /** Confirmed when the effect ends; the stream ends when the connection does. */
  readonly subscribe: (channel: string) => Effect.Effect<Stream.Stream<string>, Refusal, Scope.Scope>
}

export const make = (address: Address): Effect.Effect<Connection, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    const redis = yield* connect(address, shared)

    const transaction = (commands: ReadonlyArray<Command>) =>
      Effect.gen(function* () {
        const own = yield* connect(address, single)
        const replies = yield* sendAll(own, [{ name: "MULTI", args: [] }, ...commands, { name: "EXEC", args: [] }])
        return replies.at(-1) as ReadonlyArray<unknown> | Error
      }).pipe(Effect.scoped)

    const subscribe = (channel: string) =>
      Effect.gen(function* () {
        const own = yield* connect(address, single)
        const messages = yield* Mailbox.make<string>()
        // Listening begins before the server confirms, so that nothing falls between.
        own.on("message", (_channel: string, message: string) => messages.unsafeOffer(message))
        own.once("end", () => messages.unsafeDone(Exit.void))
        yield* Effect.tryPromise({ try: () => own.subscribe(channel), catch: () => unreachable })
        return Mailbox.toStream(messages)
      })

    return { run: (commands) => sendAll(redis, commands), transaction, subscribe }
  })
