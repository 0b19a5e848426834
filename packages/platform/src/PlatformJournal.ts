/**
 * The journal of a cache in a file, or over any `KeyValueStore` of `@effect/platform`: invalidations that the store has
 * not acknowledged, and those of writes under way, outlive the process, and are replayed by the next one.
 *
 * @since 0.1.0
 */
import type { JournalStorage } from "@larder/cache/JournalStorage"
import * as FileSystem from "@effect/platform/FileSystem"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isAbsent, storeError } from "./internal/errors.js"

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
 * A file for the journal of one instance, for the option `journal` of its cache. Instances that run side by side need a
 * file each, and an instance that starts again needs the one it had. Folders that are missing are made.
 *
 * A save replaces the file as a whole: who is killed in the middle of one leaves the text from before, or the next one.
 * It outlives the process; a machine that loses its power may lose the last saves.
 *
 * @example
 * import { NodeContext } from "@effect/platform-node"
 * import { Cache, Reporter, Store } from "@larder/cache"
 * import { PlatformJournal } from "@larder/platform"
 * import { Effect, Layer } from "effect"
 *
 * const CacheLive = Layer.unwrapEffect(
 *   Effect.map(PlatformJournal.makeFile("/var/lib/app/web-1.journal"), (journal) => Cache.layerWith({ journal }))
 * ).pipe(Layer.provide([Store.layerMemory, Reporter.layerLog, NodeContext.layer]))
 *
 * Layer.isLayer(CacheLive) // => true
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFile = (file: string): Effect.Effect<JournalStorage, never, FileSystem.FileSystem | Path.Path> =>
  Effect.map(Effect.all([FileSystem.FileSystem, Path.Path]), ([files, path]) => {
    const folder = files.makeDirectory(path.dirname(file), { recursive: true })
    let saves = 0
    return {
      load: Effect.catchAll(files.readFileString(file), (error) =>
        isAbsent(error) ? Effect.succeed(undefined) : Effect.fail(storeError("load", "file")(error))
      ),
      save: (text) =>
        Effect.suspend(() => {
          // Two names: one that nobody waited for to its end may still be written.
          const next = `${file}.${saves++ % 2}`
          const write = files.writeFileString(next, text)
          return Effect.catchIf(write, isAbsent, () => Effect.zipRight(folder, write)).pipe(
            Effect.zipRight(files.rename(next, file)),
            Effect.mapError(storeError("save", "file"))
          )
        })
    }
  })

/**
 * A place for the journal of one instance, for the option `journal` of its cache. A `KeyValueStore` of files writes in
 * place, so that a text that is cut off may have named anything: for files `makeFile` is the better one.
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
