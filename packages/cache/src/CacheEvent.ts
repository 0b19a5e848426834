/**
 * What happened in a cache, as plain data: for logs, metrics, dashboards and tests. No event holds a value; keys hold
 * redacted parts as hashes.
 *
 * @since 0.1.0
 */

/**
 * Something that happened to one key.
 *
 * - `Hit`: a fresh value, or a stored failure, was answered.
 * - `Stale`: an old value was answered: while a refresh runs behind (`Revalidate`), because the lookup failed
 *   (`Error`), is not tried again for a while (`Backoff`), or is slow (`SoftTimeout`).
 * - `Miss`: a lookup was needed. `Joined`: it was already running.
 * - `Refresh`: a lookup began behind an answered value.
 * - `LookupSucceeded`, `LookupFailed`: with how long it took.
 * - `Stored`: the value is in the store. `Refused`: a fence fell while the lookup ran; nothing was stored.
 * - `Uncacheable`: the policy, or its schema, kept a value from being stored.
 * - `Bypassed`: the cache was off for this call, or it ran in a transaction.
 *
 * @since 0.1.0
 * @category models
 */
export type KeyEvent =
  | { readonly _tag: "Hit" | "Miss" | "Joined" | "Refresh" | "Stored" | "Refused" | "Uncacheable" | "Bypassed" }
  | { readonly _tag: "Stale"; readonly because: "Revalidate" | "Error" | "Backoff" | "SoftTimeout" }
  | { readonly _tag: "LookupSucceeded" | "LookupFailed"; readonly millis: number }

/**
 * Something that happened to the whole cache.
 *
 * - `Invalidated`, `Expired`: a fence fell. `acknowledged: false`: the store did not answer; what it names is hidden
 *   on this instance until a replay is acknowledged (`Replayed`).
 * - `StoreFailed`: an operation failed; its caller was answered without the store.
 * - `CircuitOpened`, `CircuitClosed`: the store is left alone for a while, or asked again.
 *
 * @since 0.1.0
 * @category models
 */
export type StoreEvent =
  | {
      readonly _tag: "Invalidated" | "Expired"
      readonly keys: ReadonlyArray<string>
      readonly tags: ReadonlyArray<string>
      readonly acknowledged: boolean
    }
  | { readonly _tag: "Replayed"; readonly keys: ReadonlyArray<string>; readonly tags: ReadonlyArray<string> }
  | { readonly _tag: "StoreFailed"; readonly operation: string; readonly reason: string }
  | { readonly _tag: "CircuitOpened" | "CircuitClosed" }

/**
 * @since 0.1.0
 * @category models
 */
export type CacheEvent = (KeyEvent & { readonly cache: string; readonly key: string }) | StoreEvent
