/**
 * `withTransaction`, with the fences of what runs inside kept until its end.
 *
 *     committed, or nobody knows ─► they fall; at a savepoint: they go to the transaction around it
 *     rolled back for certain ────► they are dropped
 *
 * The end is told from outside: the effect succeeded and so did the whole, or the effect failed and the whole failed
 * in just that way. Anything else is a COMMIT or a ROLLBACK that failed, and then the write may stand.
 *
 * Transactions of two connections may stand in one another. Nobody knows on which of them a mutation wrote, so that its
 * fences fall with each that commits, and only those are dropped that no transaction is left to commit.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { AfterCommit } from "@larder/cache/AfterCommit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Pending from "./pending.js"

type Ambient = Context.Context<never>

/**
 * Whose transactions the running code is inside of, the innermost last: the tag that most clients share, so that a
 * transaction of one is a savepoint of another's; or the client, of one that has a tag of its own.
 */
class Owners extends Context.Reference<Owners>()("@larder/sql/internal/Owners", {
  defaultValue: (): ReadonlyArray<object> => []
}) {}

/** What was just entered. */
interface Entered {
  readonly owner: object
  readonly isSavepoint: boolean
}

const entered = (outside: Ambient, inside: Ambient, client: object): Entered => {
  const [before, within] = [outside, inside].map((context) =>
    Option.getOrUndefined(Context.getOption(context, SqlClient.TransactionConnection))
  )
  return within !== undefined && within !== before
    ? { owner: SqlClient.TransactionConnection, isSavepoint: within[1] > 0 }
    : { owner: client, isSavepoint: Context.get(outside, Owners).includes(client) }
}

/** `client`: who opens it; the same for all its copies. */
export const deferring =
  (client: object, withTransaction: SqlClient.SqlClient["withTransaction"]): SqlClient.SqlClient["withTransaction"] =>
  <R, E, A>(self: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.contextWithEffect((outside: Ambient) => {
        const around = Option.getOrUndefined(Context.getOption(outside, AfterCommit))
        const owners = Context.get(outside, Owners)
        const pending = Pending.make(around)
        let entry: Entered | undefined
        let own: Exit.Exit<A, E> | undefined
        let announced: ReadonlyArray<Effect.Effect<void>> = []

        const body = Effect.contextWithEffect((inside: Ambient) => {
          entry = entered(outside, inside, client)
          // A savepoint of a transaction that keeps nothing: nobody would tell of the commit.
          if (entry.isSavepoint && around === undefined) return restore(self)
          const services = Context.make(AfterCommit, pending).pipe(Context.add(Owners, [...owners, entry.owner]))
          return Effect.provide(restore(self), services) as Effect.Effect<A, E, R>
        })

        // The COMMIT of a savepoint is that of the transaction around it.
        const announce = Effect.suspend(() => {
          const fences = entry?.isSavepoint === true ? [] : pending.kept()
          const takeBacks = Effect.forEach(fences, (fence) => fence.announce(fence.request))
          return Effect.map(takeBacks, (some) => void (announced = some))
        })

        const settle = (whole: Exit.Exit<unknown, unknown>) => {
          const fences = pending.end()
          const isRolledBack =
            own !== undefined && Exit.isFailure(own) && Exit.isFailure(whole) && Equal.equals(own.cause, whole.cause)
          // On another connection around it the same fiber may have written what is still to be committed.
          const isAlone = around === undefined || (entry?.isSavepoint === true && owners.at(-1) === entry.owner)
          if (isRolledBack && isAlone) return Effect.void
          const isCommitted = entry?.isSavepoint !== true && !isRolledBack
          // One after the other: an interruption would reach children of this fiber although it masks its own.
          return Effect.forEach(
            fences,
            (fence) => ((around?.keep(fence) ?? false) && !isCommitted ? Effect.void : fence.fall(fence.request)),
            { discard: true }
          )
        }

        const recorded = Effect.onExit(Effect.zipLeft(body, announce), (exit) => Effect.sync(() => void (own = exit)))
        return Effect.flatMap(Effect.exit(withTransaction(recorded)), (whole) =>
          settle(whole).pipe(
            Effect.zipRight(Effect.suspend(() => Effect.all(announced, { discard: true }))),
            Effect.zipRight(whole)
          )
        )
      })
    )
