/**
 * The port a Redis client implements for `RedisStore`: send commands, and listen to channels. Nothing of any vendor.
 *
 * A client has no retries, no time limit and no batching of its own: the cache decides those. Interrupting an effect
 * of it gives up the connection's work where the transport can, and detaches otherwise.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/**
 * What a server answers. Text is a string on a `text` client and bytes on a `bytes` client.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply = null | number | string | Uint8Array | ReadonlyArray<Reply>

/**
 * One command with its arguments: `["SET", "key", "value"]`. A `text` client refuses bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type Command = readonly [name: string, ...args: ReadonlyArray<string | Uint8Array>]

/**
 * A command failed.
 *
 * - `Unavailable`: nothing was answered: no connection, a broken one, an HTTP status that speaks of the server.
 * - `Rejected`: the server refused. `code` is the first word of Redis's error: `NOSCRIPT`, `OOM`, `READONLY`, `WRONGPASS`.
 * - `BadReply`: the answer is not in the protocol.
 *
 * `detail` never holds an argument of the command.
 *
 * @since 0.1.0
 * @category errors
 */
export class RedisError extends Schema.TaggedError<RedisError>("@larder/cache/RedisError")("RedisError", {
  reason: Schema.Literal("Unavailable", "Rejected", "BadReply"),
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return [this.reason, this.code, this.detail].filter((part) => part !== "").join(": ")
  }
}

/**
 * @since 0.1.0
 * @category tags
 */
export class RedisClient extends Context.Tag("@larder/cache/RedisClient")<
  RedisClient,
  {
    /** Names the client in errors, events and reports: `upstash`, `redis`. */
    readonly name: string
    /** Whether arguments and replies may be bytes, or only text. */
    readonly encoding: "text" | "bytes"
    /**
     * Whether keys lie on several nodes, so that one command or script may touch the keys of one slot only. The client
     * sends each command where its first key lies; commands of one `send` for different nodes overtake each other.
     */
    readonly cluster: boolean
    /**
     * Sends commands in one round trip, in order, not as a transaction. Each has its own outcome; the effect fails
     * when none of them was answered. An empty list sends nothing.
     */
    readonly send: (
      commands: ReadonlyArray<Command>
    ) => Effect.Effect<ReadonlyArray<Either.Either<Reply, RedisError>>, RedisError>
    /** Publishes a text on a channel. */
    readonly publish: (channel: string, message: string) => Effect.Effect<void, RedisError>
    /**
     * The messages of a channel, from when the server confirmed the subscription. Fails when the connection is lost:
     * whoever listens decides what a gap means.
     */
    readonly subscribe: (channel: string) => Stream.Stream<string, RedisError>
    /**
     * The names of keys with this prefix that somebody else than this client has changed, a script of anybody's, or
     * that expired or were evicted; `everything` when the database was emptied. From when the server confirmed it, until a connection is
     * lost. Absent where the server cannot tell.
     */
    readonly changes?: ((prefix: string) => Stream.Stream<ReadonlyArray<string> | "everything", RedisError>) | undefined
  }
>() {}
