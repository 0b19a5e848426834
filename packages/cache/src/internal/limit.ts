/**
 * A time limit that holds also where its caller cannot be interrupted (the invalidation of a mutation).
 *
 * The work runs on a fiber of nobody's: an interruption reaches the children of a fiber even while it masks its own, and
 * would end an invalidation half-way; and a client that does not let itself be interrupted must not hold its caller.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import { StoreError } from "../CacheError.js"
import { errorName } from "./logReporter.js"

/** Whose operation it is, for the error of one that ends without an answer. */
export interface Operation {
  readonly store: string
  readonly operation: string
}

export const limit = <A>(
  { operation, store }: Operation,
  call: Effect.Effect<A, StoreError>,
  millis: number
): Effect.Effect<A, StoreError> => {
  const fail = (reason: StoreError["reason"], detail: string) => new StoreError({ store, operation, reason, detail })
  const died = (cause: Cause.Cause<StoreError>) => {
    const detail = Option.match(Cause.dieOption(cause), {
      onNone: () => "was interrupted by itself",
      // Effect dies with this exception when it is given a promise, a text or nothing at all to run.
      onSome: (defect) =>
        `died with ${errorName(defect)}${Cause.isRuntimeException(defect) ? " (is it an effect, not a promise or a value?)" : ""}`
    })
    return fail("BadReply", `\`${operation}\` of ${store} ${detail}`)
  }
  return Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<A, StoreError>()
      const work = Effect.matchCauseEffect(call, {
        onFailure: (cause) =>
          Deferred.fail(
            answer,
            Option.getOrElse(Cause.failureOption(cause), () => died(cause))
          ),
        onSuccess: (value) => Deferred.succeed(answer, value)
      })
      const timeout = Effect.suspend(() =>
        Deferred.fail(answer, fail("Timeout", `no answer within ${Math.round(millis)} ms`))
      )
      const working = yield* Effect.forkDaemon(Effect.interruptible(work))
      const timer = yield* Effect.forkDaemon(Effect.interruptible(Effect.delay(timeout, millis)))
      const stop = Effect.sync(() => {
        timer.unsafeInterruptAsFork(FiberId.none)
        working.unsafeInterruptAsFork(FiberId.none)
      })
      return yield* Effect.ensuring(restore(Deferred.await(answer)), stop)
    })
  )
}
