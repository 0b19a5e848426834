/**
 * The port that tells somebody about a failure: a log, Sentry, nobody.
 *
 * The cache reports what its caller will not see (a swallowed store failure) and what its caller will see (a failed
 * lookup), once for each run, never once for each waiter.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { CacheError } from "./CacheError.js"
import * as logReporter from "./internal/logReporter.js"
import * as limit from "./internal/rateLimit.js"

/**
 * One failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheFailure {
  /**
   * - `Lookup`: the lookup of a key, or a mutation, failed or died.
   * - `Store`: an operation of the store, of the bus, or of the place where the journal is kept failed.
   * - `Codec`: a value could not be encoded or decoded.
   * - `Policy`: a function given by the user (key, tags, time to live, …) threw or answered nonsense.
   */
  readonly kind: "Lookup" | "Store" | "Codec" | "Policy"
  /** The prefix of the keys concerned: the name of the cache. `*`: no single one, it concerns all of them. */
  readonly cache: string
  /** What was being done: `lookup`, `refresh`, `read`, `lease`, `fill`, `invalidate`, … */
  readonly operation: string
  /** Whether the caller sees it (`true`), or something else answered in its place (`false`). */
  readonly surfaced: boolean
  /** What happens in its place, for people. Absent: the caller was answered without it. */
  readonly instead?: string | undefined
  readonly cause: Cause.Cause<unknown>
}

/**
 * The end of what was reported of the store: an operation that failed works again.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheRecovery {
  /** As it was in the report. */
  readonly cache: string
  readonly operation: string
  /** How long it did not work: from the failure that was reported to now, when it was asked for again. */
  readonly millis: number
}

/**
 * How grave a failure is: `Error` when it surfaced or is a defect, `Warning` when something else answered.
 *
 * @since 0.1.0
 * @category models
 */
export type Severity = "Warning" | "Error"

/**
 * @since 0.1.0
 * @category tags
 */
export class Reporter extends Context.Tag("@larder/cache/Reporter")<
  Reporter,
  {
    /** Tells somebody about a failure. Never fails, never waits for the network. Interruption is never reported. */
    readonly report: (failure: CacheFailure) => Effect.Effect<void>
    /** Tells somebody that a reported failure of the store is over. Never fails, never waits. Absent: nobody is told. */
    readonly recovered?: ((recovery: CacheRecovery) => Effect.Effect<void>) | undefined
  }
>() {}

/**
 * The severity of a failure.
 *
 * @since 0.1.0
 * @category accessors
 */
export const severity: (failure: CacheFailure) => Severity = logReporter.severity

/**
 * What may be said of an error that may hold values: its `_tag`, else its name, else the name of its class, else its
 * type. Never its message; nothing that does not look like a name.
 *
 * @example
 * import { Reporter } from "@larder/cache"
 *
 * Reporter.errorName(new TypeError("the value 42")) // => "TypeError"
 * Reporter.errorName({ _tag: "NotFound", id: 42 }) // => "NotFound"
 * Reporter.errorName("42 is not a user") // => "string"
 *
 * @since 0.1.0
 * @category accessors
 */
export const errorName: (error: unknown) => string = logReporter.errorName

/**
 * Where an error comes from: the `at` lines of its stack as Effect shows it, with the names of the spans it was raised
 * in and without Effect's own machinery; never the message above them.
 *
 * @since 0.1.0
 * @category accessors
 */
export const errorFrames: (error: unknown) => ReadonlyArray<string> = logReporter.errorFrames

/**
 * Whether an error is one of Larder's own, whose message never holds a value.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isOwnError: (error: unknown) => error is CacheError = logReporter.isOwn

/**
 * @since 0.1.0
 * @category models
 */
export interface RateLimitOptions {
  /** How many of one bucket pass in a window. Default 5; zero lets nothing pass, `Infinity` everything. */
  readonly burst?: number | undefined
  /** Milliseconds. Default 60 000; zero limits nothing. */
  readonly windowMillis?: number | undefined
  /** How many buckets are remembered; beyond, the others share one. Default 256. */
  readonly maximumBuckets?: number | undefined
}

/**
 * For reporters: asks whether one more of a bucket may be told in the current window of Effect's Clock. `Some` with
 * the number of those that were suppressed since the last one told, or `None`: suppressed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const rateLimit: (options: RateLimitOptions) => (bucket: string) => Effect.Effect<Option.Option<number>> =
  limit.make

/**
 * @since 0.1.0
 * @category models
 */
export interface LogOptions {
  /**
   * How many failures of one kind, cache and operation are logged in a window; the rest is counted and said with
   * the next line. Default 5.
   */
  readonly burst?: number | undefined
  /** Milliseconds. Default 60 000. */
  readonly windowMillis?: number | undefined
}

/**
 * Logs through Effect's logger: swallowed failures as warnings, surfaced ones and defects as errors, and as information
 * that the store works again, and how long it did not. Rate-limited.
 *
 * A line has the cache, the operation, the kind, the names of the errors and of their causes, and for a defect the
 * places in the code. It never has the message or a field of an error that is not Larder's own: those may hold values.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLogWith = (options: LogOptions): Layer.Layer<Reporter> =>
  Layer.effect(Reporter, logReporter.make(options))

/**
 * Logs with the default rate limit.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLog: Layer.Layer<Reporter> = Layer.effect(Reporter, logReporter.make({}))

/**
 * Tells nobody.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNoop: Layer.Layer<Reporter> = Layer.succeed(Reporter, { report: () => Effect.void })
