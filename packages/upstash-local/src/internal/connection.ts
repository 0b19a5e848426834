/**
 * The redis-server behind this server: one connection for all commands, and one of its own for each transaction, each
 * event stream, and each request that wants the bytes of its replies.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Command } from "./command.js"
import * as Link from "./link.js"
import type { Refusal } from "./refusal.js"

export type Subscription = "subscribe" | "psubscribe"

export interface Connection {
  /** The reply to each command, an `Error` where Redis answered one. */
  readonly run: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<unknown>, Refusal>
  /** The reply to each command in RESP2. */
  readonly runRaw: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<Buffer>, Refusal>
  /** The replies of all, or the error for which the transaction was discarded. */
  readonly transaction: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<unknown> | Error, Refusal>
  /**
   * `["message", channel, payload]` and `["pmessage", pattern, channel, payload]`. Confirmed when the effect ends; the
   * stream ends when the connection does.
   */
  readonly subscribe: (
    kind: Subscription,
    names: ReadonlyArray<string>
  ) => Effect.Effect<Stream.Stream<ReadonlyArray<string>>, Refusal, Scope.Scope>
  /** Every command the server carries out, as Redis writes it down; `"OK"` first. */
  readonly monitor: Effect.Effect<Stream.Stream<string>, Refusal, Scope.Scope>
}

export const make = (address: Link.Address): Effect.Effect<Connection, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    const redis = yield* Link.lasting(address)

    const transaction = (commands: ReadonlyArray<Command>) =>
      Effect.gen(function* () {
        const own = yield* Link.single(address)
        const replies = yield* Link.send(own, [{ name: "MULTI", args: [] }, ...commands, { name: "EXEC", args: [] }])
        return replies.at(-1) as ReadonlyArray<unknown> | Error
      }).pipe(Effect.scoped)

    const runRaw = (commands: ReadonlyArray<Command>) =>
      Effect.scoped(Effect.flatMap(Link.single(address), (own) => Link.sendRaw(own, commands)))

    const subscribe = (kind: Subscription, names: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const own = yield* Link.single(address)
        const messages = yield* Mailbox.make<ReadonlyArray<string>>()
        // Listening begins before the server confirms, so that nothing falls between.
        own.on("message", (...message: ReadonlyArray<string>) => messages.unsafeOffer(["message", ...message]))
        own.on("pmessage", (...message: ReadonlyArray<string>) => messages.unsafeOffer(["pmessage", ...message]))
        own.once("end", () => messages.unsafeDone(Exit.void))
        yield* Effect.tryPromise({ try: () => own[kind](...names), catch: () => Link.unreachable })
        return Mailbox.toStream(messages)
      })

    const monitor = Effect.gen(function* () {
      const own = yield* Link.single(address, { monitor: true })
      const lines = yield* Mailbox.make<string>()
      let rest = ""
      // ioredis would take each line apart. They are ASCII: Redis escapes what is not.
      own.stream.on("data", (chunk: Buffer) => {
        const complete = (rest + chunk.toString("latin1")).split("\r\n")
        rest = complete.pop() ?? ""
        for (const line of complete) lines.unsafeOffer(line === "+OK" ? '"OK"' : line.slice(1))
      })
      own.once("end", () => lines.unsafeDone(Exit.void))
      return Mailbox.toStream(lines)
    })

    return { run: (commands) => Link.send(redis, commands), runRaw, transaction, subscribe, monitor }
  })
