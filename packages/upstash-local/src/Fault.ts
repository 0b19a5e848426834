/**
 * What the server does in place of its work, so that a program can be watched while its Redis misbehaves.
 *
 * A fault stands until another is set. All but `ReplicaLag` meet every route, before authentication, as a broken network
 * would.
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
 * - `ReplicaLag`: works, and answers reads from a replica that is behind.
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
  ReplicaLag: { readonly duration: Duration.DurationInput }
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
 * Answers commands that only read from a replica that is this far behind, as a far region of Upstash may; writes,
 * scripts and transactions go to the first server, and so do the reads of a request whose `upstash-sync-token` says
 * that it has seen more than the replica has.
 *
 * The replica is a second redis-server, started from the PATH when this fault is first set, which then takes until it
 * has a first copy. Where there is none to start, reads are answered with a 500 that says so.
 *
 * @since 0.1.0
 * @category constructors
 */
export const replicaLag = (duration: Duration.DurationInput): Fault => constructors.ReplicaLag({ duration })

/**
 * @since 0.1.0
 * @category pattern matching
 */
export const match = constructors.$match
