/**
 * Values computed from other values, in graphs that nobody thought of, on two instances over one store, with fences of
 * all kinds between: no answer is older than the last acknowledged fence on anything that it was computed from.
 *
 * Every value says which version of which key it was computed from. What an instance let fall itself, it never answers
 * again; what another one did, it may answer for a bounded while: none with a bus, otherwise the time in memory and
 * that of a flight under way. What is in the store is everybody's, so that a value that slips in there shows in the end.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, InvalidationBus, Store } from "@larder/cache"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { recording } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const ids = [0, 1, 2, 3, 4] as const
type Seen = ReadonlyArray<readonly [id: number, version: number]>

const Key = CacheKey.make({
  prefix: "graph",
  key: (id: number) => [id % 2 === 0 ? "even" : "odd", id],
  schema: Schema.Array(Schema.Tuple(Schema.Number, Schema.Number)),
  tags: (id) => [`declared ${id % 3}`]
})

/** What each fence names. */
const fences = {
  key: (id: number) => [id],
  declared: (id: number) => ids.filter((one) => one % 3 === id % 3),
  learnt: (id: number) => ids.filter((one) => one % 2 === id % 2),
  scope: (id: number) => ids.filter((one) => one % 2 === id % 2),
  set: (id: number) => [id],
  writeThrough: (id: number) => [id]
} satisfies Record<string, (id: number) => ReadonlyArray<number>>

const id = FastCheck.constantFrom(...ids)
const on = FastCheck.constantFrom(0, 1)
/** For each key, which of the smaller ones its lookup reads. */
const graph = FastCheck.tuple(...ids.map((one) => FastCheck.subarray(ids.slice(0, one) as Array<number>)))

const command = FastCheck.oneof(
  { weight: 6, arbitrary: FastCheck.record({ do: FastCheck.constant("get" as const), on, id }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("request" as const), on, id }) },
  {
    weight: 5,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("fence" as const),
      on,
      id,
      by: FastCheck.constantFrom(...(Object.keys(fences) as Array<keyof typeof fences>))
    })
  },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("expire" as const), on, id }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("refresh" as const), on, id }) },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("wait" as const),
      millis: FastCheck.constantFrom(1, 4, 7, 30, 100, 2_500, 9_000)
    })
  }
)
type Command = typeof command extends FastCheck.Arbitrary<infer A> ? A : never

const policies = [
  { timeToLive: "10 seconds" },
  { timeToLive: "10 seconds", staleWhileRevalidate: "1 minute", staleIfError: "1 minute", refreshAhead: 50 }
] as const

const flightMillis = 1_000

const arrangements = [
  ["one tier", { bus: false, boundMillis: flightMillis, options: {} }],
  ["two tiers", { bus: false, boundMillis: flightMillis + 200, options: { memory: { timeToLive: "200 millis" } } }],
  ["two tiers and a bus", { bus: true, boundMillis: 0, options: {} }]
] as const

