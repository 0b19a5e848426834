/**
 * What the calls in a part of a program may do with the cache.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * - `Default`: read and write.
 * - `ReadOnly`: read; what is looked up is not stored.
 * - `Refresh`: do not read; look up and store.
 * - `Off`: neither; the lookup alone, its failures still reported. Invalidations still happen.
 *
 * @since 0.1.0
 * @category models
 */
export type CacheMode = "Default" | "ReadOnly" | "Refresh" | "Off"

/**
 * @since 0.1.0
 * @category references
 */
export class Current extends Context.Reference<Current>()("@larder/cache/CacheMode/Current", {
  defaultValue: (): CacheMode => "Default"
}) {}
