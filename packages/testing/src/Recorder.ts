/**
 * Records what a cache does, and what it reports, as text that a test compares with the text it expects.
 *
 * One line for each event, in the order in which they happened, with the milliseconds that passed by Effect's `Clock`
 * since the recording began. A line names keys and tags, those of one invalidation in alphabetical order; tokens,
 * epochs and values are never in it. A report is a line that begins with `!` and names the errors, without their
 * messages. Under `TestClock` the text is the same in every run.
 *
 * @example
 * import { Cache, CacheKey, Store } from "@larder/cache"
 * import { Recorder } from "@larder/testing"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 * const find = Effect.succeed("Ada").pipe(Cache.withCache(Key(1)))
 *
 * const program = Effect.gen(function* () {
 *   yield* find
 *   const recorder = yield* Recorder.Recorder
 *   yield* recorder.clear
 *   yield* find
 *   return yield* recorder.story
 * }).pipe(Effect.provide(Recorder.layer.pipe(Layer.provide(Store.layerMemory))))
 *
 * await Effect.runPromise(program) // => "Hit V1.users.id.1"
 *
 * @since 0.1.0
 */
import * as Cache from "@larder/cache/Cache"
import type { CacheEvent } from "@larder/cache/CacheEvent"
import * as Reporter from "@larder/cache/Reporter"
import type * as Store from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { line, type Recorded, timedLine } from "./internal/recordedText.js"
import { settle } from "./internal/settle.js"

/**
 * What was recorded. Each answer first lets everything run that can run without time passing, so that what a call
 * does behind its answer is in it.
 *
 * @since 0.1.0
 * @category tags
 */
export class Recorder extends Context.Tag("@larder/testing/Recorder")<
  Recorder,
  {
    /** A line for each event and report, with its time. */
    readonly text: Effect.Effect<string>
    /** The same without times, for tests in real time. */
    readonly story: Effect.Effect<string>
    readonly events: Effect.Effect<ReadonlyArray<CacheEvent>>
    readonly failures: Effect.Effect<ReadonlyArray<Reporter.CacheFailure>>
    /** Forgets what was recorded; the time goes on. */
    readonly clear: Effect.Effect<void>
  }
>() {}

/**
 * Records the cache that a layer builds. It provides the layer's `Reporter`.
 *
 * @since 0.1.0
 * @category layers
 */
export const around = <E, R>(
  cache: Layer.Layer<Cache.Cache, E, R>
): Layer.Layer<Cache.Cache | Recorder, E, Exclude<R, Reporter.Reporter>> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const recorded: Array<Recorded> = []
      const clock = yield* Effect.clock
      const began = clock.unsafeCurrentTimeMillis()
      const now = () => clock.unsafeCurrentTimeMillis() - began
      const reporter = Layer.succeed(Reporter.Reporter, {
        report: (failure) => Effect.sync(() => void recorded.push({ _tag: "Report", atMillis: now(), failure }))
      })
      const built = yield* Layer.build(Layer.provide(cache, reporter))
      yield* Effect.provide(
        Cache.listen((event) => recorded.push({ _tag: "Event", atMillis: now(), event })),
        built
      )
      const settled = <A>(read: () => A): Effect.Effect<A> => Effect.zipRight(settle, Effect.sync(read))
      return Context.add(built, Recorder, {
        text: settled(() => recorded.map(timedLine).join("\n")),
        story: settled(() => recorded.map(line).join("\n")),
        events: settled(() => recorded.flatMap((one) => (one._tag === "Event" ? [one.event] : []))),
        failures: settled(() => recorded.flatMap((one) => (one._tag === "Report" ? [one.failure] : []))),
        clear: settled(() => void recorded.splice(0))
      })
    })
  )

/**
 * A cache with the default limits over the store it is given, recorded.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Cache.Cache | Recorder, never, Store.Store> = around(Cache.layer)