const run = (
  edges: ReadonlyArray<ReadonlyArray<number>>,
  commands: ReadonlyArray<Command>,
  policy: (typeof policies)[number],
  { boundMillis, bus, options }: (typeof arrangements)[number][1]
) =>
  Effect.gen(function* () {
    const shared = yield* Effect.context<Store.Store | InvalidationBus.InvalidationBus>()
    const layer = bus
      ? Cache.layerWithBus({ ...options, leaseWait: 20 })
      : Cache.layerWith({ ...options, leaseWait: 20 })
    const instance = Effect.map(
      Layer.build(layer.pipe(Layer.provide(recording), Layer.provide(Layer.succeedContext(shared)))),
      Context.get(Cache.Cache)
    )
    const caches = [yield* instance, yield* instance, yield* instance]
    yield* advance(100)

    const versions = ids.map(() => 0)
    const fallen: Array<{ on: number; atMillis: number; id: number; version: number }> = []
    const waiting: Array<Fiber.Fiber<void>> = []

    const compute = (cache: Cache.Cache["Type"], id: number): Effect.Effect<Seen> =>
      Effect.gen(function* () {
        const own = [[id, versions[id]!] as const]
        yield* Effect.sleep(3)
        yield* Cache.addTags(`learnt ${id % 2}`)
        const below = edges[id]!
        const parts =
          id % 2 === 0
            ? yield* Effect.forEach(below, (one) => get(cache, one), { concurrency: "unbounded" })
            : yield* cache.getMany(below, {
                key: Key,
                lookup: (some) => Effect.forEach(some, (one) => compute(cache, one)),
                policy
              })
        yield* Effect.sleep(2)
        const all = new Map<number, number>(own)
        for (const [one, version] of parts.flat()) all.set(one, Math.min(version, all.get(one) ?? version))
        return [...all]
      })
    const get = (cache: Cache.Cache["Type"], id: number): Effect.Effect<Seen> =>
      cache.getOrSet(
        Key(id),
        Effect.suspend(() => compute(cache, id)),
        policy
      )

    /** Checks an answer against what had fallen when it was asked for. */
    const checked = (on: number, asked: Effect.Effect<Seen>) =>
      Effect.gen(function* () {
        const begun = yield* Clock.currentTimeMillis
        const known = fallen.filter((one) => one.on === on || one.atMillis <= begun - boundMillis)
        for (const [id, version] of yield* asked) {
          const least = Math.max(0, ...known.filter((one) => one.id === id).map((one) => one.version))
          if (version < least) throw new Error(`instance ${on}: version ${version} of key ${id} after ${least}`)
        }
      })
    const call = (on: number, id: number) => checked(on, get(caches[on]!, id))

    for (const one of commands) {
      switch (one.do) {
        case "get":
          waiting.push(yield* Effect.fork(call(one.on, one.id)))
          break
        case "request":
          waiting.push(
            yield* Effect.fork(
              Effect.all([call(one.on, one.id), call(one.on, 4), call(one.on, one.id)], { discard: true }).pipe(
                Cache.withRequestMemo
              )
            )
          )
          break
        case "fence": {
          const cache = caches[one.on]!
          const named = fences[one.by](one.id)
          for (const id of named) versions[id]! += 1
          const before = [...versions]
          const value: Seen = [[one.id, versions[one.id]!]]
          const written = { ...policy, tags: [`learnt ${one.id % 2}`] }
          const door = {
            key: cache.invalidate(Key(one.id)),
            declared: cache.invalidateTags(`declared ${one.id % 3}`),
            learnt: cache.invalidateTags(`learnt ${one.id % 2}`),
            scope: cache.clear({ prefix: "graph", scope: one.id % 2 === 0 ? "even" : "odd" }),
            set: cache.set(Key(one.id), value, written),
            writeThrough: cache.writeThrough(Key(one.id), Effect.succeed(value), written)
          }[one.by]
          yield* Effect.orDie(Effect.asVoid(door as Effect.Effect<unknown, unknown>))
          const atMillis = yield* Clock.currentTimeMillis
          for (const id of named) fallen.push({ on: one.on, atMillis, id, version: before[id]! })
          break
        }
        case "expire":
          yield* Effect.orDie(caches[one.on]!.expire(Key(one.id)))
          break
        case "refresh":
          waiting.push(
            yield* Effect.fork(
              checked(one.on, caches[one.on]!.refresh(Key(one.id), compute(caches[one.on]!, one.id), policy))
            )
          )
          break
        case "wait":
          yield* advance(one.millis)
          break
      }
      yield* settle
    }
    // In the end everything is answered everywhere, and by an instance that has answered nothing yet.
    yield* advance(boundMillis + 1)
    for (const on of [2, 1, 0]) {
      for (const id of [...ids].reverse()) {
        const asked = yield* Effect.fork(call(on, id))
        yield* advance(300)
        yield* Fiber.join(asked)
      }
    }
    yield* advance("1 minute")
    yield* Fiber.join(Fiber.all(waiting))
    expect(waiting.length).toBeLessThanOrEqual(commands.length)
  }).pipe(Effect.scoped, under(Layer.merge(Store.layerMemory, InvalidationBus.layerMemory)))

describe("Cache / any graph of values", () => {
  for (const [name, arrangement] of arrangements) {
    for (const policy of policies) {
      it.effect(
        `${name}, ${JSON.stringify(policy)}: no answer is older than the last fence on what it was computed from`,
        () =>
          Effect.promise(() =>
            FastCheck.assert(
              FastCheck.asyncProperty(
                graph,
                FastCheck.array(command, { minLength: 3, maxLength: 25 }),
                (edges, commands) => Effect.runPromise(run(edges, commands, policy, arrangement))
              ),
              { numRuns: 60 }
            )
          ),
        60_000
      )
    }
  }
})
