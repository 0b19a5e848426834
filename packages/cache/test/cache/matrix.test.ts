/**
 * Every field of a policy, in every arrangement of tiers, through both doors that look up: the same calls get the same
 * answers from the same number of lookups, and nothing is left behind.
 *
 * A field that is added to `CachePolicy` without a row here does not compile.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type CachePolicy, InvalidationBus, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { type Plain, recording } from "../support/caches.js"
import { leavesNothing } from "../support/invariants.js"
import * as Source from "../support/source.js"
import { advance, settle, Time, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)

type Policy = CachePolicy.CachePolicy<string, Source.SourceDown>
type Lookup = Effect.Effect<string, Source.SourceDown>

/** The ways to ask for a value. */
const doors: Record<string, (lookup: Lookup, policy: Policy) => Effect.Effect<string, Source.SourceDown, Cache.Cache>> =
  {
    withCache: (lookup, policy) => Cache.withCache(lookup, key, policy),
    getMany: (lookup, policy) =>
      Effect.flatMap(Cache.Cache, (cache) =>
        Effect.map(
          cache.getMany([1, 1], {
            key: Key,
            lookup: () => Effect.map(lookup, (value) => [value]),
            policy: policy as CachePolicy.CachePolicy<string>
          }),
          ([value]) => value!
        )
      )
  }

const remote = Faults.layer.pipe(Layer.provide(Store.layerMemory))
const over = (store: Layer.Layer<Store.Store>, cache: Layer.Layer<Cache.Cache, never, any>): Layer.Layer<Plain> =>
  cache.pipe(Layer.provideMerge(Layer.merge(store, recording))) as Layer.Layer<Plain>

const small = { maximumEntries: 3, maximumWeight: 1_000 }
const arrangements: ReadonlyArray<{
  readonly name: string
  readonly options: Cache.Options
  readonly layer: Layer.Layer<Plain>
}> = [
  { name: "one tier", options: {}, layer: over(Store.layerMemory, Cache.layer) },
  { name: "one remote tier", options: {}, layer: over(remote, Cache.layer) },
  ...(["copy", "freeze", "share"] as const).map((isolation) => {
    const options = { memory: { ...small, isolation } }
    return { name: `two tiers, ${isolation}`, options, layer: over(Store.layerMemory, Cache.layerWith(options)) }
  }),
  { name: "two tiers, remote", options: { memory: small }, layer: over(remote, Cache.layerWith({ memory: small })) },
  {
    name: "two tiers and a bus",
    options: { memory: small },
    layer: over(remote, Cache.layerWithBus({ memory: small }).pipe(Layer.provide(InvalidationBus.layerMemory)))
  }
]

/** What a scenario may do. */
interface Stage {
  /** Asks under a policy; answers the value, or the name of the failure. */
  readonly ask: (policy: Policy) => Effect.Effect<string, never, Cache.Cache>
  readonly source: Source.Source
  /** The source has a next value. */
  readonly change: Effect.Effect<unknown>
  readonly wait: typeof advance
}

interface Row {
  /** Answers what is compared with `answers`. */
  readonly play: (stage: Stage) => Effect.Effect<ReadonlyArray<unknown>, never, Cache.Cache | Time>
  /** Those of a cache with values in memory stand apart where the field is about them. */
  readonly answers: ReadonlyArray<unknown> | { readonly alone: unknown; readonly withMemory: unknown }
  readonly lookups: number | { readonly alone: number; readonly withMemory: number }
}

/** Asks, lets the source change, and asks again after each of these times. */
const after =
  (policy: Policy, ...times: ReadonlyArray<number>): Row["play"] =>
  ({ ask, change, wait }) =>
    Effect.gen(function* () {
      const answers = [yield* ask(policy)]
      yield* change
      for (const time of times) {
        yield* wait(time)
        answers.push(yield* ask(policy))
      }
      return answers
    })

/** Asks, lets the source fail, and asks again after each of these times; with the number of lookups there were. */
const afterFailing =
  (policy: Policy, ...times: ReadonlyArray<number>): Row["play"] =>
  ({ ask, source, wait }) =>
    Effect.gen(function* () {
      const answers: Array<unknown> = [yield* ask(policy)]
      yield* source.setDown(true)
      for (const time of times) {
        yield* wait(time)
        answers.push(yield* ask(policy), source.runs())
      }
      return answers
    })

