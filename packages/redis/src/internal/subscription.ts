/**
 * The messages of a channel, over a connection of its own that carries nothing else and ends with the stream.
 *
 * A subscriber only hears: one whose server froze, or whose route was forgotten on the way, would wait for ever. So it
 * asks now and then whether somebody is there, and a connection that owes that reply for too long is closed.
 */
import { type RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Opened } from "./connection.js"
import { fromAnswer, fromNetwork, isAnswer, unavailable } from "./redisError.js"
import { realTime } from "./link.js"

/** So many messages may wait for whoever listens. */
const capacity = 10_000

/** How often a silent subscription is asked whether it lives. */
const pulse = "5 seconds"

export const refusedOr = (detail: string) => (error: unknown) =>
  isAnswer(error) ? fromAnswer(error, detail) : fromNetwork("the subscription was not confirmed", error)

/**
 * What a connection of its own hears on a channel. `open` makes it, `hear` reads what ioredis hands over, and `begin`
 * answers what is to be done when the server has confirmed the subscription: from then on a connection can only hear.
 */
export const listen = <A>(
  open: Effect.Effect<Opened, RedisError, Scope.Scope>,
  channel: string,
  hear: (redis: Opened["redis"], offer: (message: A) => void) => void,
  begin: (redis: Opened["redis"]) => Effect.Effect<Effect.Effect<void, RedisError>, RedisError> = () =>
    Effect.succeed(Effect.void)
): Stream.Stream<A, RedisError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { lost, redis } = yield* open
      const messages = yield* Mailbox.make<A, RedisError>({ capacity, strategy: "dropping" })
      const fail = (error: RedisError) => messages.unsafeDone(Exit.fail(error))
      // Listening begins before the server confirms, so that nothing falls between.
      hear(redis, (message) => {
        if (!messages.unsafeOffer(message)) fail(unavailable("messages came faster than they were taken"))
      })
      const confirmed = yield* begin(redis)
      yield* Effect.tryPromise({
        try: () => redis.subscribe(channel),
        catch: refusedOr("the server refused the subscription")
      })
      yield* confirmed
      yield* Effect.forkScoped(Effect.map(lost, fail))
      // A reply that does not come ends the connection; this need not look at it.
      const ask = Effect.ignore(Effect.tryPromise(() => redis.ping()))
      yield* Effect.forkScoped(Effect.repeat(ask, Schedule.spaced(pulse)))
      return Mailbox.toStream(messages)
    }).pipe(realTime)
  )

export const subscribe = (
  open: Effect.Effect<Opened, RedisError, Scope.Scope>,
  channel: string
): Stream.Stream<string, RedisError> =>
  listen(open, channel, (redis, offer) => redis.on("message", (_channel: string, message: string) => offer(message)))
