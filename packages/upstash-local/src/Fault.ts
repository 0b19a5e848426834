/**
 * What the server does in place of its work, so that a program can be watched while its Redis misbehaves.
 *
 * A fault stands until another is set. It meets every route, before authentication, as a broken network would.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"

/**
 * - `None`: works.
 * - `Latency`: waits before it works.
 * - `Status`: carries nothing out and answers with an HTTP status and `{"error"}`.
 * - `Reset`: carries nothing out and breaks the connection.
 * - `Hang`: accepts the request and never answers.
 * - `Garbage`: carries nothing out and answers 200 with these bytes in place of JSON.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = Data.TaggedEnum<{
  None: {}
  Latency: { readonly duration: Duration.DurationInput }
  Status: { readonly status: number; readonly error: string }
  Reset: {}
  Hang: {}
  Garbage: { readonly body: string }
}>

const constructors = Data.taggedEnum<Fault>()

/**
 * Works.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: Fault = constructors.None()

/**
 * Waits this long before each request is carried out.
 *
 * @since 0.1.0
 * @category constructors
 */
export const latency = (duration: Duration.DurationInput): Fault => constructors.Latency({ duration })

/**
 * An HTTP status of the server's own. The text may begin with a code word of Redis, as Upstash's do when a quota is
 * used up.
 *
 * @since 0.1.0
 * @category constructors
 */
export const status = (status: number, error: string): Fault => constructors.Status({ status, error })

/**
 * 429, in the words of Upstash.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tooManyRequests: Fault = status(429, "ERR max requests limit exceeded")

/**
 * 500 without a code word of Redis.
 *
 * @since 0.1.0
 * @category constructors
 */
export const internalError: Fault = status(500, "internal server error")

/**
 * Breaks the connection of each request.
 *
 * @since 0.1.0
 * @category constructors
 */
export const reset: Fault = constructors.Reset()

/**
 * Accepts each request and never answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hang: Fault = constructors.Hang()

/**
 * Answers something that is not in the protocol: a page of a proxy by default.
 *
 * @since 0.1.0
 * @category constructors
 */
export const garbage = (body = "<html><body>Bad gateway</body></html>"): Fault => constructors.Garbage({ body })

/**
 * @since 0.1.0
 * @category pattern matching
 */
export const match = constructors.$match
