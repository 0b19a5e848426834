/**
 * `withTransaction`, with the fences of what runs inside kept until its end.
 *
 *     committed, or nobody knows ─► they fall; at a savepoint: they go to the transaction around it
 *     rolled back for certain ────► they are dropped
 *
 * The end is told from outside: the effect succeeded and so did the whole, or the effect failed and the whole failed
 * in just that way. Anything else is a COMMIT or a ROLLBACK that failed, and then the write may stand.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { AfterCommit } from "@larder/cache/AfterCommit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Pending from "./pending.js"

/** The clients whose transactions the running code is inside of. */
class Openers extends Context.Reference<Openers>()("@larder/sql/internal/Openers", {
  defaultValue: (): ReadonlySet<object> => new Set()
}) {}

type Ambient = Context.Context<never>

/**
 * Whether a transaction that was just entered is a savepoint of another. Most clients share one tag for their
 * connection, and a transaction of another client is a savepoint too; clients with a tag of their own nest in theirs.
 */
const isSavepoint = (outside: Ambient, inside: Ambient, client: object): boolean => {
  const [before, within] = [outside, inside].map((context) =>
    Option.getOrUndefined(Context.getOption(context, SqlClient.TransactionConnection))
  )
  if (within !== undefined && within !== before) return within[1] > 0
  return Context.get(outside, Openers).has(client)
}

/** `client`: who opens it; the same for all its copies. */
export const deferring =
  (client: object, withTransaction: SqlClient.SqlClient["withTransaction"]): SqlClient.SqlClient["withTransaction"] =>
  <R, E, A>(self: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.contextWithEffect((outside: Ambient) => {
        const around = Option.getOrUndefined(Context.getOption(outside, AfterCommit))
        const pending = Pending.make(around)
        let own: Exit.Exit<A, E> | undefined
        let nested = false

        const body = Effect.contextWithEffect((inside: Ambient) => {
          nested = isSavepoint(outside, inside, client)
          // A savepoint of a transaction that keeps nothing: nobody would tell of the commit.
          if (nested && around === undefined) return restore(self)
          const services = Context.make(AfterCommit, pending).pipe(
            Context.add(Openers, new Set([...Context.get(outside, Openers), client]))
          )
          return Effect.provide(restore(self), services) as Effect.Effect<A, E, R>
        })

        const settle = (whole: Exit.Exit<unknown, unknown>) => {
          const fences = pending.end()
          const isRolledBack =
            own !== undefined && Exit.isFailure(own) && Exit.isFailure(whole) && Equal.equals(own.cause, whole.cause)
          if (isRolledBack) return Effect.void
          // One after the other: an interruption would reach children of this fiber although it masks its own.
          return Effect.forEach(
            fences,
            (fence) => {
              // A transaction of its own inside another one: what is written in that one is not committed yet.
              const isKept = around?.keep(fence) ?? false
              return nested && isKept ? Effect.void : fence.fall(fence.request)
            },
            { discard: true }
          )
        }

        const recorded = Effect.onExit(body, (exit) => Effect.sync(() => void (own = exit)))
        return Effect.flatMap(Effect.exit(withTransaction(recorded)), (whole) => Effect.zipRight(settle(whole), whole))
      })
    )
