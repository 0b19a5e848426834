/** Caches under test: over the memory store, in front of it a switch for faults, and a reporter that remembers. */
import { Cache, type CacheEvent, Reporter, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as invariants from "./invariants.js"
import { settle } from "./time.js"

/** What was reported since it was last cleared. */
export class Reports extends Context.Tag("test/Reports")<
  Reports,
  {
    readonly all: Effect.Effect<ReadonlyArray<Reporter.CacheFailure>>
    /** Each as `kind operation surfaced`, which is what most tests are about. */
    readonly lines: Effect.Effect<ReadonlyArray<string>>
    readonly clear: Effect.Effect<void>
  }
>() {}

export const recording: Layer.Layer<Reporter.Reporter | Reports> = Layer.effectContext(
  Effect.sync(() => {
    const all: Array<Reporter.CacheFailure> = []
    const report = (failure: Reporter.CacheFailure) => Effect.sync(() => void all.push(failure))
    const line = ({ kind, operation, surfaced }: Reporter.CacheFailure) =>
      `${kind} ${operation} ${surfaced ? "surfaced" : "swallowed"}`
    return Context.make(Reporter.Reporter, { report }).pipe(
      Context.add(Reports, {
        all: Effect.sync(() => [...all]),
        lines: Effect.sync(() => all.map(line)),
        clear: Effect.sync(() => void all.splice(0))
      })
    )
  })
)

/** How many tiers a cache has: what holds must hold for each. */
export const arrangements: ReadonlyArray<readonly [name: string, options: Cache.Options]> = [
  ["one tier", {}],
  ["two tiers", { memory: true }]
]

export type Plain = Cache.Cache | Reports | Store.Store

/** Looks once more at a cache before it closes. */
const looking = (options: Cache.Options) =>
  Layer.scopedDiscard(
    Effect.flatMap(Effect.context<Cache.Cache | Store.Store>(), (context) =>
      Effect.addFinalizer(() => Effect.provide(invariants.always(options), context))
    )
  )

/** Over the memory store, without time limits or circuit breaker, since nothing there can be slow. */
export const plain = (options: Cache.Options = {}): Layer.Layer<Plain> =>
  Layer.provideMerge(looking(options), oneOfSeveral(options))

/** The same, for a test with other instances over the store: what those do, memory here may not have heard of. */
export const oneOfSeveral = (options: Cache.Options = {}): Layer.Layer<Plain> =>
  Cache.layerWith(options).pipe(Layer.provideMerge(Layer.merge(Store.layerMemory, recording)))

/** Over a memory store that fails on demand and is treated as a remote one. */
export const faulty = (options: Cache.Options = {}): Layer.Layer<Plain | Faults.Faults> =>
  Cache.layerWith(options).pipe(
    Layer.provideMerge(Layer.merge(Faults.layer.pipe(Layer.provide(Store.layerMemory)), recording))
  )

/** Records the events from now on, for as long as the scope lives. */
export const recordEvents = Effect.gen(function* () {
  const cache = yield* Cache.Cache
  const events: Array<CacheEvent.CacheEvent> = []
  yield* Effect.forkScoped(Stream.runForEach(cache.events, (event) => Effect.sync(() => void events.push(event))))
  yield* settle
  return { all: Effect.as(settle, events), tags: Effect.map(settle, () => events.map((event) => event._tag)) }
})
