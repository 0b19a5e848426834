import { describe, expect, it, layer as shared } from "@effect/vitest"
import { PersistedCache, Persistence, RequestResolver as Persisted } from "@effect/experimental"
import { Cache, Codec, Reporter, RedisStore, Store } from "@larder/cache"
import { RedisCluster, RedisServer } from "@larder/redis-server"
import { describeWithRedis, Faults } from "@larder/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PrimaryKey from "effect/PrimaryKey"
import * as RequestResolver from "effect/RequestResolver"
import * as Request from "effect/Request"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as clusterClient from "../../cache/test/support/clusterClient.js"
import * as ioredisClient from "../../cache/test/support/ioredisClient.js"
import { StorePersistence } from "../src/index.js"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Number }) {}

class Find extends Schema.TaggedRequest<Find>()("Find", {
  failure: NotFound,
  success: Schema.Struct({ name: Schema.String, since: Schema.DateFromSelf }),
  payload: { id: Schema.Number }
}) {
  [PrimaryKey.symbol]() {
    return `user ${this.id}`
  }
}

class Reports extends Context.Tag("test/Reports")<Reports, Array<string>>() {}

const reporting = Layer.effectContext(
  Effect.sync(() => {
    const lines: Array<string> = []
    const report = ({ cache, kind, operation, surfaced }: Reporter.CacheFailure) =>
      Effect.sync(() => void lines.push(`${kind} ${operation} of ${cache}${surfaced ? " surfaced" : ""}`))
    return Context.make(Reports, lines).pipe(Context.add(Reporter.Reporter, { report }))
  })
)

const faulty = Layer.mergeAll(StorePersistence.layer, StorePersistence.layerResult).pipe(
  Layer.provideMerge(Layer.merge(Faults.layer.pipe(Layer.provide(Store.layerMemory)), reporting))
)

const user = { name: "Ada", since: new Date(0) }
const at = (millis: number) => Option.some(Duration.millis(millis))
const backing = (storeId = "users") =>
  Effect.flatMap(Persistence.BackingPersistence, (persistence) => persistence.make(storeId))
const calls = Effect.flatMap(Faults.Faults, (faults) => faults.calls)

/** A cache of its own over the store, as a further instance has one, and how often it looked up. */
const instance = (options: { during?: Effect.Effect<void>; timeToLive?: Duration.DurationInput } = {}) =>
  Effect.gen(function* () {
    const counted = { lookups: 0 }
    const cache = yield* PersistedCache.make({
      storeId: "users",
      lookup: ({ id }: Find) =>
        Effect.gen(function* () {
          const run = ++counted.lookups
          if (options.during !== undefined) yield* options.during
          return id < 0 ? yield* new NotFound({ id }) : { ...user, name: `Ada ${run}` }
        }),
      timeToLive: () => options.timeToLive ?? "1 minute"
    })
    return { cache, counted, get: (id: number) => cache.get(new Find({ id })) }
  })

