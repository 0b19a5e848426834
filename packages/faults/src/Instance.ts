/**
 * One instance of the application: the example's repository, cached by the example's own plan, over a store. Two of
 * them over one server are two processes in everything but the event loop.
 */
import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import type { Store } from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Features } from "example-feature-flags/Features"
import * as FeaturesCached from "example-feature-flags/FeaturesCached"
import type { Truth } from "./Truth.js"

/** What happened in an instance so far. */
export interface Counts {
  hits: number
  misses: number
  reports: number
  opened: number
  /** Invalidations that the store did not acknowledge at once. */
  unacknowledged: number
  /** When a value last came from the store. */
  lastHitMillis: number
  /** When one was last put there. */
  lastStoredMillis: number
}

export interface Instance {
  readonly name: string
  readonly features: Features["Type"]
  readonly counts: Counts
  /** What the store has not acknowledged yet. */
  readonly pending: ReadonlySet<string>
  /**
   * Runs a mutation of `features`. Answers whether the store knows of its invalidation, as of when that is asked.
   */
  readonly mutate: <E>(mutation: Effect.Effect<void, E>) => Effect.Effect<() => boolean, E>
}

export const make = <E>(
  name: string,
  truth: Truth,
  store: Layer.Layer<Store, E>,
  options: Cache.Options
): Effect.Effect<Instance, E, Scope.Scope> =>
  Effect.gen(function* () {
    const counts: Counts = {
      hits: 0,
      misses: 0,
      reports: 0,
      opened: 0,
      unacknowledged: 0,
      lastHitMillis: -Infinity,
      lastStoredMillis: -Infinity
    }
    const pending = new Set<string>()
    const reporter = Layer.succeed(Reporter.Reporter, { report: () => Effect.sync(() => void (counts.reports += 1)) })
    const built = yield* Layer.build(
      FeaturesCached.layer().pipe(
        Layer.provideMerge(Cache.layerWith(options)),
        Layer.provide([store, reporter, Layer.succeed(Features, truth.features)])
      )
    )
    const invalidated = yield* Queue.unbounded<ReadonlyArray<string>>()
    const { events } = Context.get(built, Cache.Cache)
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          switch (event._tag) {
            case "Hit":
              counts.hits += 1
              counts.lastHitMillis = performance.now()
              return
            case "Stored":
              counts.lastStoredMillis = performance.now()
              return
            case "Miss":
              counts.misses += 1
              return
            case "CircuitOpened":
              counts.opened += 1
              return
            case "Replayed":
              for (const one of [...event.keys, ...event.tags]) pending.delete(one)
              return
            case "Invalidated": {
              const names = [...event.keys, ...event.tags]
              if (!event.acknowledged) {
                counts.unacknowledged += 1
                for (const one of names) pending.add(one)
              }
              invalidated.unsafeOffer(event.acknowledged ? [] : names)
            }
          }
        })
      )
    )
    // The events must be listened to before anything happens.
    yield* Effect.sleep(10)
    return {
      name,
      features: Context.get(built, Features),
      counts,
      pending,
      mutate: (mutation) =>
        Effect.gen(function* () {
          yield* mutation
          const names = yield* Queue.take(invalidated)
          return () => names.every((one) => !pending.has(one))
        })
    }
  })
