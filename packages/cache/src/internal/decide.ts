/**
 * The read path as one pure function: what to do with the entry that was found, under a policy, at an instant.
 * Nothing else in the house decides what is fresh, stale or too old.
 *
 *            created            expires       + staleWhileRevalidate      + staleIfError
 *   -----------|-------------------|----------------------|----------------------|---------->
 *                     Serve           ServeAndRefresh       Lookup, this as        Lookup
 *               (or refresh ahead)                          a fallback
 *
 * Windows are the reader's: they are applied to what the entry says of itself. At the instant of an end, the window is
 * over. An entry marked stale by `expire` counts as past its time to live, its windows still counted from its own end.
 * Stored failures have no windows.
 *
 * The formula of refreshing ahead is XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
 * Prevention", VLDB 2015.
 */
import * as Either from "effect/Either"
import type { CacheEntry } from "../CacheEntry.js"
import type { Resolved } from "../CachePolicy.js"

export type Decision =
  | { readonly _tag: "Serve" }
  /** `stale` is false when a fresh entry is refreshed ahead. */
  | { readonly _tag: "ServeAndRefresh"; readonly stale: boolean }
  /** An old value while lookups are held back after a failure. */
  | { readonly _tag: "ServeStale" }
  /** The entry may stand in for a failed lookup until this instant; `-Infinity`: never. */
  | { readonly _tag: "Lookup"; readonly fallbackUntilMillis: number }

export interface Question {
  /** `undefined`: nothing was found, or it must never be answered again. */
  readonly entry: CacheEntry<unknown, unknown> | undefined
  /** Whether `expire` marked it stale. */
  readonly expired: boolean
  readonly nowMillis: number
  /** Until when lookups are held back after a failure; `-Infinity`: not. */
  readonly backoffUntilMillis: number
  /** Evenly distributed over [0, 1). */
  readonly random: number
}

const lookup: Decision = { _tag: "Lookup", fallbackUntilMillis: -Infinity }
const serve: Decision = { _tag: "Serve" }

export const decide = (policy: Resolved, question: Question): Decision => {
  const { entry, nowMillis } = question
  if (entry === undefined) return lookup
  if (!question.expired && nowMillis < entry.expiresAtMillis) {
    return policy.refreshAhead > 0 && isAhead(policy.refreshAhead, entry, question)
      ? { _tag: "ServeAndRefresh", stale: false }
      : serve
  }
  if (Either.isLeft(entry.content)) return lookup
  // An entry marked stale has not reached its end: without a window it must not be answered either.
  const past = Math.max(0, nowMillis - entry.expiresAtMillis)
  const backoff = nowMillis < question.backoffUntilMillis
  if (past < policy.staleWhileRevalidateMillis) {
    return backoff ? { _tag: "ServeStale" } : { _tag: "ServeAndRefresh", stale: true }
  }
  if (past >= policy.staleIfErrorMillis) return lookup
  return backoff
    ? { _tag: "ServeStale" }
    : { _tag: "Lookup", fallbackUntilMillis: entry.expiresAtMillis + policy.staleIfErrorMillis }
}

// 1 - random lies in (0, 1], so the logarithm is finite.
const isAhead = (beta: number, entry: CacheEntry<unknown, unknown>, question: Question): boolean =>
  question.nowMillis >= question.backoffUntilMillis &&
  question.nowMillis - entry.lookupMillis * beta * Math.log(1 - question.random) >= entry.expiresAtMillis
