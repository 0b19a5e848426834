/**
 * Keeps one connection: makes it, waits until it is lost, makes the next, for as long as the scope lives. One attempt
 * at a time; between two a pause that doubles, with jitter, up to a cap. It never gives up, and it queues nothing.
 *
 * The pause starts again from the shortest only after a connection that lasted: a server that lets in and throws out
 * at once, or a replica where a primary was expected, is not asked fifty times a second.
 *
 * Sockets live in real time, so this does too, also under a virtual clock.
 */
import type { RedisError } from "@larder/cache/RedisClient"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Connection } from "./connection.js"
import { unavailable } from "./redisError.js"

const shortestMillis = 20
const longestMillis = 1_000

/** The pause after so many failures, between three quarters and all of what it may be; `chance` is below 1. */
export const pauseMillis = (failures: number, chance: number): number =>
  Math.min(shortestMillis * 2 ** failures, longestMillis) * (0.75 + chance / 4)

export const realTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withClock(effect, Clock.make())

export interface Link {
  /**
   * The connection, or why there is none. Waits only while the very first attempt is under way, so that the first
   * commands of a program find the server; afterwards it says at once what it knows.
   */
  readonly connection: Effect.Effect<Connection, RedisError>
}

export const make = (
  open: Effect.Effect<Connection, RedisError, Scope.Scope>
): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    const tried = yield* Deferred.make<void>()
    let first = true
    let current: Connection | undefined
    let reason = unavailable("no connection yet")

    const settle = Effect.suspend(() => {
      first = false
      return Deferred.succeed(tried, undefined)
    })
    const attempt = Effect.gen(function* () {
      const connection = yield* open
      current = connection
      yield* settle
      const since = yield* Clock.currentTimeMillis
      const lost = yield* connection.lost
      return { lost, lastedMillis: (yield* Clock.currentTimeMillis) - since }
    }).pipe(
      Effect.scoped,
      Effect.catchAll((lost) => Effect.succeed({ lost, lastedMillis: 0 })),
      Effect.catchAllDefect(() => Effect.succeed({ lost: unavailable("the connection broke"), lastedMillis: 0 })),
      Effect.tap(({ lost }) => {
        current = undefined
        reason = lost
        return settle
      }),
      Effect.ensuring(Effect.sync(() => (current = undefined)))
    )
    const keep = (failures: number): Effect.Effect<never> =>
      Effect.flatMap(attempt, ({ lastedMillis }) => {
        const again = lastedMillis > 2 * longestMillis ? 0 : failures
        return Random.next.pipe(
          Effect.flatMap((chance) => Effect.sleep(pauseMillis(again, chance))),
          Effect.zipRight(Effect.suspend(() => keep(Math.min(again + 1, 16))))
        )
      })
    yield* Effect.forkScoped(realTime(keep(0)))

    const now = Effect.suspend(() => (current === undefined ? reason : Effect.succeed(current)))
    return { connection: Effect.suspend(() => (first ? Effect.zipRight(Deferred.await(tried), now) : now)) }
  })
