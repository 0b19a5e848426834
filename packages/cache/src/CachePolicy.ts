/**
 * Policies: how long a value is fresh, when an old one may be answered, what is stored at all. Plain data.
 *
 * What the fields mean is decided in one place, `internal/decide.ts`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Schema from "effect/Schema"
import { ConfigurationError } from "./CacheError.js"
import { userTag } from "./CacheKey.js"
import * as allowed from "./internal/allowed.js"

/**
 * What may be done with a tier: values in memory, or the store.
 *
 * - `ReadWrite`: found there, and kept there.
 * - `ReadOnly`: found there; nothing is put in.
 * - `WriteOnly`: not looked for there; what is looked up takes the place of what is there.
 * - `Off`: neither.
 *
 * @since 0.1.0
 * @category models
 */
export type Access = "ReadWrite" | "ReadOnly" | "WriteOnly" | "Off"

/**
 * The policy of values of type `A` whose lookup fails with `E`. Every field is optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface CachePolicy<in A = unknown, out E = never> {
  /**
   * How long a value is fresh, or a function of the value.
   * `DurationInput`. Default 5 minutes. Zero: not stored. More than a year counts as a year. When the function throws
   * or answers no duration, the value is answered, not stored, and the mistake is reported.
   * The RFC's `CACHE_TTL`. Elsewhere: ttl, maxAge.
   */
  readonly timeToLive?: Duration.DurationInput | ((value: A) => Duration.DurationInput) | undefined
  /**
   * How much longer than `timeToLive` a value may be answered at once while a lookup refreshes it behind.
   * `DurationInput`. Default zero: off. Counted from expiry.
   * RFC 5861 §3. Elsewhere: swr, grace with a timeout of zero.
   */
  readonly staleWhileRevalidate?: Duration.DurationInput | undefined
  /**
   * How much longer than `timeToLive` a value may be answered when the lookup fails.
   * `DurationInput`. Default zero: off. Counted from expiry; the failure is reported, not raised.
   * RFC 5861 §4. Elsewhere: fail-safe, grace.
   */
  readonly staleIfError?: Duration.DurationInput | undefined
  /**
   * After a failed lookup, how long an old value is answered without trying again.
   * `DurationInput`. Default 1 second. Counted from the failure, on this instance; means something only together with
   * `staleIfError` or `staleWhileRevalidate`. An invalidation ends it, since then there is no old value.
   * Elsewhere: throttle.
   */
  readonly errorBackoff?: Duration.DurationInput | undefined
  /**
   * How long a caller waits for the lookup when there is an old value; then it gets that, and the lookup goes on
   * behind. `DurationInput`. Default infinity: off. The old value is one that `staleIfError` allows.
   * Elsewhere: factory soft timeout. A hard limit is `Effect.timeout` on the lookup.
   */
  readonly softTimeout?: Duration.DurationInput | undefined
  /**
   * Refreshes a fresh value behind, the likelier the nearer its end and the longer its lookup took: when
   * `now - lookupTime * refreshAhead * ln(random) >= expiry`.
   * A number, at least 0. Default 0: off; 1 is the usual choice, more is earlier.
   * XFetch: Vattani, Chierichetti, Lowenstein, VLDB 2015. Elsewhere: eager refresh, early expiration.
   */
  readonly refreshAhead?: number | undefined
  /**
   * Shortens each time to live by a random part of itself, so that values stored together do not expire together.
   * A number from 0 to 1. Default 0: off; 0.1 shortens by up to a tenth.
   */
  readonly jitter?: number | undefined
  /**
   * Tags, or a function of the value. Tags of a function are known only after the lookup, as those of `Cache.addTags`.
   * Default none.
   */
  readonly tags?: ReadonlyArray<string> | ((value: A) => ReadonlyArray<string>) | undefined
  /** Whether a value is stored. Default: every value. */
  readonly cacheable?: ((value: A) => boolean) | undefined
  /**
   * Whether the caller of a miss waits until the value is stored. Default `false`: it is stored behind, and calls of
   * the same process find it meanwhile. `true` where the process may be frozen after the answer (serverless).
   */
  readonly awaitWrite?: boolean | undefined
  /**
   * Whether a value that was computed from other cached values ends with them: it carries their keys and tags, and is
   * fresh no longer than they are; what was computed from an old value is not stored.
   * Default `true`. Inside such a lookup other values are read from the store, not from memory. `false`: the value is
   * on its own, whatever its lookup read through the cache; only its own key, tags and `Cache.addTags` end it.
   * What one lookup may read is bounded: beyond 1 000 keys and tags its value is not stored, and that is reported.
   */
  readonly dependencies?: boolean | undefined
  /**
   * Stores typed failures. Default: none is stored. Defects and interruption never are.
   */
  readonly failures?: FailurePolicy<E> | undefined
  /**
   * What may be done with values in this process's memory, where the cache has any; without, it means nothing.
   * `Access`. Default `ReadWrite`. `Off` for values that nobody may be answered a moment too old, or that are too large
   * to be held: each call asks the store, one round trip. Invalidations reach memory whatever this says.
   */
  readonly memory?: Access | undefined
  /**
   * What may be done with the store. `Access`. Default `ReadWrite`.
   *
   * - `Off`: the value lives in this process's memory only: no command is sent but for invalidations, each instance
   *   looks up for itself, and no old value stands in for a failed lookup. It lives for memory's own time, counted from
   *   when its lookup began. Where the cache has no memory it is not kept at all; one lookup at a time still runs.
   * - `ReadOnly`: what is stored is answered; what is looked up is held in memory, as with `Off`.
   * - `WriteOnly`: values in memory are answered; what is looked up is stored in the place of what is there.
   *
   * `set` and `writeThrough` of a value that is not stored still drop the key everywhere, and `refresh` replaces what is
   * in memory. Failures are never held in memory. Invalidations reach the store whatever this says.
   */
  readonly store?: Access | undefined
  /**
   * Who may look the key up at a time. Default `Cluster`: one instance, while the others wait for it (`leaseWait`).
   * `Instance`: one call of each instance; nobody waits for another instance, and the first that is done is stored, the
   * others' values are answered and not stored. For lookups that cost less than waiting for somebody else's.
   * Elsewhere: distributed lock off.
   */
  readonly singleFlight?: "Cluster" | "Instance" | undefined
}