const tenSeconds: Policy = { timeToLive: "10 seconds" }

const rows: { readonly [Field in keyof Required<CachePolicy.CachePolicy>]: Row } = {
  timeToLive: {
    play: after({ timeToLive: (value) => (value === "v0" ? "10 seconds" : "1 minute") }, 9_999, 1, 50_000),
    answers: ["v0", "v0", "v1", "v1"],
    lookups: 2
  },
  staleWhileRevalidate: {
    play: after({ ...tenSeconds, staleWhileRevalidate: "10 seconds" }, 9_999, 1, 1, 30_000),
    answers: ["v0", "v0", "v0", "v1", "v1"],
    lookups: 3
  },
  staleIfError: {
    play: afterFailing({ ...tenSeconds, staleIfError: "10 seconds" }, 9_999, 1, 9_999, 1),
    answers: ["v0", "v0", 1, "v0", 2, "v0", 3, "SourceDown", 4],
    lookups: 4
  },
  errorBackoff: {
    play: afterFailing({ ...tenSeconds, staleIfError: "1 minute", errorBackoff: "5 seconds" }, 10_000, 4_999, 1),
    answers: ["v0", "v0", 2, "v0", 2, "v0", 3],
    lookups: 3
  },
  softTimeout: {
    play: ({ ask, change, source, wait }) =>
      Effect.gen(function* () {
        const policy: Policy = { ...tenSeconds, staleIfError: "1 minute", softTimeout: "50 millis" }
        const first = yield* ask(policy)
        yield* change
        yield* wait("10 seconds")
        const held = yield* source.hold
        const waiting = yield* Effect.fork(ask(policy))
        yield* held.begun
        yield* wait(50)
        const old = yield* Fiber.join(waiting)
        yield* held.answer
        yield* settle
        return [first, old, yield* ask(policy)]
      }),
    answers: ["v0", "v0", "v1"],
    lookups: 2
  },
  refreshAhead: {
    play: ({ ask, change, source, wait }) =>
      Effect.gen(function* () {
        // A lookup of a second; half way through its minute the value is due.
        const policy: Policy = { timeToLive: "1 minute", refreshAhead: 60 }
        const held = yield* source.hold
        const first = yield* Effect.fork(ask(policy))
        yield* held.begun
        yield* wait("1 second")
        yield* held.answer
        const answers = [yield* Fiber.join(first)]
        yield* change
        for (const time of [0, 10_000, 10_000, 1]) {
          yield* wait(time)
          answers.push(yield* ask(policy))
          yield* settle
        }
        return answers
      }),
    answers: ["v0", "v0", "v0", "v0", "v1"],
    lookups: 2
  },
  jitter: { play: after({ ...tenSeconds, jitter: 0.8 }, 5_999, 1), answers: ["v0", "v0", "v1"], lookups: 2 },
  tags: {
    play: ({ ask, change }) =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const policy: Policy = { tags: (value) => [value] }
        const answers = [yield* ask(policy)]
        for (const tag of ["another", "v0", "v0", "v1"]) {
          yield* settle
          yield* change
          yield* Effect.orDie(cache.invalidateTags(tag))
          answers.push(yield* ask(policy))
        }
        return answers
      }),
    answers: ["v0", "v0", "v2", "v2", "v2"],
    lookups: 2
  },
  cacheable: {
    play: after({ cacheable: (value) => value !== "v0" }, 0, 0),
    answers: ["v0", "v1", "v1"],
    lookups: 2
  },
  awaitWrite: { play: after({ ...tenSeconds, awaitWrite: true }, 0, 10_000), answers: ["v0", "v0", "v1"], lookups: 2 },
  dependencies: {
    play: ({ change, source }) =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const [inner, dependent, independent] = [Key(8), Key(9), Key(10)]
        const value = Effect.orDie(cache.getOrSet(inner, source.lookup, { awaitWrite: true }))
        const both = Effect.all([
          cache.getOrSet(dependent, value, { awaitWrite: true }),
          cache.getOrSet(independent, value, { awaitWrite: true, dependencies: false })
        ])
        const before = yield* both
        yield* change
        yield* Effect.orDie(cache.invalidate(inner))
        return [...before, ...(yield* both)]
      }),
    answers: ["v0", "v0", "v1", "v0"],
    lookups: 2
  },
  failures: {
    play: ({ ask, source, wait }) =>
      Effect.gen(function* () {
        const policy = { failures: { schema: Source.SourceDown, timeToLive: "10 seconds" } } as const
        yield* source.setDown(true)
        const answers = [yield* ask(policy)]
        yield* settle
        yield* source.setDown(false)
        for (const time of [0, 9_999, 1, 0]) {
          yield* wait(time)
          answers.push(yield* ask(policy))
        }
        return answers
      }),
    answers: ["SourceDown", "SourceDown", "SourceDown", "v0", "v0"],
    lookups: 2
  },
  memory: {
    play: ({ ask, change, wait }) =>
      Effect.gen(function* () {
        const answers: Array<string> = []
        for (const memory of ["WriteOnly", "Off", "ReadOnly", "ReadWrite"] as const) {
          answers.push(yield* ask({ ...tenSeconds, memory }))
          yield* settle
          yield* change
        }
        yield* wait("10 seconds")
        answers.push(yield* ask({ ...tenSeconds, memory: "ReadOnly" }))
        return answers
      }),
    answers: ["v0", "v0", "v0", "v0", "v4"],
    lookups: 2
  },
  store: {
    play: ({ ask, change }) =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const answers: Array<string> = []
        for (const store of ["Off", "ReadOnly", "Off", "WriteOnly", "ReadOnly", "Off"] as const) {
          answers.push(yield* ask({ store }))
          yield* settle
          yield* change
        }
        yield* Effect.orDie(cache.invalidate(key))
        for (const store of ["ReadOnly", "Off"] as const) answers.push(yield* ask({ store }))
        return answers
      }),
    answers: {
      alone: ["v0", "v1", "v2", "v3", "v3", "v5", "v6", "v6"],
      withMemory: ["v0", "v0", "v0", "v0", "v0", "v0", "v6", "v6"]
    },
    lookups: { alone: 7, withMemory: 2 }
  },
  singleFlight: {
    play: ({ ask, change, source }) =>
      Effect.gen(function* () {
        const policy: Policy = { singleFlight: "Instance" }
        const held = yield* source.hold
        const together = yield* Effect.fork(
          Effect.all(
            Array.from({ length: 20 }, () => ask(policy)),
            { concurrency: "unbounded" }
          )
        )
        yield* held.begun
        yield* settle
        yield* held.answer
        const answers = new Set(yield* Fiber.join(together))
        yield* settle
        yield* change
        return [...answers, yield* ask(policy)]
      }),
    answers: ["v0", "v0"],
    lookups: 1
  }
}

