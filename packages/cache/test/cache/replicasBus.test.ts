/** Instances that hear each other over a store that answers reads from a replica, which applies writes late. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type InvalidationBus, Reporter, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Bus from "../support/bus.js"
import * as Source from "../support/source.js"
import { advance, settle, type Time, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const stored = { timeToLive: "1 hour", awaitWrite: true } as const

const instance = (store: Store.Store["Type"], options: Cache.Options = {}) =>
  Effect.gen(function* () {
    const shared = yield* Effect.context<InvalidationBus.InvalidationBus>()
    const below = Layer.succeedContext(Context.add(shared, Store.Store, store))
    const events: Array<string> = []
    const context = yield* Layer.build(Cache.layerWithBus(options).pipe(Layer.provide([below, Reporter.layerNoop])))
    yield* Effect.provide(
      Cache.listen((event) => void events.push(event._tag)),
      context
    )
    return { cache: Context.get(context, Cache.Cache), events }
  })

/** A replica that no longer follows: it goes on answering what it answered last. */
const replicaOf = (primary: Store.Store["Type"]) => {
  const answers = new Map<string, Store.ReadAnswer>()
  let follows = true
  const read: typeof primary.read = (requests) =>
    Effect.map(primary.read(requests), (now) =>
      now.map((answer, i) => {
        const { key } = requests[i]!
        if (follows || !answers.has(key)) answers.set(key, answer)
        return answers.get(key)!
      })
    )
  return { store: { ...primary, read }, lag: () => void (follows = false) }
}

/** An instance over a replica that has a value and lags, when another instance lets a fence fall on the primary. */
const overtaken = <E>(
  fall: (
    primary: Store.Store["Type"]
  ) => Effect.Effect<unknown, E, InvalidationBus.InvalidationBus | Scope.Scope | Time>
) =>
  Effect.gen(function* () {
    const primary = yield* Store.Store
    const replica = replicaOf(primary)
    const one = yield* instance(replica.store)
    const source = yield* Source.make
    yield* advance(3_000)
    const find = () => one.cache.getOrSet(key, source.lookup, stored)
    yield* find()
    // Read once from the replica, which has it.
    yield* one.cache.getOrSet(key, source.lookup, { ...stored, memory: "Off" })
    yield* source.change
    replica.lag()
    yield* fall(primary)
    yield* settle
    expect(one.events).toContain("Heard")
    expect(yield* find()).toBe("v1")
    yield* advance(60_000)
    expect(yield* find()).toBe("v1")
  }).pipe(under(Bus.layer({ carried: true })))

describe("Cache / a replica that lags behind what was heard", () => {
  it.scoped("answers what is a miss, and no old value comes into memory", () =>
    overtaken((primary) => Effect.flatMap(instance(primary), ({ cache }) => cache.invalidate(key)))
  )

  it.scoped("also where the store has begun to count anew", () =>
    overtaken((primary) => {
      // Whoever cannot read its journal invalidates everything.
      const journal = { load: Effect.succeed("not a journal"), save: () => Effect.void }
      return Effect.zipRight(instance(primary, { journal }), advance(1_000))
    })
  )
})
