/**
 * Sends what it is given over the connection of the moment, within a time limit, and only so much at once: what is
 * written to a server that does not answer cannot be taken back, so it must not pile up.
 */
import type { Command, RedisClient, RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { Connection, Outcome } from "./connection.js"
import { type Link, realTime } from "./link.js"
import { rejected, unavailable } from "./redisError.js"
import type { Settings } from "./settings.js"

/** So many bytes count as one command more: values weigh, and a hundred thousand small commands are no more than one. */
const weightBytes = 4_096

const weightOf = (commands: ReadonlyArray<Command>): number => {
  let weight = commands.length
  for (const command of commands) for (const part of command) weight += Math.floor(part.length / weightBytes)
  return weight
}

/** The first argument that ioredis would make into something else, if there is one. */
const notSendable = (commands: ReadonlyArray<Command>): RedisError | undefined => {
  for (const [index, command] of commands.entries()) {
    const wrong = command.findIndex((part) => typeof part !== "string" && !(part instanceof Uint8Array))
    if (wrong >= 0) return rejected("", `argument ${wrong} of command ${index} is neither text nor bytes`)
  }
  return undefined
}

const isUnanswered = (outcome: Outcome): outcome is Either.Left<RedisError, never> =>
  Either.isLeft(outcome) && outcome.left.reason === "Unavailable"

/** The answers of a round trip, or the failure of one that was not answered at all. */
const answered = (outcomes: ReadonlyArray<Outcome>): Either.Either<ReadonlyArray<Outcome>, RedisError> =>
  outcomes.every(isUnanswered) ? Either.left(outcomes[0]!.left) : Either.right(outcomes)

/** A replica that was a primary: a connection made anew, by name or by sentinel, leads to the primary of now. */
const isDemoted = (outcome: Outcome): boolean => Either.isLeft(outcome) && outcome.left.code === "READONLY"

/** A round trip under way: how many beats of the watch it has lived through, and what ends it. */
interface Waiting {
  readonly since: number
  readonly expire: () => void
}

const beats = 4

/**
 * One watch for all round trips, instead of a timer for each, which would cost more than the round trip itself. It
 * beats four times a limit, and only while something waits; so what is late ends within five quarters of the limit.
 */
const makeWatch = (limitMillis: number) =>
  Effect.gen(function* () {
    const waiting = new Set<Waiting>()
    const some = yield* Effect.makeLatch()
    let beat = 0
    const sweep = Effect.sync(() => {
      beat++
      for (const one of waiting) {
        if (beat - one.since <= beats) break
        waiting.delete(one)
        one.expire()
      }
      if (waiting.size === 0) some.unsafeClose()
    })
    const next = some.await.pipe(Effect.zipRight(Effect.sleep(limitMillis / beats)), Effect.zipRight(sweep))
    yield* Effect.forkScoped(realTime(Effect.forever(next)))
    return {
      begin: (expire: () => void): Waiting => {
        const one = { since: beat, expire }
        if (waiting.size === 0) some.unsafeOpen()
        waiting.add(one)
        return one
      },
      end: (one: Waiting) => waiting.delete(one)
    }
  })

export const make = (
  link: Link,
  { commandMillis, maxInFlight }: Settings
): Effect.Effect<RedisClient["Type"]["send"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const watch = yield* makeWatch(commandMillis)
    const late = unavailable(`no reply within ${commandMillis} ms`)
    let inFlight = 0

    /** Interruption detaches: the reply comes, is counted, and is nobody's. */
    const over = (connection: Connection, commands: ReadonlyArray<Command>, weight: number) =>
      Effect.async<ReadonlyArray<Outcome>, RedisError>((resume) => {
        inFlight += weight
        const one = watch.begin(() => resume(late))
        const settle = (outcomes: ReadonlyArray<Outcome>) => {
          inFlight -= weight
          watch.end(one)
          if (outcomes.some(isDemoted)) connection.drop()
          resume(answered(outcomes))
        }
        connection
          .send(commands)
          .then(settle, () => settle([Either.left(unavailable("the commands could not be sent"))]))
        return Effect.sync(() => watch.end(one))
      })

    const first = Effect.timeoutFail(link.connection, { duration: commandMillis, onTimeout: () => late }).pipe(realTime)

    return (commands) =>
      Effect.suspend(() => {
        if (commands.length === 0) return Effect.succeed([])
        const wrong = notSendable(commands)
        if (wrong !== undefined) return wrong
        const weight = weightOf(commands)
        const send = (connection: Connection) =>
          inFlight > 0 && inFlight + weight > maxInFlight
            ? unavailable("too many commands wait for a reply")
            : over(connection, commands, weight)
        const current = link.current()
        return current === undefined ? Effect.flatMap(first, send) : send(current)
      })
  })
