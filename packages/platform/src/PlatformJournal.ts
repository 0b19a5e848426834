/**
 * The journal of a cache over any `KeyValueStore` of `@effect/platform`: invalidations that the store has not
 * acknowledged outlive the process, and are replayed by the next one.
 *
 * @since 0.1.0
 */
import type { JournalStorage } from "@larder/cache/JournalStorage"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { storeError } from "./internal/errors.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The name in the `KeyValueStore`. Default `larder.journal`. Instances that run side by side over one `KeyValueStore`
   * need a name each, and an instance that starts again needs the one it had.
   */
  readonly name?: string | undefined
}

/**
 * A place for the journal of one instance, for the option `journal` of its cache.
 *
 * @example
 * import { KeyValueStore } from "@effect/platform"
 * import { Cache, Reporter, Store } from "@larder/cache"
 * import { PlatformJournal } from "@larder/platform"
 * import { Effect, Layer } from "effect"
 *
 * const CacheLive = Layer.unwrapEffect(
 *   Effect.map(PlatformJournal.make({ name: "larder.journal.web-1" }), (journal) => Cache.layerWith({ journal }))
 * ).pipe(
 *   // KeyValueStore.layerFileSystem("/var/lib/app") with NodeContext.layer for files.
 *   Layer.provide([Store.layerMemory, Reporter.layerLog, KeyValueStore.layerMemory])
 * )
 *
 * Layer.isLayer(CacheLive) // => true
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<JournalStorage, never, KeyValueStore.KeyValueStore> =>
  Effect.map(KeyValueStore.KeyValueStore, (place) => {
    const name = options.name ?? "larder.journal"
    return {
      load: Effect.mapBoth(place.get(name), { onFailure: storeError("load"), onSuccess: Option.getOrUndefined }),
      save: (text) => Effect.mapError(place.set(name, text), storeError("save"))
    }
  })