/**
 * A policy of whatever values and failures.
 *
 * @since 0.1.0
 * @category models
 */
export type Any = CachePolicy<any, any>

/**
 * Which failures are answers like a value: they are stored, for how long, and not reported where their caller gets them.
 *
 * @since 0.1.0
 * @category models
 */
export interface FailurePolicy<out E> {
  /** A failure that this schema does not describe is not stored, and is reported. */
  readonly schema: Schema.Schema.AnyNoContext & { readonly Type: E }
  /** `DurationInput`. Its own time to live; stale windows do not apply to failures. */
  readonly timeToLive: Duration.DurationInput
  /** Whether a failure is stored. Default: every one that the schema describes. */
  cacheable?(error: E): boolean
}

/**
 * The time to live when nothing else is said: 5 minutes, as in the RFC.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultTimeToLive: Duration.Duration = Duration.minutes(5)

/**
 * The longest time anything is kept: a year.
 *
 * @since 0.1.0
 * @category constants
 */
export const maximumTimeToLive: Duration.Duration = Duration.days(365)

const nothingSaid: CachePolicy = {}

/**
 * The policy that every other one starts from. Provide another one to a part of a program:
 * `Effect.provideService(CachePolicy.Ambient, { timeToLive: "1 minute" })`.
 *
 * @since 0.1.0
 * @category references
 */
export class Ambient extends Context.Reference<Ambient>()("@larder/cache/CachePolicy/Ambient", {
  defaultValue: () => nothingSaid
}) {}

/**
 * For what changes often and is asked often: fresh for 15 seconds, spread by a tenth.
 *
 * @since 0.1.0
 * @category presets
 */
export const brief: CachePolicy = { timeToLive: "15 seconds", jitter: 0.1 }

/**
 * For configuration and feature flags: fresh for 5 minutes; when the source fails, the last value for an hour more,
 * trying again every 10 seconds.
 *
 * @since 0.1.0
 * @category presets
 */
export const resilient: CachePolicy = {
  timeToLive: "5 minutes",
  staleIfError: "1 hour",
  errorBackoff: "10 seconds",
  softTimeout: "1 second",
  jitter: 0.1
}

/**
 * For pages that must never wait: fresh for a minute, refreshed ahead of its end, then answered at once and refreshed
 * behind for an hour.
 *
 * @since 0.1.0
 * @category presets
 */
export const instant: CachePolicy = {
  timeToLive: "1 minute",
  staleWhileRevalidate: "1 hour",
  staleIfError: "1 hour",
  refreshAhead: 1,
  jitter: 0.1
}

/**
 * A policy with every field decided: durations in milliseconds, `Infinity` for none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resolved {
  /** The time to live of a value, before jitter. Throws a `ConfigurationError` when the user's function misbehaves. */
  readonly timeToLiveMillis: (value: unknown) => number
  readonly staleWhileRevalidateMillis: number
  readonly staleIfErrorMillis: number
  readonly errorBackoffMillis: number
  readonly softTimeoutMillis: number
  readonly refreshAhead: number
  readonly jitter: number
  /** Tags known before the lookup, as stores hold them. */
  readonly tags: ReadonlyArray<string>
  /** Tags known from the value, as stores hold them. */
  readonly tagsOf: ((value: unknown) => ReadonlyArray<string>) | undefined
  readonly cacheable: (value: unknown) => boolean
  readonly awaitWrite: boolean
  readonly dependencies: boolean
  readonly failures:
    | {
        readonly schema: Schema.Schema.AnyNoContext
        readonly timeToLiveMillis: number
        readonly cacheable: (error: unknown) => boolean
      }
    | undefined
  readonly readsMemory: boolean
  readonly writesMemory: boolean
  readonly readsStore: boolean
  readonly writesStore: boolean
  /** Whether other instances may look up at the same time. */
  readonly sharesLease: boolean
  /** How long a value may live in a store, at the most as far as is known before the lookup. */
  readonly retainMillis: number
}

