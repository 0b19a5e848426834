/**
 * A store over any `KeyValueStore` of `@effect/platform`: files, browser storage, memory.
 *
 * A `KeyValueStore` keeps bytes under names. It has no time to live, no list of its names, and nothing that is done in
 * one step. So it holds the bytes of values here and nothing else; what decides over them (epochs, leases, the counter
 * of fences, who was used last) is in the memory of this process, in a memory store whose values are tickets for a
 * place on the shelf. What follows from that:
 *
 * - **Fences hold within this process.** Another process does not hear of an invalidation, also over the same folder:
 *   for it the value lives until its time to live is over. Two processes on one folder disturb each other, and lose
 *   values; neither is ever answered a value of the other.
 * - **A restart begins empty**, and what the former process left behind is removed. With `keepAcrossRestarts` an
 *   orderly end (the layer's scope closes) leaves a list of what was valid at that moment, and the next start begins
 *   with it. The list is taken away before anything is answered: after a crash, whatever was under way, there is none,
 *   and everything is a miss. It is for one process at a time: a value is answered again although some other process
 *   invalidated it meanwhile.
 * - **It is bounded.** So many values are held, the one used least recently gives its place to the next; what is
 *   expired is removed by a sweep.
 *
 * A place that holds something else than its ticket says (another process, a torn write, a disk) is a malformed value:
 * a miss, and a report.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@larder/cache/CacheError"
import { Store } from "@larder/cache/Store"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as platformStore from "./internal/platformStore.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many values are held, the least recently used one out first. A whole number, at least 1. Default 10 000. */
  readonly maximumValues?: number | undefined
  /**
   * What the names in the `KeyValueStore` begin with. Default `larder.`. Two stores over one `KeyValueStore` need two
   * of them.
   */
  readonly prefix?: string | undefined
  /**
   * Whether what is valid at an orderly end is answered again after the next start. Default `false`. Only where one
   * process at a time uses the `KeyValueStore`.
   */
  readonly keepAcrossRestarts?: boolean | undefined
  /** How often expired values are removed. `DurationInput`. Default 30 seconds. */
  readonly sweepEvery?: Duration.DurationInput | undefined
}

/**
 * A store over the `KeyValueStore` of the context. It fails to build when that cannot be read or written: what a former
 * process left there could then not be taken away, and would be answered one day.
 *
 * @example
 * import { KeyValueStore } from "@effect/platform"
 * import { Cache, CacheKey, Reporter } from "@larder/cache"
 * import { PlatformStore } from "@larder/platform"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const Live = Cache.layer.pipe(
 *   Layer.provide(PlatformStore.layerWith({ prefix: "app.", maximumValues: 500 })),
 *   Layer.provide([KeyValueStore.layerMemory, Reporter.layerLog])
 * )
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 * const find = Effect.succeed("Ada").pipe(Cache.withCache(Key(1), { awaitWrite: true }))
 *
 * await Effect.runPromise(Effect.provide(find, Live)) // => "Ada"
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<Store, StoreError, KeyValueStore.KeyValueStore> =>
  Layer.scoped(Store, platformStore.make(options))

/**
 * With the default bounds, beginning empty at every start.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Store, StoreError, KeyValueStore.KeyValueStore> = layerWith({})