/** What holds over every store. */
const common = (it: {
  readonly scoped: (
    name: string,
    test: () => Effect.Effect<
      void,
      unknown,
      Persistence.BackingPersistence | Persistence.ResultPersistence | Scope.Scope
    >
  ) => void
}) => {
  it.scoped("PersistedCache: what one instance looked up the next one finds, values and failures alike", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* instance(), yield* instance()]
      const first = yield* one.get(1)
      expect(first.name).toBe("Ada 1")
      expect(yield* two.get(1)).toEqual(first)
      expect(two.counted.lookups).toBe(0)
      expect(yield* Effect.flip(one.get(-1))).toEqual(new NotFound({ id: -1 }))
      expect(yield* Effect.flip(two.get(-1))).toEqual(new NotFound({ id: -1 }))
      expect(two.counted.lookups).toBe(0)
    })
  )

  it.scoped("PersistedCache: a lookup that was under way when its key was invalidated leaves nothing behind", () =>
    Effect.gen(function* () {
      const began = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const slow = yield* instance({
        during: Effect.zipRight(Deferred.succeed(began, undefined), Deferred.await(gate))
      })
      const other = yield* instance()
      const key = new Find({ id: 100 })
      const fiber = yield* Effect.fork(slow.cache.get(key))
      yield* Deferred.await(began)
      yield* other.cache.invalidate(key)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(fiber)
      const store = yield* backing()
      expect(yield* store.get("user 100")).toEqual(Option.none())
    })
  )

  it.scoped("a persisted resolver asks its source only for what is not stored", () =>
    Effect.gen(function* () {
      const batches: Array<ReadonlyArray<number>> = []
      const resolver = yield* RequestResolver.makeBatched((requests: ReadonlyArray<Find>) => {
        batches.push(requests.map(({ id }) => id))
        return Effect.forEach(requests, (request) => Request.succeed(request, { ...user, name: `Ada ${request.id}` }), {
          discard: true
        })
      }).pipe(Persisted.persisted({ storeId: "resolved", timeToLive: () => "1 minute" }))
      const ask = (ids: ReadonlyArray<number>) =>
        Effect.forEach(ids, (id) => Effect.request(new Find({ id }), resolver), { batching: true }).pipe(
          Effect.map((users) => users.map(({ name }) => name))
        )
      expect(yield* ask([1, 2, 3])).toEqual(["Ada 1", "Ada 2", "Ada 3"])
      expect(yield* ask([3, 4, 1])).toEqual(["Ada 3", "Ada 4", "Ada 1"])
      expect(batches).toEqual([[1, 2, 3], [4]])
    })
  )

  it.scoped("values come back equal, in the order of the keys; a store id has its own, and clears its own", () =>
    Effect.gen(function* () {
      const [users, teams] = [yield* backing("u"), yield* backing("t")]
      const values = [
        undefined,
        null,
        0,
        "",
        { a: [1, { b: new Date(5) }] },
        new Map([[1, "x"]]),
        Uint8Array.of(0, 255)
      ]
      const keys = values.map((_, i) => `k.${i} {x}`)
      yield* users.setMany(values.map((value, i) => [keys[i]!, value, at(60_000)]))
      expect(yield* users.getMany([...keys, "absent"])).toEqual([...values.map(Option.some), Option.none()])
      expect(yield* teams.getMany(keys)).toEqual(keys.map(() => Option.none()))
      yield* teams.set(keys[0]!, "team", at(60_000))
      yield* users.clear
      expect(yield* users.getMany(keys)).toEqual(keys.map(() => Option.none()))
      expect(yield* teams.get(keys[0]!)).toEqual(Option.some("team"))
      expect(yield* users.getMany([])).toEqual([])
    })
  )

  it.scoped("a set for itself is stored over whatever is there, also after a removal and a miss of its own fiber", () =>
    Effect.gen(function* () {
      const store = yield* backing("sets")
      yield* store.set("k", 1, Option.none())
      yield* store.set("k", 2, Option.none())
      expect(yield* store.get("k")).toEqual(Option.some(2))
      yield* store.remove("k")
      expect(yield* store.get("k")).toEqual(Option.none())
      yield* store.remove("k")
      yield* store.set("k", 3, Option.none())
      expect(yield* store.get("k")).toEqual(Option.some(3))
      yield* store.get("l")
      yield* store.clear
      yield* store.set("l", 4, Option.none())
      expect(yield* store.get("l")).toEqual(Option.some(4))
    })
  )

  it.scoped("of a key that a list names twice the last value is stored", () =>
    Effect.gen(function* () {
      const store = yield* backing("twice")
      yield* store.setMany([
        ["k", 1, at(60_000)],
        ["k", 2, at(60_000)]
      ])
      expect(yield* store.get("k")).toEqual(Option.some(2))
    })
  )
}

