/**
 * A bus over the channel between a process and those it has forked, by `node:cluster` or by `fork` of
 * `node:child_process`: for the workers of one machine over one store, without a server between them.
 *
 * In the primary a relay passes on what its children tell:
 *
 *     const relay = ProcessBus.makeRelay()
 *     cluster.on("fork", relay.join)
 *
 * and each worker has the bus:
 *
 *     Cache.layerWithBus().pipe(Layer.provide([ProcessBus.layer(process), StoreLive, Reporter.layerLog]))
 *
 * A worker that listens hears as long as its cache is open, and that keeps it alive, as any listener to the channel
 * does. The module imports nothing of Node.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StoreError } from "./CacheError.js"
import { channelOf } from "./internal/allowed.js"
import * as processBus from "./internal/processBus.js"
import { InvalidationBus } from "./InvalidationBus.js"

/**
 * What is needed of Node's `process` in one that was forked: the way to its parent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parent {
  readonly send?: (
    message: object,
    handle: undefined,
    options: undefined,
    sent: (error: Error | null) => void
  ) => unknown
  readonly on: (event: "message", listener: (message: unknown) => void) => unknown
  readonly off: (event: "message", listener: (message: unknown) => void) => unknown
}

/**
 * What is needed of a process that was forked: a `Worker` of `node:cluster`, or what `fork` answers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Child {
  readonly send: (message: object, sent: (error: Error | null) => void) => unknown
  readonly on: (event: "message" | "disconnect", listener: (message: unknown) => void) => unknown
}

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
 * @since 0.1.0
 * @category models
 */
export interface Relay {
  /** Passes on what this child tells, and tells it what others do, until it disconnects. */
  readonly join: (child: Child) => void
  /** The bus of the parent's own cache, where it has one. */
  readonly layer: Layer.Layer<InvalidationBus>
}

/**
 * A relay for the parent. It holds nothing open by itself, and bounds what waits for a child that is frozen. Throws a
 * `ConfigurationError` when the name is not usable.
 *
 * @example
 * import { InvalidationBus, ProcessBus } from "@larder/cache"
 * import { Effect } from "effect"
 *
 * const relay = ProcessBus.makeRelay()
 *
 * Effect.runSync(Effect.provide(Effect.map(InvalidationBus.InvalidationBus, (bus) => bus.name), relay.layer))
 * // => "process"
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeRelay = (options: Options = {}): Relay => {
  const { bus, join } = processBus.relay(channelOf(options))
  return { join, layer: Layer.succeed(InvalidationBus, bus) }
}

/**
 * The bus of a process that was forked. Fails in one that was not. Throws a `ConfigurationError` when the name is not
 * usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  process: Parent,
  options: Options = {}
): Effect.Effect<Context.Tag.Service<InvalidationBus>, StoreError, Scope.Scope> =>
  processBus.child(process, channelOf(options))

/**
 * The bus of a process that was forked: `ProcessBus.layer(process)`. Fails in one that was not.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (process: Parent, options: Options = {}): Layer.Layer<InvalidationBus, StoreError> =>
  Layer.scoped(InvalidationBus, make(process, options))
