/**
 * One connection of ioredis to one server, as a resource: it is made once, and when it ends it has ended. Making the
 * next one is `link`'s, so nothing of ioredis that retries, resends, queues or gives up is left to run:
 *
 * - `retryStrategy` null: ioredis, told to reconnect, stops for ever where its connector throws, and keeps a timer;
 * - `maxRetriesPerRequest` 0 and `autoResendUnfulfilledCommands` off, for the nodes of a cluster, which ioredis connects
 *   again itself: what was sent and not answered fails when its connection ends. It may have been carried out;
 * - `enableOfflineQueue` off: commands do not pile up in front of a server that is away;
 * - `socketTimeout`: a connection that owes replies and is silent is closed, with everything that waits on it. A server
 *   that is frozen keeps its connections, and none of what was sent can be taken back otherwise;
 * - `enableReadyCheck` off: it needs INFO and leaves a timer while the server is loading, which its replies say anyway;
 * - `disableClientInfo`: two commands less. The connection has a name, for those who look at CLIENT LIST;
 * - RESP2: what every version speaks, and replies keep their form.
 */
import type { Command, RedisError, Reply } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Command as RedisCommand, Redis, type RedisOptions } from "ioredis"
import type * as Net from "node:net"
import { badReply, fromAnswer, fromNetwork, isAnswer, unavailable } from "./redisError.js"
import { type Address, type Credentials, placeOf, type Settings } from "./settings.js"

export type Outcome = Either.Either<Reply, RedisError>

export interface Connection {
  /** Writes all of them at once. An outcome for each. */
  readonly send: (commands: ReadonlyArray<Command>) => Promise<ReadonlyArray<Outcome>>
  /** Ends when the connection has, with the reason. */
  readonly lost: Effect.Effect<RedisError>
  /** Gives the connection up. */
  readonly drop: () => void
}

/** How long a closed connection may wait for the server's goodbye: one that is frozen never says it. */
const farewellMillis = 50

export const optionsOf = (settings: Settings, { password, username }: Credentials) => {
  const retryStrategy = () => null
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Redacted.value(password) }),
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
    db: settings.database,
    protocol: 2 as const,
    lazyConnect: true,
    connectTimeout: settings.connectMillis,
    socketTimeout: settings.commandMillis,
    disconnectTimeout: farewellMillis,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectionName: "larder",
    retryStrategy
  } satisfies RedisOptions
}

const isReply = (value: unknown): value is Reply =>
  value === null ||
  typeof value === "number" ||
  value instanceof Uint8Array ||
  (Array.isArray(value) && value.every(isReply))

/** ioredis writes a `Uint8Array` as its numbers with commas between them; only a `Buffer` is bytes to it. */
const argument = (part: string | Uint8Array): string | Buffer =>
  typeof part === "string" ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength)

export const command = ([name, ...args]: Command): RedisCommand =>
  new RedisCommand(name, args.map(argument), { replyEncoding: null })

/** What the server refused of what a connection begins with: AUTH, or SELECT where a database was asked for. */
const notLetIn = (error: Error): RedisError => {
  const { command } = error as { readonly command?: { readonly name?: unknown } }
  return fromAnswer(
    error,
    command?.name === "select" ? "the server refused the database" : "the server did not let us in"
  )
}

const noReply = (error: unknown) => fromNetwork("the connection ended before the reply", error)

/** The outcome of a command that was sent, whatever becomes of it. */
export const outcomeOf = (reply: Promise<unknown>): Promise<Outcome> =>
  reply.then(
    (value) => (isReply(value) ? Either.right(value) : Either.left(badReply("the reply is no value of the protocol"))),
    (error: unknown) => Either.left(isAnswer(error) ? fromAnswer(error) : noReply(error))
  )

/** Commands written while its sockets are corked leave in one piece. */
export const inOnePiece = <A>(streams: ReadonlyArray<Net.Socket | undefined>, write: () => A): A => {
  for (const stream of streams) stream?.cork()
  const written = write()
  for (const stream of streams) stream?.uncork()
  return written
}

export const socketOf = (redis: Redis): Net.Socket | undefined => redis.stream as Net.Socket | undefined

export interface Opened {
  readonly redis: Redis
  readonly lost: Effect.Effect<RedisError>
}

/** A connection that the server let in. Interrupting closes it. */
export const open = (
  settings: Settings,
  address: Address,
  credentials: Credentials = settings.credentials
): Effect.Effect<Opened, RedisError, Scope.Scope> =>
  Effect.gen(function* () {
    let cause: unknown
    const redis = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis({ ...optionsOf(settings, credentials), ...address })),
      (redis) => Effect.sync(() => redis.disconnect())
    )
    // Without a listener ioredis prints each error. The last one says why the connection ends.
    redis.on("error", (error: unknown) => (cause = error))
    const ended = new Promise<void>((resolve) => redis.once("end", resolve))
    const connected = Effect.tryPromise({
      try: () => redis.connect(),
      catch: () => (isAnswer(cause) ? notLetIn(cause) : fromNetwork(`no connection to ${placeOf(address)}`, cause))
    })
    yield* Effect.timeoutFail(connected, {
      duration: settings.connectMillis,
      onTimeout: () => unavailable(`no connection to ${placeOf(address)} within ${settings.connectMillis} ms`)
    })
    // ioredis goes on with database 0 where the server refused the one it was asked for, and its version 5 calls a
    // connection ready that it is about to close because the server refused the password.
    if (isAnswer(cause)) return yield* notLetIn(cause)
    return {
      redis,
      lost: Effect.map(
        Effect.promise(() => ended),
        () => fromNetwork("the connection ended", cause)
      )
    }
  })

/** One server's connection, for commands. */
export const commands = ({ lost, redis }: Opened): Connection => ({
  send: async (commands) =>
    Promise.all(
      inOnePiece([socketOf(redis)], () =>
        commands.map((one) => outcomeOf(redis.sendCommand(command(one)) as Promise<unknown>))
      )
    ),
  lost,
  drop: () => redis.disconnect()
})
