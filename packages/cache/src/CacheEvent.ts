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
 * - `Stored`: the value is in the store, or in memory where the policy leaves the store out. `Refused`: a fence fell
 *   while the lookup ran; nothing was stored.
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
 * Why there may be something that was not heard: a subscription has begun, a count was missing, or a message could not
 * be read.
 *
 * @since 0.1.0
 * @category models
 */
export type GapReason = "Subscribed" | "Lost" | "Unreadable"

/**
 * Something that happened to the whole cache.
 *
 * - `Invalidated`, `Expired`: a fence fell. `acknowledged: false`: the store did not answer; what it names is hidden
 *   on this instance until a replay is acknowledged (`Replayed`).
 * - `Recalled`: the store may have lost what it acknowledged lately; it is hidden again until a replay is acknowledged.
 * - `StoreFailed`: an operation failed; its caller was answered without the store.
 * - `CircuitOpened`, `CircuitClosed`: the store is left alone for a while, or asked again.
 * - `Heard`: another instance told of a fence, which holds here from now on. `everything`: it named no names.
 * - `Gap`: what other instances told may have been missed, so that whatever was seen before is asked for anew.
 * - `BusLost`: the subscription to what other instances tell ended; it is made again, and then there is a `Gap`.
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
  | {
      readonly _tag: "Replayed" | "Recalled"
      readonly keys: ReadonlyArray<string>
      readonly tags: ReadonlyArray<string>
    }
  | { readonly _tag: "StoreFailed"; readonly operation: string; readonly reason: string }
  | { readonly _tag: "CircuitOpened" | "CircuitClosed" }
  | {
      readonly _tag: "Heard"
      readonly kind: "invalidate" | "expire"
      readonly keys: ReadonlyArray<string>
      readonly tags: ReadonlyArray<string>
      readonly everything: boolean
    }
  | { readonly _tag: "Gap"; readonly because: GapReason }
  | { readonly _tag: "BusLost"; readonly reason: string }

/**
 * @since 0.1.0
 * @category models
 */
export type CacheEvent = (KeyEvent & { readonly cache: string; readonly key: string }) | StoreEvent
