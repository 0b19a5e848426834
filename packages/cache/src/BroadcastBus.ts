/**
 * A bus over the platform's `BroadcastChannel`: for caches in several worker threads of one process over one store, and
 * for the tabs and workers of a page. Node, Deno, Bun and browsers have it; it needs no server and reaches no other
 * machine, nor another process of Node.
 *
 * An open bus does not keep the program alive, and is closed with its layer.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StoreError } from "./CacheError.js"
import { channelOf } from "./internal/allowed.js"
import * as broadcastBus from "./internal/broadcastBus.js"
import { InvalidationBus } from "./InvalidationBus.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Who hears whom: caches over one store have one name, over different stores different ones. A text, not empty.
   * Default `larder`.
   */
  readonly channel?: string | undefined
}

/**
 * A bus that is closed with its scope. Fails where the platform has no `BroadcastChannel`. Throws a
 * `ConfigurationError` when the name is not usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Context.Tag.Service<InvalidationBus>, StoreError, Scope.Scope> => broadcastBus.make(channelOf(options))

/**
 * A bus under a name of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<InvalidationBus, StoreError> =>
  Layer.scoped(InvalidationBus, make(options))

/**
 * A bus under `larder`.
 *
 * @example
 * import { BroadcastBus, Cache, CacheKey, Reporter, Store } from "@larder/cache"
 * import { Context, Effect, Layer, Schema } from "effect"
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * // Each with a bus of its own, as in a thread of its own.
 * const instance = Cache.layerWithBus().pipe(Layer.provide(BroadcastBus.layer), Layer.fresh, Layer.build)
 *
 * const program = Effect.gen(function* () {
 *   const [one, two] = [Context.get(yield* instance, Cache.Cache), Context.get(yield* instance, Cache.Cache)]
 *   yield* Effect.sleep("100 millis")
 *   const before = yield* one.getOrSet(Key(1), Effect.succeed("Ada"))
 *   yield* two.invalidate(Key(1))
 *   yield* Effect.sleep("100 millis")
 *   return [before, yield* one.getOrSet(Key(1), Effect.succeed("Grace"))]
 * })
 *
 * await program.pipe(
 *   Effect.scoped,
 *   Effect.provide([Store.layerMemory, Reporter.layerLog]),
 *   Effect.runPromise
 * ) // => ["Ada", "Grace"]
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<InvalidationBus, StoreError> = layerWith({})
