/**
 * The port every backend implements: bytes under a string key, with a time to live, leases and epochs.
 *
 * A store does not know schemas, policies or staleness; `StoreTier` does. It holds
 *
 * - for each key: one value for each *shape* (the fingerprint of the schema that wrote it), one epoch that all shapes
 *   share, and at most one lease for each shape;
 * - for each tag: an epoch;
 * - one counter of fences.
 *
 * A key is a tag as well: whatever fences a key fences the tag of the same name. Values that were computed from another
 * key's value carry that tag, and so end with it.
 *
 * Each operation is atomic for each key and the tags named with it; where these lie `apart`, it is two halves, in an
 * order that leaves a miss and never an older value. Operations take lists, so that one turn of a program costs one
 * round trip; the answers come in the order of the requests.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { StoreError } from "./CacheError.js"
import type { Counter, Epochs, Stamps } from "./Epoch.js"
import * as allowed from "./internal/allowed.js"
import * as memoryStore from "./internal/memoryStore.js"

/**
 * What a store holds under a key and shape. `id` names this very value: a caller that refuses it says so by its `id`
 * when it asks for a lease. `Malformed` is something that no store of ours wrote.
 *
 * @since 0.1.0
 * @category models
 */
export type Found =
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Malformed"; readonly id: string }
  | { readonly _tag: "Stored"; readonly id: string; readonly bytes: Uint8Array; readonly stamps: Stamps }

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadRequest {
  readonly key: string
  readonly shape: string
  /** The tags known before reading. Tags found in the value's stamps are answered as well. */
  readonly tags: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadAnswer {
  readonly found: Found
  /** The current epochs of the key, of the tags of the request and of the tags in the stamps. */
  readonly epochs: Epochs
}

/**
 * @since 0.1.0
 * @category models
 */
export interface LeaseRequest {
  readonly key: string
  readonly shape: string
  readonly tags: ReadonlyArray<string>
  /** The `id` of the value the caller has read and refuses, `"*"` to refuse any, absent when it found none. */
  readonly seen?: string | undefined
  /**
   * Whether the caller shares the key with others: a lease that stands is granted to it as well, under the epochs of
   * now, instead of `Busy`. Whichever of its holders fills first uses it up. Default `false`.
   */
  readonly shared?: boolean | undefined
  readonly leaseMillis: number
  /** How long the epochs must live at least: as long as the longest value that may carry them. */
  readonly retainMillis: number
}

/**
 * The right to fill one key and shape, under the epochs it was granted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  readonly key: string
  readonly shape: string
  readonly token: string
  readonly stamps: Stamps
  readonly counter: Counter
}

/**
 * `Found`: somebody stored a value that the caller has not refused. `Busy`: somebody else holds the lease.
 *
 * @since 0.1.0
 * @category models
 */
export type LeaseAnswer =
  | { readonly _tag: "Granted"; readonly lease: Lease }
  | { readonly _tag: "Busy" }
  | { readonly _tag: "Found"; readonly answer: ReadAnswer }

/**
 * @since 0.1.0
 * @category models
 */
export interface FillRequest {
  readonly lease: Lease
  /** Tags that the lookup learnt after the lease was granted. */
  readonly learntTags: ReadonlyArray<string>
  readonly bytes: Uint8Array
  /** How long the value is kept, in milliseconds; a whole number, at least 1. */
  readonly timeToLiveMillis: number
}

/**
 * `Refused`: the lease was lost, or a fence fell since it was granted. Nothing was stored.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = "Stored" | "Refused"

/**
 * @since 0.1.0
 * @category models
 */
export interface KeyName {
  readonly key: string
  /** The shapes known to the caller, whose memory is freed at once. Others are invalid all the same. */
  readonly shapes: ReadonlyArray<string>
}

/**
 * What a store tells on its carrier, inside the operation it is given to: its counter after the fence, a space, and the
 * text. A store without a carrier is given none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Announcement {
  readonly channel: string
  readonly text: string
}

/**
 * What a fence names. `everything` starts a new era: every value of the store becomes invalid.
 *
 * @since 0.1.0
 * @category models
 */
export interface FenceRequest {
  readonly keys: ReadonlyArray<KeyName>
  readonly tags: ReadonlyArray<string>
  readonly everything?: boolean | undefined
  readonly announcement?: Announcement | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CaptureRequest {
  readonly key: string
  readonly shape: string
  readonly tags: ReadonlyArray<string>
  readonly retainMillis: number
}

/**
 * The epochs as they were before a value that will be `commit`ted was computed or written elsewhere.
 *
 * @since 0.1.0
 * @category models
 */
export interface Capture {
  readonly key: string
  readonly shape: string
  readonly stamps: Stamps
  readonly counter: Counter
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CommitRequest {
  readonly capture: Capture
  readonly learntTags: ReadonlyArray<string>
  /** Absent: fence the key, store nothing. */
  readonly bytes?: Uint8Array | undefined
  readonly timeToLiveMillis: number
  readonly announcement?: Announcement | undefined
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Store extends Context.Tag("@larder/cache/Store")<
  Store,
  {
    /** Names the store in errors, events and reports: `memory`, `upstash`, `redis`. */
    readonly name: string
    /** Whether an operation may wait for something outside the process. Those get a time limit and a circuit breaker. */
    readonly remote: boolean
    /**
     * Whether a key and its tags lie apart, as on a cluster, so that each operation is two. An epoch that a lease makes
     * for a key may then be younger than the counter it comes with: that the counter did not move says nothing of the
     * key. Absent: they do not.
     */
    readonly apart?: boolean | undefined
    /** What can carry an `Announcement` for it, to be compared with a bus's. Absent: it tells nobody anything. */
    readonly carrier?: object | undefined
    /** Values and current epochs, read together: never an epoch older than the value it judges. */
    readonly read: (requests: ReadonlyArray<ReadRequest>) => Effect.Effect<ReadonlyArray<ReadAnswer>, StoreError>
    /**
     * Creates the epochs that are missing, then answers a value that the caller has not refused, or `Busy` while a
     * lease granted under these same epochs stands, or grants one. A lease granted under other epochs is void.
     */
    readonly lease: (requests: ReadonlyArray<LeaseRequest>) => Effect.Effect<ReadonlyArray<LeaseAnswer>, StoreError>
    /**
     * Stores each value whose lease stands under unchanged epochs, and drops the lease. A learnt tag whose epoch
     * changed after the lease was granted, or that is missing while fences fell since, refuses the fill.
     */
    readonly fill: (requests: ReadonlyArray<FillRequest>) => Effect.Effect<ReadonlyArray<Outcome>, StoreError>
    /** Prolongs leases that still stand, and the life of their epochs. `false`: it is lost. */
    readonly renew: (
      leases: ReadonlyArray<Lease>,
      leaseMillis: number
    ) => Effect.Effect<ReadonlyArray<boolean>, StoreError>
    /** Gives leases back. One that is no longer the caller's is left alone. */
    readonly release: (leases: ReadonlyArray<Lease>) => Effect.Effect<void, StoreError>
    /** Hard: nothing made before is answered again. Works when memory is full. Answers the counter after it. */
    readonly invalidate: (request: FenceRequest) => Effect.Effect<Counter, StoreError>
    /** Soft: what was made before is stale. Voids leases. Answers the counter after it. */
    readonly expire: (request: FenceRequest) => Effect.Effect<Counter, StoreError>
    /** Reads the epochs of a key and tags, creating those that are missing. */
    readonly capture: (request: CaptureRequest) => Effect.Effect<Capture, StoreError>
    /**
     * Replaces the key's epoch and voids its leases in any case; stores the value if the captured epochs were still
     * current. Answers the counter after it.
     */
    readonly commit: (
      request: CommitRequest
    ) => Effect.Effect<{ readonly outcome: Outcome; readonly counter: Counter }, StoreError>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface MemoryOptions {
  /** How many keys are held, least recently used out first. Whole, at least 1. Default 10 000. Tags: four times as many. */
  readonly maximumKeys?: number | undefined
}

const memoryOptions = allowed.parts({ maximumKeys: allowed.whole(1) } satisfies allowed.Rules<MemoryOptions>)

/**
 * A store in this process's memory, of its own for each place where the layer is built. It holds bytes, as any other
 * store does, so that what works here works on Redis. Throws a `ConfigurationError` when an option is not usable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemoryWith = (options: MemoryOptions): Layer.Layer<Store> =>
  Layer.effect(Store, memoryStore.make(memoryOptions("", options)))

/**
 * A store in memory with the default bounds.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Store> = Layer.effect(Store, memoryStore.make({}))

/**
 * A store that holds nothing: every read misses, every lease is granted, every fill is refused.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNoop: Layer.Layer<Store> = Layer.succeed(Store, memoryStore.noop)
