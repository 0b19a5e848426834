/**
 * Who is told of failures of the store that somebody was answered without: everybody of each as an event, the reporter
 * of one in a row. An operation that goes on failing while others succeed begins no row anew.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { StoreError } from "../CacheError.js"
import type { StoreEvent } from "../CacheEvent.js"
import type { CacheFailure } from "../Reporter.js"
import * as consequences from "./consequences.js"

export interface StoreFailures {
  /** `instead`: what happens in its place, where the operation alone does not say it. */
  readonly failed: (cache: string, error: StoreError, instead?: string) => Effect.Effect<void>
  readonly worked: (operation: string) => void
}

export const make = (
  emit: (event: StoreEvent) => void,
  report: (failure: CacheFailure) => Effect.Effect<void>
): StoreFailures => {
  const failing = new Set<string>()
  let told = false
  return {
    failed: (cache, error, instead = consequences.of(error.operation)) =>
      Effect.suspend(() => {
        const { operation, reason } = error
        emit({ _tag: "StoreFailed", operation, reason })
        if (reason === "CircuitOpen" || failing.has(operation)) return Effect.void
        failing.add(operation)
        if (told) return Effect.void
        told = true
        return report({ kind: "Store", cache, operation, surfaced: false, instead, cause: Cause.fail(error) })
      }),
    worked: (operation) => {
      told = false
      if (failing.size > 0) failing.delete(operation)
    }
  }
}