const chosen = <A>(of: A | { readonly alone: A; readonly withMemory: A }, hasMemory: boolean): A =>
  typeof of === "object" && of !== null && "alone" in of ? (hasMemory ? of.withMemory : of.alone) : (of as A)

describe("Cache / each field of a policy means the same in every arrangement:", () => {
  for (const [field, row] of Object.entries(rows) as ReadonlyArray<readonly [string, Row]>) {
    for (const { layer, name, options } of arrangements) {
      it.effect.each(Object.keys(doors))(`${field}, ${name}, %s`, (door) =>
        Effect.gen(function* () {
          const source = yield* Source.make
          const time = yield* Time
          const ask = (policy: Policy) =>
            Effect.merge(Effect.mapError(doors[door]!(source.lookup, policy), (e) => e._tag))
          const wait = (duration: Parameters<typeof advance>[0]) => Effect.provideService(advance(duration), Time, time)
          // A bus is heard from when its subscription stands.
          yield* settle
          const answers = yield* row.play({ ask, source, change: source.change, wait })
          const hasMemory = options.memory !== undefined
          expect(answers).toEqual(chosen<unknown>(row.answers, hasMemory))
          expect(source.runs()).toBe(chosen(row.lookups, hasMemory))
        }).pipe(leavesNothing(options), Effect.withRandom(Random.fixed([0.5])), under(layer))
      )
    }
  }
})