describe("StorePersistence / over memory", () => {
  common({ scoped: (name, test) => it.scoped(name, () => Effect.provide(test(), faulty)) })

  it.scoped.each<[number, number]>([
    [0.5, 0.25],
    [1, 1],
    [1000, 1],
    [60_000, 1]
  ])("a time to live of %d ms is over at that moment, and not before", ([millis, step]) =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.set("k", "v", at(millis))
      yield* TestClock.adjust(Duration.millis(millis - step))
      expect(yield* store.get("k")).toEqual(Option.some("v"))
      yield* TestClock.adjust(Duration.millis(step))
      expect(yield* store.get("k")).toEqual(Option.none())
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("without a time to live, or an infinite one, it is kept for a year", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.set("none", "v", Option.none())
      yield* store.set("infinite", "v", Option.some(Duration.infinity))
      yield* TestClock.adjust("364 days")
      expect(yield* store.getMany(["none", "infinite"])).toEqual([Option.some("v"), Option.some("v")])
      yield* TestClock.adjust("1 day")
      expect(yield* store.getMany(["none", "infinite"])).toEqual([Option.none(), Option.none()])
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a time to live of nothing removes what is there", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.set("k", "v", Option.none())
      yield* store.set("k", "w", Option.some(Duration.zero))
      expect(yield* store.get("k")).toEqual(Option.none())
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a list is one read, and after a miss one lease and one fill", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
      yield* store.getMany(keys)
      yield* store.setMany(keys.map((key) => [key, key, at(60_000)]))
      expect(yield* store.getMany(keys)).toEqual(keys.map(Option.some))
      expect(yield* calls).toEqual(["read", "lease", "fill", "read"])
    }).pipe(Effect.provide(faulty))
  )

  it.scoped.each([
    ["a removal", (store: Persistence.BackingPersistenceStore) => store.remove("k")],
    ["a clearing of the store", (store: Persistence.BackingPersistenceStore) => store.clear],
    [
      "a removal and another's set",
      (store: Persistence.BackingPersistenceStore) =>
        Effect.zipRight(store.remove("k"), store.set("k", "newer", Option.none()))
    ],
    ["another's set", (store: Persistence.BackingPersistenceStore) => store.set("k", "newer", Option.none())]
  ] as const)("a set that follows a miss stores nothing after %s in between, wherever it runs", ([, fence]) =>
    Effect.gen(function* () {
      const store = yield* backing()
      for (const began of ["absent", "known"] as const) {
        // The epochs of the key exist, or do not.
        if (began === "known") yield* Effect.zipRight(store.set("k", "older", at(1)), TestClock.adjust(1))
        else yield* store.remove("k")
        expect(yield* store.get("k")).toEqual(Option.none())
        yield* Effect.fork(Effect.yieldNow()).pipe(Effect.flatMap(Fiber.join))
        // On a fiber that knows nothing of the miss.
        yield* Effect.promise(() => Effect.runPromise(fence(store)))
        yield* Effect.flatMap(Effect.fork(store.set("k", "old", Option.none())), Fiber.join)
        expect(["newer", undefined]).toContain(Option.getOrUndefined(yield* store.get("k")))
      }
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a set that follows a miss holds up nobody when it lost", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.get("k")
      yield* Effect.promise(() => Effect.runPromise(store.remove("k")))
      yield* store.set("k", "old", Option.none())
      yield* store.get("k")
      yield* store.set("k", "next", Option.none())
      expect(yield* store.get("k")).toEqual(Option.some("next"))
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a set that follows a miss of another era stores nothing", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.remove("k")
      yield* store.get("k")
      yield* Effect.flatMap(Store.Store, (all) => all.invalidate({ keys: [], tags: [], everything: true }))
      yield* store.set("k", "old", Option.none())
      expect(yield* store.get("k")).toEqual(Option.none())
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a set after a miss is stored though something else was fenced in between", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.set("k", "v", at(1))
      yield* TestClock.adjust(1)
      yield* store.get("k")
      yield* Effect.promise(() => Effect.runPromise(store.remove("other")))
      yield* store.set("k", "w", Option.none())
      expect(yield* store.get("k")).toEqual(Option.some("w"))
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("Larder's own invalidations reach it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const store = yield* backing()
      yield* store.set("k", "v", Option.none())
      yield* cache.clear({ prefix: "persistence", scope: "teams" })
      expect(yield* store.get("k")).toEqual(Option.some("v"))
      yield* cache.clear({ prefix: "persistence", scope: "users" })
      expect(yield* store.get("k")).toEqual(Option.none())
    }).pipe(Effect.provide(Layer.provideMerge(Cache.layer, faulty)))
  )

  it.scoped("what a lagging replica still has after a removal is a miss", () =>
    Effect.gen(function* () {
      const memory = yield* Store.Store
      const replica: { answer?: ReadonlyArray<Store.ReadAnswer> } = {}
      const lagging: Store.Store["Type"] = {
        ...memory,
        read: (requests) =>
          Effect.suspend(() => (replica.answer === undefined ? memory.read(requests) : Effect.succeed(replica.answer)))
      }
      const { make } = yield* Effect.map(
        Layer.build(Layer.provide(StorePersistence.layer, Layer.succeed(Store.Store, lagging))),
        Context.get(Persistence.BackingPersistence)
      )
      const store = yield* make("users")
      yield* store.set("k", "old", Option.none())
      const tags = ["p:persistence", "s:persistence.users"]
      const { shape } = Codec.make(Schema.Unknown)
      replica.answer = yield* memory.read([{ key: "V1.persistence.users.k", shape, tags }])
      expect(yield* store.get("k")).toEqual(Option.some("old"))
      yield* store.remove("k")
      expect(yield* store.get("k")).toEqual(Option.none())
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("bytes of nobody are a miss, reported, and are replaced", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const store = yield* backing()
      yield* store.set("k", 12345, Option.none())
      yield* faults.set({ fault: Faults.truncate({ bytes: -1 }), on: "read" })
      expect(yield* store.get("k")).toEqual(Option.none())
      expect(yield* Reports).toEqual(["Codec decode of users"])
      yield* store.set("k", 6, Option.none())
      expect(yield* store.get("k")).toEqual(Option.some(6))
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a value without a form is reported and not stored", () =>
    Effect.gen(function* () {
      const store = yield* backing()
      yield* store.set("k", () => 1, Option.none())
      expect(yield* store.get("k")).toEqual(Option.none())
      expect(yield* Reports).toEqual(["Codec encode of users"])
    }).pipe(Effect.provide(faulty))
  )
})

const faults: ReadonlyArray<readonly [string, Faults.Fault]> = [
  ["fails", Faults.fail()],
  ["never answers", Faults.hang],
  ["dies", Faults.die],
  ["does its work and never answers", Faults.loseReply("Hang")],
  ["loses the last answer", Faults.truncate({ answers: -1 })]
]

describe("StorePersistence / a store that fails", () => {
  for (const [name, fault] of faults) {
    for (const on of ["read", "lease", "fill", "capture", "commit", undefined] as const) {
      it.scoped(`PersistedCache answers from its source when ${on ?? "every operation"} ${name}, in time`, () =>
        Effect.gen(function* () {
          const switches = yield* Faults.Faults
          yield* switches.set({ fault, span: "onwards", ...(on === undefined ? {} : { on }) })
          const { counted, get } = yield* instance()
          const began = yield* Clock.currentTimeMillis
          const fiber = yield* Effect.fork(Effect.zip(get(1), Clock.currentTimeMillis))
          for (let i = 0; i < 20; i++) yield* TestClock.adjust(50)
          const [value, ended] = yield* Fiber.join(fiber)
          expect(value.name).toBe("Ada 1")
          // At most one read, and one operation that stores.
          expect(ended - began).toBeLessThanOrEqual(500)
          expect(counted.lookups).toBe(1)
          const store = yield* backing()
          const set = yield* Effect.fork(store.set("alone", 1, Option.none()))
          for (let i = 0; i < 20; i++) yield* TestClock.adjust(50)
          expect(Exit.isSuccess(yield* Fiber.await(set))).toBe(true)
        }).pipe(Effect.provide(faulty))
      )
    }
  }

  it.scoped("a client that does not let itself be interrupted holds nobody longer than the time limit", () =>
    Effect.gen(function* () {
      const memory = yield* Store.Store
      const stubborn = {
        ...memory,
        remote: true,
        read: () => Effect.uninterruptible(Effect.delay(Effect.never, "1 hour"))
      }
      const { make } = yield* Effect.map(
        Layer.build(Layer.provide(StorePersistence.layer, Layer.succeed(Store.Store, stubborn))),
        Context.get(Persistence.BackingPersistence)
      )
      const fiber = yield* Effect.fork(Effect.flatMap(make("users"), (store) => store.get("k")))
      yield* TestClock.adjust(249)
      expect(yield* Fiber.poll(fiber)).toEqual(Option.none())
      yield* TestClock.adjust(1)
      expect(yield* Fiber.join(fiber)).toEqual(Option.none())
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a row of failures is one report, and after five the store is left alone for a while", () =>
    Effect.gen(function* () {
      const switches = yield* Faults.Faults
      const store = yield* backing()
      yield* switches.set({ fault: Faults.fail(), span: "onwards" })
      for (let i = 0; i < 20; i++) expect(yield* store.get("k")).toEqual(Option.none())
      expect((yield* calls).length).toBe(5)
      expect(yield* Reports).toEqual(["Store read of users"])
      yield* switches.clear
      yield* TestClock.adjust("2 seconds")
      yield* store.set("other", 1, Option.none())
      expect(yield* store.get("other")).toEqual(Option.some(1))
      yield* switches.set({ fault: Faults.fail() })
      yield* store.get("k")
      expect(yield* Reports).toEqual(["Store read of users", "Store read of users"])
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a removal or a clearing that was not acknowledged fails, and is tried while the circuit is open", () =>
    Effect.gen(function* () {
      const switches = yield* Faults.Faults
      const store = yield* backing()
      yield* switches.set({ fault: Faults.fail("Rejected"), span: "onwards" })
      for (let i = 0; i < 6; i++) yield* store.get("k")
      for (const fence of [store.remove("k"), store.clear]) {
        const error = yield* Effect.flip(fence)
        expect(error).toMatchObject({ reason: "BackingError", cause: { _tag: "StoreError", reason: "Rejected" } })
      }
      expect((yield* calls).slice(-2)).toEqual(["invalidate", "invalidate"])
    }).pipe(Effect.provide(faulty))
  )

  it.scoped("a set after a read that failed removes what is there, and stores nothing: either may be old", () =>
    Effect.gen(function* () {
      const switches = yield* Faults.Faults
      const store = yield* backing()
      yield* store.set("k", "there", Option.none())
      const before = (yield* calls).length
      yield* switches.set({ fault: Faults.fail(), on: "read" })
      expect(yield* store.get("k")).toEqual(Option.none())
      yield* store.set("k", "may be old", Option.none())
      expect((yield* calls).slice(before)).toEqual(["read", "invalidate"])
      expect(yield* store.get("k")).toEqual(Option.none())
      yield* switches.set({ fault: Faults.fail(), on: "read" })
      yield* store.get("k")
      // Somebody else's, so that this fiber goes on as if it knew of none.
      yield* Effect.flatMap(Effect.fork(store.remove("k")), Fiber.await)
      yield* store.set("k", "old", Option.none())
      expect(yield* store.get("k")).toEqual(Option.none())
      yield* store.set("k", "new", Option.none())
      expect(yield* store.get("k")).toEqual(Option.some("new"))
    }).pipe(Effect.provide(faulty))
  )
})

const overRedis = Layer.mergeAll(StorePersistence.layer, StorePersistence.layerResult).pipe(
  Layer.provideMerge(RedisStore.layer),
  Layer.provideMerge(ioredisClient.layer("bytes")),
  Layer.provideMerge(Layer.merge(RedisServer.layer, reporting))
)

const overCluster = Layer.mergeAll(StorePersistence.layer, StorePersistence.layerResult).pipe(
  Layer.provideMerge(RedisStore.layer),
  Layer.provideMerge(clusterClient.layer),
  Layer.provideMerge(Layer.merge(RedisCluster.layer, reporting))
)

describeWithRedis("StorePersistence / over a cluster", () => {
  it.scopedLive("a removal between the two halves of a set that follows a miss holds", () =>
    Effect.gen(function* () {
      const wire = yield* clusterClient.Wire
      const store = yield* backing("halves")
      // The scripts are known, and the key has no epoch.
      yield* store.get("k")
      yield* store.set("k", "before", at(60_000))
      expect(yield* store.get("k")).toEqual(Option.some("before"))
      for (let trip = 0; trip < 5; trip++) {
        yield* store.remove("k")
        expect(yield* store.get("k")).toEqual(Option.none())
        let trips = 0
        wire.before = () => (trips++ === trip ? Effect.orDie(store.remove("k")) : Effect.void)
        yield* store.set("k", "old", at(60_000))
        wire.before = () => Effect.void
        expect([trip, yield* store.get("k")]).toEqual([trip, trips > trip ? Option.none() : Option.some("old")])
      }
    }).pipe(Effect.provide(overCluster))
  )
})

describeWithRedis("StorePersistence / over redis", () => {
  shared(overRedis, { excludeTestServices: true })("StorePersistence / over a real server", (it) => {
    common(it)

    it.scoped("nothing that it writes stays for ever, with a fractional, an infinite and no time to live", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        const store = yield* backing("mortal")
        yield* store.set("fractional", 1, at(90_000.5))
        yield* store.set("infinite", 1, Option.some(Duration.infinity))
        yield* store.set("none", 1, Option.none())
        yield* store.remove("none")
        const names = (yield* wire.ask("KEYS", "*")) as ReadonlyArray<string>
        expect(names.length).toBeGreaterThan(3)
        for (const name of names) expect([name, Number(yield* wire.ask("PTTL", name)) === -1]).toEqual([name, false])
      })
    )

    it.scoped("fifty keys are one command to read, and one each to lease and to fill", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        const store = yield* backing("batch")
        const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
        const round = Effect.gen(function* () {
          yield* store.getMany(keys)
          const before = wire.sent.length
          yield* store.setMany(keys.map((key) => [key, key, at(60_000)]))
          return wire.sent.length - before
        })
        yield* round
        yield* store.clear
        expect(yield* round).toBe(2)
        const before = wire.sent.length
        expect(yield* store.getMany(keys)).toEqual(keys.map(Option.some))
        expect(wire.sent.length - before).toBe(1)
      })
    )

    it.scoped("a server that hangs costs the time limit, and the answer is the source's", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        const { get } = yield* instance()
        wire.hang = true
        const [took, value] = yield* Effect.timed(get(7)).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              wire.hang = false
            })
          )
        )
        expect(value.name).toBe("Ada 1")
        expect(Duration.toMillis(took)).toBeLessThan(2_000)
        expect(yield* Reports).toContain("Store read of users")
      })
    )
  })
})
