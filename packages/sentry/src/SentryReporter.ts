/**
 * A `Reporter` that logs as `Reporter.layerLog` does and tells Sentry.
 *
 * - A failure that something else answered for is a warning; one that surfaced, and a defect, an error. That the store
 *   works again is in the log only.
 * - Events are grouped by cache, operation, name of the error and kind, and limited in number for each group.
 * - An event has the types, the stacks and the Effect spans of the errors and of their causes. Their messages are
 *   withheld, for they may hold values, unless `scrub` lets them pass; their fields never pass.
 * - An error object is told once, whoever reports it first: a cache, a cache around it, or the application itself by
 *   `Sentry.captureException`. An interruption is never told.
 * - Tags, user and trace come from the fiber that reports and from Sentry's global scope, never from the scope that
 *   Sentry keeps in an AsyncLocalStorage: that one may be another fiber's. For tags of the whole process use
 *   `Sentry.getGlobalScope()` or `initialScope`.
 * - Nobody waits: an event is handed to Sentry's client, which sends it in the background from a bounded queue.
 *
 * @since 0.1.0
 */
import type { ConfigurationError } from "@larder/cache/CacheError"
import type * as Reporter from "@larder/cache/Reporter"
import * as Sentry from "@sentry/node"
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as layers from "./internal/layers.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How many events of one group, and lines of one kind, cache and operation, pass in a window; the rest is counted,
   * and the next event has the number in its extra `suppressed`. Default 5; zero tells nothing, `Infinity` everything.
   */
  readonly burst?: number | undefined
  /** Milliseconds. Default 60 000; zero limits nothing. */
  readonly windowMillis?: number | undefined
  /**
   * What of a message may be sent. Called with the message of each error and of each of its causes, and the name of
   * its type. Default: the messages of Larder's own errors, which never hold a value, and `(message withheld)` for
   * every other. When it throws, the message is withheld. A message of a database or of a parser often quotes the
   * value it is about: let pass only what you know.
   */
  readonly scrub?: ((message: string, type: string) => string) | undefined
  /**
   * The log annotations of the fiber that are sent as tags, by name: `["requestId"]`. Default none.
   */
  readonly annotations?: ReadonlyArray<string> | undefined
}

/**
 * Options of the reporter, and those of Sentry's client: `environment`, `release`, `beforeSend`, `sampleRate`, …
 *
 * @since 0.1.0
 * @category models
 */
export interface ScopedOptions
  extends Options, Omit<Sentry.NodeOptions, "dsn" | "integrations" | "defaultIntegrations" | "stackParser"> {
  /** Where to send: `https://key@host/project`. Empty or blank: only the log is written. */
  readonly dsn: string | Redacted.Redacted
  /**
   * How long the end of the layer's scope waits for events that are on their way. `DurationInput`. Default 2 seconds,
   * at least a millisecond. What is left then is dropped and its connections are closed.
   */
  readonly closeTimeout?: Duration.DurationInput | undefined
  /**
   * How long Sentry may take to answer before the place in the queue is given to another event. `DurationInput`.
   * Default 10 seconds. Without effect on a `transport` or `httpModule` of your own.
   */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

/**
 * Tells the client of the application's own `Sentry.init`, whichever it is when something is reported. While there is
 * none, only the log is written.
 *
 * @example
 * import { Reporter } from "@larder/cache"
 * import { SentryReporter } from "@larder/sentry"
 * import { Cause, Effect, Logger } from "effect"
 *
 * const lines: Array<unknown> = []
 * const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => lines.push(message)))
 * const failure = { kind: "Lookup", cache: "users", operation: "lookup", surfaced: true, cause: Cause.fail("gone") } as const
 * const program = Effect.flatMap(Reporter.Reporter, (reporter) => reporter.report(failure))
 *
 * Effect.runSync(program.pipe(Effect.provide(SentryReporter.layerWith({ burst: 1 })), Effect.provide(logger)))
 * lines // => [["users: lookup failed (Lookup): string"]]
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith: (options: Options) => Layer.Layer<Reporter.Reporter> = layers.layerWith(Sentry)

/**
 * Tells the client of the application's own `Sentry.init`, with the defaults.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Reporter.Reporter> = layerWith({})

/**
 * Tells a client of its own, which touches no globals and has no integrations. It is flushed and closed with the
 * layer's scope. A DSN that is none is a `ConfigurationError`.
 *
 * @example
 * import { SentryReporter } from "@larder/sentry"
 * import { Effect, Layer } from "effect"
 *
 * const built = Effect.scoped(Layer.build(SentryReporter.layerScoped({ dsn: "sentry" })))
 * Effect.runSync(Effect.flip(built)).message // => "SentryReporter.layerScoped: dsn: expected the form https://key@host/project"
 *
 * @since 0.1.0
 * @category layers
 */
export const layerScoped: (options: ScopedOptions) => Layer.Layer<Reporter.Reporter, ConfigurationError> =
  layers.layerScoped(Sentry)
