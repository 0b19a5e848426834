/** A store with a time limit and a circuit breaker around it, whose swallowed failures are reported, of a row one. */
import { type CodecError, StoreError } from "@larder/cache/CacheError"
import * as CircuitBreaker from "@larder/cache/CircuitBreaker"
import type * as Epoch from "@larder/cache/Epoch"
import { Reporter } from "@larder/cache/Reporter"
import { Store } from "@larder/cache/Store"
import * as StoreTier from "@larder/cache/StoreTier"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Options } from "../StorePersistence.js"

export const make = ({ breaker: when = {}, storeTimeout = 250 }: Options) =>
  Effect.gen(function* () {
    const store = yield* Store
    const reporter = yield* Reporter
    const millis = Duration.toMillis(storeTimeout)
    const breaker = CircuitBreaker.make(when)
    let failing = false
    let last: Epoch.Counter | undefined
    const note = (counter: Epoch.Counter): void => {
      if (last === undefined || last.era !== counter.era || last.n < counter.n) last = counter
    }
    const noting: typeof store = {
      ...store,
      invalidate: (request) => Effect.tap(store.invalidate(request), note),
      commit: (request) => Effect.tap(store.commit(request), ({ counter }) => note(counter))
    }

    const failed = (operation: string, reason: StoreError["reason"], detail: string) =>
      new StoreError({ store: store.name, operation, reason, detail })

    /** A list with an answer for each question, within the time limit; a defect of the client is a bad reply. */
    const list = <A>(
      operation: string,
      call: Effect.Effect<ReadonlyArray<A>, StoreError>,
      questions: number
    ): Effect.Effect<ReadonlyArray<A>, StoreError> => {
      const believed = call.pipe(
        Effect.filterOrFail(
          (answers) => Array.isArray(answers) && answers.length === questions,
          () => failed(operation, "BadReply", "another number of answers than questions")
        ),
        Effect.catchAllDefect(() => Effect.fail(failed(operation, "BadReply", "the client ended with a defect")))
      )
      const limited = believed.pipe(
        // A client that does not let itself be interrupted must not hold its caller.
        Effect.disconnect,
        Effect.timeoutFail({
          duration: millis,
          onTimeout: () => failed(operation, "Timeout", `no answer within ${Math.round(millis)} ms`)
        })
      )
      const guarded = store.remote
        ? breaker.protect(limited, () => failed(operation, "CircuitOpen", "left alone for a while"))
        : believed
      return Effect.tap(guarded, () => {
        failing = false
      })
    }

    const report = (
      kind: "Store" | "Codec",
      storeId: string,
      operation: string,
      error: StoreError | CodecError
    ): Effect.Effect<void> =>
      Effect.catchAllCause(
        Effect.suspend(() =>
          reporter.report({ kind, cache: storeId, operation, surfaced: false, cause: Cause.fail(error) })
        ),
        () => Effect.void
      )

    return {
      store,
      // Its invalidations and commits are not interruptible, and tried while the circuit is open.
      tier: StoreTier.make(noting, {
        operationMillis: millis,
        leaseMillis: 10_000,
        breaker,
        onSuccess: () => {
          failing = false
        }
      }),
      list,
      /** For what turned out to be no answer. */
      badReply: (operation: string) => failed(operation, "BadReply", "no usable answer"),
      /** How far the store was when a question was asked, to tell a replica that lags behind. */
      asked: () => last,
      lags: (counter: Epoch.Counter | undefined, asked: Epoch.Counter | undefined): boolean => {
        if (counter === undefined) return false
        note(counter)
        return asked !== undefined && asked.era === counter.era && counter.n < asked.n
      },
      undecodable: (storeId: string, error: CodecError) => report("Codec", storeId, "decode", error),
      unencodable: (storeId: string, error: CodecError) => report("Codec", storeId, "encode", error),
      /** Tells of a failure that somebody is answered without. */
      swallowed: (storeId: string, error: StoreError): Effect.Effect<void> =>
        Effect.suspend(() => {
          if (failing || error.reason === "CircuitOpen") return Effect.void
          failing = true
          return report("Store", storeId, error.operation, error)
        })
    }
  })

export type GuardedStore = Effect.Effect.Success<ReturnType<typeof make>>
