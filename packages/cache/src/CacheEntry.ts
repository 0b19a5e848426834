/**
 * What is cached under a key: a value, or a failure, with its instants.
 *
 * @since 0.1.0
 */
import type * as Either from "effect/Either"

/**
 * @since 0.1.0
 * @category models
 */
export interface CacheEntry<out A, out E = never> {
  /** `Right` a value, `Left` a failure that the policy allowed to store. */
  readonly content: Either.Either<A, E>
  /** When its lookup ended, in milliseconds since 1970 by the clock of the instance that stored it. */
  readonly createdAtMillis: number
  /** From this instant on it is stale. */
  readonly expiresAtMillis: number
  /** How long its lookup took. */
  readonly lookupMillis: number
}
