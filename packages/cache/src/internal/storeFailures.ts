/**
 * Who is told of failures of the store that somebody was answered without: everybody of each as an event, the reporter
 * of one in a row, and of the end of what it was told. An operation that goes on failing while others succeed begins no
 * row anew.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { StoreError } from "../CacheError.js"
import type { StoreEvent } from "../CacheEvent.js"
import type { CacheFailure, CacheRecovery } from "../Reporter.js"
import * as consequences from "./consequences.js"

export interface StoreFailures {
  /** `instead`: what happens in its place, where the operation alone does not say it. */
  readonly failed: (cache: string, error: StoreError, instead?: string) => Effect.Effect<void>
  readonly worked: (operation: string) => void
  /** Tells of recoveries for ever: an operation that works has nobody who would wait for it. */
  readonly recoveries: Effect.Effect<never>
}

/** So many may wait to be told, the latest: there are no more operations than that. */
const mostRecoveries = 16

export const make = (
  emit: (event: StoreEvent) => void,
  report: (failure: CacheFailure) => Effect.Effect<void>,
  recovered: (recovery: CacheRecovery) => Effect.Effect<void>
): Effect.Effect<StoreFailures> =>
  Effect.map(Queue.sliding<Row>(mostRecoveries), (ended) => {
    /** With the row that was told of it, if one was. */
    const failing = new Map<string, Row | undefined>()
    let told = false
    return {
      failed: (cache, error, instead = consequences.of(error.operation)) =>
        Effect.flatMap(Clock.currentTimeMillis, (sinceMillis) => {
          const { operation, reason } = error
          emit({ _tag: "StoreFailed", operation, reason })
          if (reason === "CircuitOpen" || failing.has(operation)) return Effect.void
          failing.set(operation, told ? undefined : { cache, operation, sinceMillis })
          if (told) return Effect.void
          told = true
          return report({ kind: "Store", cache, operation, surfaced: false, instead, cause: Cause.fail(error) })
        }),
      worked: (operation) => {
        told = false
        if (failing.size === 0) return
        const row = failing.get(operation)
        failing.delete(operation)
        if (row !== undefined) ended.unsafeOffer(row)
      },
      recoveries: Effect.forever(
        Effect.flatMap(Effect.zip(Queue.take(ended), Clock.currentTimeMillis), ([{ sinceMillis, ...row }, nowMillis]) =>
          recovered({ ...row, millis: Math.max(0, nowMillis - sinceMillis) })
        )
      )
    }
  })

interface Row {
  readonly cache: string
  readonly operation: string
  readonly sinceMillis: number
}