const maximumMillis = Duration.toMillis(maximumTimeToLive)

const duration = (field: string, input: unknown): number => {
  const millis = allowed.millisOf(input)
  // What was given is not said: a function of the value may have answered it.
  if (millis === undefined) throw new ConfigurationError({ where: field, detail: `expected ${allowed.aDuration(0)}` })
  return millis
}

const kept = (field: string, input: unknown): number => Math.min(Math.ceil(duration(field, input)), maximumMillis)

const anyAccess = allowed.oneOf<Access>("ReadWrite", "ReadOnly", "WriteOnly", "Off")
const anyFlight = allowed.oneOf("Cluster", "Instance")
const fromZero = allowed.number(0)
const fromZeroToOne = allowed.number(0, 1)

const access = (field: string, input: unknown = "ReadWrite") => {
  const chosen = anyAccess(field, input)
  return {
    reads: chosen === "ReadWrite" || chosen === "ReadOnly",
    writes: chosen === "ReadWrite" || chosen === "WriteOnly"
  }
}

/**
 * Decides every field; later policies win over earlier ones, field by field. Throws a `ConfigurationError` that names
 * the field when one is not usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (...policies: ReadonlyArray<Any | undefined>): Resolved => {
  const policy: Any = merge<any, any>(...policies)
  const timeToLive = policy.timeToLive ?? defaultTimeToLive
  const fixed = typeof timeToLive === "function" ? undefined : kept("timeToLive", timeToLive)
  const staleWhileRevalidateMillis = kept("staleWhileRevalidate", policy.staleWhileRevalidate ?? 0)
  const staleIfErrorMillis = kept("staleIfError", policy.staleIfError ?? 0)
  const stale = Math.max(staleWhileRevalidateMillis, staleIfErrorMillis)
  const tags = policy.tags
  const memory = access("memory", policy.memory)
  const store = access("store", policy.store)
  const { singleFlight = "Cluster" } = policy
  const failureMillis = policy.failures === undefined ? 0 : kept("failures.timeToLive", policy.failures.timeToLive)
  return {
    timeToLiveMillis: (value) =>
      fixed ?? kept("timeToLive", (timeToLive as (value: unknown) => Duration.DurationInput)(value)),
    staleWhileRevalidateMillis,
    staleIfErrorMillis,
    errorBackoffMillis: duration("errorBackoff", policy.errorBackoff ?? 1000),
    softTimeoutMillis: duration("softTimeout", policy.softTimeout ?? Infinity),
    refreshAhead: fromZero("refreshAhead", policy.refreshAhead ?? 0),
    jitter: fromZeroToOne("jitter", policy.jitter ?? 0),
    tags: Array.isArray(tags) ? tags.map(userTag) : [],
    tagsOf: typeof tags === "function" ? (value) => tags(value).map(userTag) : undefined,
    cacheable: policy.cacheable ?? (() => true),
    awaitWrite: policy.awaitWrite ?? false,
    dependencies: policy.dependencies ?? true,
    failures:
      policy.failures === undefined
        ? undefined
        : {
            schema: policy.failures.schema,
            timeToLiveMillis: failureMillis,
            cacheable: policy.failures.cacheable ?? (() => true)
          },
    readsMemory: memory.reads,
    writesMemory: memory.writes,
    readsStore: store.reads,
    writesStore: store.writes,
    // Who does not look at what somebody else stores need not wait for it either.
    sharesLease: anyFlight("singleFlight", singleFlight) === "Instance" || !store.reads,
    retainMillis: Math.min(Math.max((fixed ?? 0) + stale, failureMillis), maximumMillis)
  }
}

/**
 * Puts policies over each other: a field that is set in a later one wins.
 *
 * @example
 * import { CachePolicy } from "@larder/cache"
 *
 * const policy = CachePolicy.merge(CachePolicy.brief, { jitter: 0.5 })
 * policy.timeToLive // => "15 seconds"
 * policy.jitter // => 0.5
 *
 * @since 0.1.0
 * @category constructors
 */
export const merge = <A, E>(...policies: ReadonlyArray<CachePolicy<A, E> | undefined>): CachePolicy<A, E> => {
  const merged: Record<string, unknown> = {}
  for (const policy of policies) {
    for (const [field, value] of Object.entries(policy ?? {})) if (value !== undefined) merged[field] = value
  }
  return merged
}
