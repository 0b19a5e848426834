/**
 * The port that tells other instances what was invalidated, so that none of them answers an older value from its own
 * memory.
 *
 * A bus carries short texts from each instance to all, the sender included. It may lose them, deliver them late or
 * twice, and in another order: the cache finds out and asks the store where it does not know. So a bus decides how long
 * a value may be answered from memory, and never whether an old one is.
 *
 * Where the store publishes on the same carrier (`Store.carrier`), the store sends the text itself, inside the operation
 * that makes it necessary: an invalidation that is acknowledged has been told.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import type { StoreError } from "./CacheError.js"
import * as memoryBus from "./internal/memoryBus.js"

/**
 * @since 0.1.0
 * @category tags
 */
export class InvalidationBus extends Context.Tag("@larder/cache/InvalidationBus")<
  InvalidationBus,
  {
    /** Names the bus in errors and reports: `memory`, `redis`, `upstash`. */
    readonly name: string
    /** Where the texts go. Its name holds the version of their form. */
    readonly channel: string
    /** What carries the texts, to be compared with `Store.carrier`. Absent: nothing that a store could send on. */
    readonly carrier?: object | undefined
    /** Sends a text to all instances. */
    readonly publish: (text: string) => Effect.Effect<void, StoreError>
    /**
     * Sends a text behind everything that the store on the same carrier has published, with the store's counter of
     * fences and a space before it (`-` when the store has none). Only where there is a carrier.
     */
    readonly publishCounted?: ((text: string) => Effect.Effect<void, StoreError>) | undefined
    /**
     * The texts from when the subscription stands. Ends with a failure when it is lost; whoever listens subscribes
     * again, and decides what a gap means.
     */
    readonly texts: Stream.Stream<string, StoreError>
  }
>() {}

/**
 * A bus in this process, of its own for each place where the layer is built: for tests, and for several caches in one
 * process over one store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<InvalidationBus> = Layer.effect(InvalidationBus, memoryBus.make)
