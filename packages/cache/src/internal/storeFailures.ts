/**
 * Who is told of failures of the store that somebody was answered without: everybody of each as an event, the reporter
 * of one in a row. An operation that goes on failing while others succeed begins no row anew.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { StoreError } from "../CacheError.js"
import type { StoreEvent } from "../CacheEvent.js"
import type { CacheFailure } from "../Reporter.js"

export interface StoreFailures {
  readonly failed: (cache: string, error: StoreError) => Effect.Effect<void>
  readonly worked: (operation: string) => void
}

export const make = (
  emit: (event: StoreEvent) => void,
  report: (failure: CacheFailure) => Effect.Effect<void>
): StoreFailures => {
  const failing = new Set<string>()
  let told = false
  return {
    failed: (cache, error) =>
      Effect.suspend(() => {
        const { operation, reason } = error
        emit({ _tag: "StoreFailed", operation, reason })
        if (reason === "CircuitOpen" || failing.has(operation)) return Effect.void
        failing.add(operation)
        if (told) return Effect.void
        told = true
        return report({ kind: "Store", cache, operation, surfaced: false, cause: Cause.fail(error) })
      }),
    worked: (operation) => {
      told = false
      if (failing.size > 0) failing.delete(operation)
    }
  }
}
