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
import * as logReporter from "./internal/logReporter.js"

/**
 * One failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheFailure {
  /**
   * - `Lookup`: the lookup of a key, or a mutation, failed or died.
   * - `Store`: an operation of the store failed; the caller was answered without it.
   * - `Codec`: a value could not be encoded or decoded.
   * - `Policy`: a function given by the user (key, tags, time to live, …) threw or answered nonsense.
   */
  readonly kind: "Lookup" | "Store" | "Codec" | "Policy"
  /** The prefix of the keys concerned: the name of the cache. */
  readonly cache: string
  /** What was being done: `lookup`, `refresh`, `read`, `lease`, `fill`, `invalidate`, … */
  readonly operation: string
  /** Whether the caller sees it (`true`), or something else answered in its place (`false`). */
  readonly surfaced: boolean
  readonly cause: Cause.Cause<unknown>
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
 * @since 0.1.0
 * @category models
 */
export interface LogOptions {
  /**
   * How many failures of one kind, cache and operation are logged in a `window`; the rest is counted and said with
   * the next line. Default 5.
   */
  readonly burst?: number | undefined
  /** Milliseconds. Default 60 000. */
  readonly windowMillis?: number | undefined
}

/**
 * Logs through Effect's logger: swallowed failures as warnings, surfaced ones and defects as errors, rate-limited.
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
