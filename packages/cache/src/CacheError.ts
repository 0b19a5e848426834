/**
 * What can go wrong below a cache. `withCache` swallows and reports every one of these; the explicit doors (`get`,
 * `set`, `invalidate`, …) carry them in their error channel.
 *
 * No message holds a value, a token or a key part.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A store did not do what it was asked.
 *
 * - `Unavailable`: it could not be reached, or the connection broke.
 * - `Timeout`: no answer within the time limit. The operation may still have been carried out.
 * - `Rejected`: it answered, and refused: wrong password, read-only replica, out of memory, quota.
 * - `BadReply`: it answered something that is no answer to the question.
 * - `CircuitOpen`: it failed several times in a row and is not asked for a while.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreError extends Schema.TaggedError<StoreError>("@larder/cache/StoreError")("StoreError", {
  store: Schema.String,
  operation: Schema.String,
  reason: Schema.Literal("Unavailable", "Timeout", "Rejected", "BadReply", "CircuitOpen"),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.store}: ${this.operation} failed (${this.reason})${this.detail === "" ? "" : `: ${this.detail}`}`
  }
}

/**
 * A value could not be turned into bytes, or bytes could not be turned back into a value.
 *
 * - `Encode`: the schema, or the byte format, rejects a value: the value is answered and not stored.
 * - `Decode`: the bytes are truncated, of another shape, or not ours: a miss.
 *
 * @since 0.1.0
 * @category errors
 */
export class CodecError extends Schema.TaggedError<CodecError>("@larder/cache/CodecError")("CodecError", {
  reason: Schema.Literal("Encode", "Decode"),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.reason === "Encode" ? "cannot encode the value" : "cannot decode the stored bytes"}: ${this.detail}`
  }
}

/**
 * An option, a part of a key, a policy field or a plan is not usable: it names the place and says what is expected.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>("@larder/cache/ConfigurationError")(
  "ConfigurationError",
  { where: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `${this.where}: ${this.detail}`
  }
}

/**
 * All of them.
 *
 * @since 0.1.0
 * @category errors
 */
export type CacheError = StoreError | CodecError | ConfigurationError
