/**
 * The port that keeps the journal of a cache over a restart: invalidations that the store has not acknowledged.
 *
 * Without one the journal is in the memory of the process, and a process that ends during an outage of the store takes
 * it along: what it could not invalidate is answered by others until its time to live is over.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreError } from "./CacheError.js"

/**
 * A place for one text. Each instance needs a place of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalStorage {
  /** The text that was saved last; `undefined` when there is none. */
  readonly load: Effect.Effect<string | undefined, StoreError>
  readonly save: (text: string) => Effect.Effect<void, StoreError>
}
