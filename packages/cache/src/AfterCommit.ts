/**
 * The port by which a transaction keeps fences until its outcome is known. A value that is dropped before the commit
 * can be looked up again before the commit, by whoever still sees the old row, and then nobody drops it.
 *
 * Whoever runs transactions provides `AfterCommit` to what happens inside one; `@larder/sql` does it for `@effect/sql`.
 * Where it is in the context a cache hands its invalidations and expiries over instead of carrying them out, and the
 * caller's effect succeeds at once; nothing is read from the cache and nothing stored. Where it is not, every fence
 * falls where it is called.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { FenceRequest } from "./Store.js"

/**
 * An invalidation (hard) or an expiry (soft) that may wait. Order matters little: what is invalidated is gone, whatever
 * is expired before or after.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fence {
  /** The cache it belongs to. Fences of one cache and one kind may fall together, with the names of all. */
  readonly cache: object
  readonly kind: "invalidate" | "expire"
  readonly request: FenceRequest
  /**
   * Lets a fence of this cache and kind fall. It never fails: what the store does not acknowledge is reported, hidden
   * on this instance, and replayed.
   */
  readonly fall: (request: FenceRequest) => Effect.Effect<void>
  /**
   * Called just before the commit: saves what is to fall after it, where the journal of the cache has a place, so that
   * a process that is killed in between loses nothing. Answers what takes that back, for when the fences have fallen
   * or the transaction was rolled back. It never fails.
   */
  readonly announce: (request: FenceRequest) => Effect.Effect<Effect.Effect<void>>
}

/**
 * What a transaction does with the fences of the fibers inside it.
 *
 * @example
 * import { AfterCommit, Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * // Of a transaction, what matters here: its fences wait for the commit, and fall before the caller is answered.
 * const transaction = <A, E, R>(self: Effect.Effect<A, E, R>, commit: Effect.Effect<void>) =>
 *   Effect.suspend(() => {
 *     const kept: Array<AfterCommit.Fence> = []
 *     return self.pipe(
 *       Effect.provideService(AfterCommit.AfterCommit, { keep: (fence) => kept.push(fence) > 0 }),
 *       Effect.zip(Effect.suspend(() => Effect.forEach(kept, (fence) => fence.announce(fence.request)))),
 *       Effect.zipLeft(commit),
 *       Effect.tap(() => Effect.forEach(kept, (fence) => fence.fall(fence.request))),
 *       Effect.tap(([, announced]) => Effect.all(announced)),
 *       Effect.map(([answer]) => answer)
 *     )
 *   })
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * const program = Effect.gen(function* () {
 *   const cache = yield* Cache.Cache
 *   const seen: Array<string> = []
 *   yield* Cache.listen((event) => seen.push(event._tag))
 *   yield* transaction(cache.invalidate(Key(1)), Effect.sync(() => void seen.push("COMMIT")))
 *   return seen
 * }).pipe(Effect.scoped, Effect.provide(Cache.layerMemory))
 *
 * await Effect.runPromise(program) // => ["COMMIT", "Invalidated"]
 *
 * @since 0.1.0
 * @category tags
 */
export class AfterCommit extends Context.Tag("@larder/cache/AfterCommit")<
  AfterCommit,
  {
    /**
     * Keeps a fence, to let it fall when the transaction is committed or may have been. Answers whether it did: not
     * when the transaction is over, for a fiber that outlives it; then the fence falls where it is called.
     */
    readonly keep: (fence: Fence) => boolean
  }
>() {}

/**
 * Whether a fence was kept by the transaction of this context.
 *
 * @since 0.1.0
 * @category combinators
 */
export const isKept = (context: Context.Context<never>, fence: Fence): boolean => {
  const transaction = Context.getOption(context, AfterCommit)
  return Option.isSome(transaction) && transaction.value.keep(fence)
}
