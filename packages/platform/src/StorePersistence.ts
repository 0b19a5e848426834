/**
 * Larder's stores under Effect's `Persistence`, for programs that use `PersistedCache` or persisted request resolvers:
 * Upstash, Redis, files or memory, with what a store of Larder's keeps.
 *
 * - **A store that fails takes nobody down.** A read that fails, times out or is not understood is a miss, a set that
 *   fails stores nothing; both are reported. Every operation has a time limit, and a failing store is left alone for a
 *   while. `remove` and `clear` fail when the store did not acknowledge them: what they name may still be answered.
 * - **A removal holds.** A set that follows a miss stores nothing when its key was removed, or its store cleared, since
 *   that miss: also when the lookup between them took long, and on another instance. The two belong together when they
 *   run on one fiber, or the set on one forked from it, as `PersistedCache` and `persisted` do. A set for itself wins
 *   over all that came before it; of several at once one is stored. One that follows a read that failed stores nothing
 *   and removes what is there: nobody knows which of the two is older, or whether a removal came in between.
 * - **A time to live is exact** to the millisecond and below, by the reader's clock. Without one, and where it is
 *   infinite, a value is kept for a year: nothing stays for ever.
 * - **A list is one round trip** to read, and two to store after a miss. On a cluster a read is two, with two more for a
 *   miss of a key that nothing is known of, and storing is four.
 *
 * Keys are `V1.{prefix}.{storeId}.{key}`, so that `Cache.clear` of the same prefix and scope clears them too.
 *
 * @since 0.1.0
 */
import type * as CircuitBreaker from "@larder/cache/CircuitBreaker"
import type { Reporter } from "@larder/cache/Reporter"
import type { Store } from "@larder/cache/Store"
import * as Persistence from "@effect/experimental/Persistence"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as storePersistence from "./internal/storePersistence.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What the keys begin with, after their version. A text that is not empty. Default `persistence`. */
  readonly prefix?: string | undefined
  /** How long one operation of a remote store may take. `DurationInput`. Default 250 ms. */
  readonly storeTimeout?: Duration.DurationInput | undefined
  /** When the store is left alone. Default: after 5 failures in a row, for 1 second growing to 30. */
  readonly breaker?: Omit<CircuitBreaker.Options, "onChange"> | undefined
}

/**
 * Persistence over the store and the reporter in its context.
 *
 * @example
 * import { PersistedCache, Persistence } from "@effect/experimental"
 * import { Reporter, Store } from "@larder/cache"
 * import { StorePersistence } from "@larder/platform"
 * import { Effect, Layer, PrimaryKey, Schema } from "effect"
 *
 * class User extends Schema.TaggedRequest<User>()("User", {
 *   failure: Schema.String,
 *   success: Schema.String,
 *   payload: { id: Schema.Number }
 * }) {
 *   [PrimaryKey.symbol]() {
 *     return String(this.id)
 *   }
 * }
 *
 * const Live = Persistence.layerResult.pipe(
 *   Layer.provide(StorePersistence.layerWith({ prefix: "app" })),
 *   Layer.provide([Store.layerMemory, Reporter.layerLog])
 * )
 *
 * let lookups = 0
 * const users = PersistedCache.make({
 *   storeId: "users",
 *   lookup: ({ id }: User) => Effect.sync(() => `user ${id}, lookup ${++lookups}`),
 *   timeToLive: () => "5 minutes"
 * })
 * // Two of them, as two instances would be: the second one finds what the first one stored.
 * const ask = Effect.flatMap(users, (cache) => cache.get(new User({ id: 1 })))
 *
 * await Effect.runPromise(Effect.all([ask, ask]).pipe(Effect.scoped, Effect.provide(Live)))
 * // => ["user 1, lookup 1", "user 1, lookup 1"]
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<Persistence.BackingPersistence, never, Store | Reporter> =>
  Layer.effect(Persistence.BackingPersistence, storePersistence.make(options))

/**
 * With the default prefix and limits.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Persistence.BackingPersistence, never, Store | Reporter> = layerWith({})

/**
 * What `PersistedCache` and persisted resolvers ask for, over the store and the reporter in its context.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerResult: Layer.Layer<Persistence.ResultPersistence, never, Store | Reporter> =
  Persistence.layerResult.pipe(Layer.provide(layer))
