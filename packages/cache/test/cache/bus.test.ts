/** Instances over one store that tell each other what they invalidate. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheError, CacheKey, InvalidationBus, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { recording, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["declared"]
})
const key = Key(1)
const stored = { timeToLive: "1 hour", awaitWrite: true } as const

/** A cache of its own over the store and bus of the context. */
const instance = (options: Cache.Options = {}) =>
  Effect.gen(function* () {
    const shared = yield* Effect.context<Store.Store | InvalidationBus.InvalidationBus>()
    const reporter = yield* Layer.build(recording)
    const context = yield* Layer.build(
      Cache.layerWithBus(options).pipe(Layer.provide(Layer.succeedContext(Context.merge(shared, reporter))))
    )
    const events: Array<string> = []
    yield* Effect.provide(
      Cache.listen((event) => void events.push("because" in event ? `${event._tag} ${event.because}` : event._tag)),
      context
    )
    return {
      cache: Context.get(context, Cache.Cache),
      reports: Context.get(reporter, Reports),
      events,
      find: <A, E>(lookup: Effect.Effect<A, E>) => Effect.provide(Cache.withCache(lookup as never, key, stored), context)
    }
  })

/** Two instances that hear each other, and a source. */
const fleet = Effect.gen(function* () {
  const [one, two] = [yield* instance(), yield* instance()]
  const source = yield* Source.make
  yield* advance(100)
  return { one, two, source, find: ({ cache }: typeof one) => cache.getOrSet(key, source.lookup, stored) }
})

const memory = Layer.merge(Store.layerMemory, InvalidationBus.layerMemory)

const wayToTell: ReadonlyArray<readonly [string, (cache: Cache.Cache["Type"]) => Effect.Effect<unknown, unknown>]> = [
  ["invalidate", (cache) => cache.invalidate(key)],
  ["invalidateTags", (cache) => cache.invalidateTags("declared")],
  ["expire", (cache) => cache.expire(key)],
  ["expireTags", (cache) => cache.expireTags("declared")],
  ["clear", (cache) => cache.clear({ prefix: "users" })],
  ["set", (cache) => cache.set(key, "v1")],
  ["writeThrough", (cache) => cache.writeThrough(key, Effect.succeed("v1"))],
  ["refresh", (cache) => cache.refresh(key, Effect.succeed("v1"))]
]

describe("Cache / a bus between instances", () => {
  it.scoped("a value in memory lives as long as the one below, while the bus gives signs of life", () =>
    Effect.gen(function* () {
      const { find, one, source } = yield* fleet
      yield* find(one)
      for (let minute = 1; minute < 60; minute++) {
        yield* advance(60_000)
        expect(yield* find(one)).toBe("v0")
      }
      expect(one.events.filter((tag) => tag === "Hit").length).toBe(59)
      expect(source.runs()).toBe(1)
      yield* advance(60_000)
      yield* find(one)
      expect(source.runs()).toBe(2)
    }).pipe(under(memory))
  )

  it.scoped.each(wayToTell)("%s of another instance ends what is in memory here", ([, tell]) =>
    Effect.gen(function* () {
      const { find, one, source, two } = yield* fleet
      yield* find(one)
      yield* find(two)
      yield* source.change
      yield* tell(two.cache)
      yield* settle
      expect(yield* find(one)).toBe("v1")
      expect(one.events).toContain("Heard")
      expect(two.events).not.toContain("Heard")
    }).pipe(under(memory))
  )
})
