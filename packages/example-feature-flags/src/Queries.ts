/** Counts SQL statements where the client sends them. */
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"

/** The result of an effect, and how many statements it, and whatever it forked, has sent until then. */
export const counted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    let count = 0
    const counting = Statement.withTransformer(effect, (statement) => {
      count++
      return Effect.succeed(statement)
    })
    return Effect.map(counting, (result) => [result, count] as const)
  })
