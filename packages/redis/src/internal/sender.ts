/**
 * Sends what it is given over the connection of the moment, within a time limit, and only so much at once: what is
 * written to a server that does not answer cannot be taken back, so it must not pile up.
 */
import type { Command, RedisClient, RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Connection, Outcome } from "./connection.js"
import { type Link, realTime } from "./link.js"
import { unavailable } from "./redisError.js"
import type { Settings } from "./settings.js"

/** So many bytes count as one command more: values weigh, and a hundred thousand small commands are no more than one. */
const weightBytes = 4_096

const weightOf = (commands: ReadonlyArray<Command>): number => {
  let weight = commands.length
  for (const command of commands) for (const part of command) weight += Math.floor(part.length / weightBytes)
  return weight
}

const isUnanswered = (outcome: Outcome): outcome is Either.Left<RedisError, never> =>
  Either.isLeft(outcome) && outcome.left.reason === "Unavailable"

/** The answers of a round trip, or the failure of one that was not answered at all. */
const answered = (outcomes: ReadonlyArray<Outcome>): Either.Either<ReadonlyArray<Outcome>, RedisError> =>
  outcomes.every(isUnanswered) ? Either.left(outcomes[0]!.left) : Either.right(outcomes)

/** A replica that was a primary: a connection made anew, by name or by sentinel, leads to the primary of now. */
const isDemoted = (outcome: Outcome): boolean => Either.isLeft(outcome) && outcome.left.code === "READONLY"

export const make = (link: Link, { commandMillis, maxInFlight }: Settings): RedisClient["Type"]["send"] => {
  let inFlight = 0

  /** Interruption detaches: the reply comes, is counted, and is nobody's. */
  const over = (connection: Connection, commands: ReadonlyArray<Command>, weight: number) =>
    Effect.async<ReadonlyArray<Outcome>, RedisError>((resume) => {
      inFlight += weight
      void connection.send(commands).then((outcomes) => {
        inFlight -= weight
        if (outcomes.some(isDemoted)) connection.drop()
        resume(answered(outcomes))
      })
    })

  return (commands) =>
    Effect.suspend(() => {
      if (commands.length === 0) return Effect.succeed([])
      const weight = weightOf(commands)
      return Effect.flatMap(link.connection, (connection) =>
        inFlight > 0 && inFlight + weight > maxInFlight
          ? Effect.fail(unavailable("too many commands wait for a reply"))
          : over(connection, commands, weight)
      ).pipe(
        Effect.timeoutFail({
          duration: commandMillis,
          onTimeout: () => unavailable(`no reply within ${commandMillis} ms`)
        }),
        realTime
      )
    })
}
