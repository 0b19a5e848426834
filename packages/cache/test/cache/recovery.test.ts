/** What the store did not acknowledge, or has lost after it had: hidden at once, and told again. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type JournalStorage, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { recording, Reports } from "../support/caches.js"
import { failing, place } from "../support/places.js"
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

/** A store that acknowledges fences and loses them, as a primary that fails over before it has replicated. */
class Forgetful extends Context.Tag("test/Forgetful")<Forgetful, { forgets: boolean }>() {}

const forgetful = Layer.effectContext(
  Effect.gen(function* () {
    const store = yield* Store.Store
    const control = { forgets: false }
    const n = { lost: 0 }
    const fence = (kind: "invalidate" | "expire") => (request: Store.FenceRequest) =>
      control.forgets
        ? Effect.map(store.capture({ key: "any", shape: "any", tags: [], retainMillis: 1 }), ({ counter }) => ({
            ...counter,
            n: counter.n + ++n.lost
          }))
        : store[kind](request)
    return Context.make(Forgetful, control).pipe(
      Context.add(Store.Store, { ...store, invalidate: fence("invalidate"), expire: fence("expire") })
    )
  })
)

const stores = Layer.provideMerge(Faults.layer, Layer.provide(forgetful, Store.layerMemory))

const instance = (options: Cache.Options = {}) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const reporter = yield* Layer.build(recording)
    const context = yield* Layer.build(
      Cache.layerWith(options).pipe(Layer.provide(Layer.succeedContext(Context.add(reporter, Store.Store, store))))
    )
    const events: Array<string> = []
    yield* Effect.provide(
      Cache.listen((event) => void events.push(event._tag)),
      context
    )
    return { cache: Context.get(context, Cache.Cache), reports: Context.get(reporter, Reports), events }
  })

type Instance = Effect.Effect.Success<ReturnType<typeof instance>>

/** An instance that has read a value, which was changed, and an invalidation that the store forgot. */
const betrayed = (options: Cache.Options = {}) =>
  Effect.gen(function* () {
    const one = yield* instance(options)
    const source = yield* Source.make
    const forgetful = yield* Forgetful
    const find = ({ cache }: Instance) => cache.getOrSet(key, source.lookup, stored)
    yield* find(one)
    yield* source.change
    forgetful.forgets = true
    yield* one.cache.invalidate(key)
    forgetful.forgets = false
    return { one, source, find }
  })

const outage = Effect.gen(function* () {
  const faults = yield* Faults.Faults
  yield* faults.set({ fault: Faults.fail(), span: "onwards" })
  return faults.clear
})

describe("Cache / a store that lost what it had acknowledged", () => {
  it.scoped("whose counter went back is told again, and nobody gets the old value meanwhile", () =>
    Effect.gen(function* () {
      const { find, one, source } = yield* betrayed()
      // Another key's lookup is where the counter shows.
      yield* one.cache.getOrSet(Key(2), source.lookup, stored)
      yield* settle
      expect(one.events).toContain("Recalled")
      expect(yield* find(one)).toBe("v1")
      const other = yield* instance()
      yield* advance(1_000)
      expect(one.events).toContain("Replayed")
      expect(yield* find(other)).toBe("v1")
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["invalidation", (cache: Cache.Cache["Type"]) => cache.invalidate(Key(2))],
    ["expiry", (cache: Cache.Cache["Type"]) => cache.expire(Key(2))],
    ["set", (cache: Cache.Cache["Type"]) => cache.set(Key(2), "any", stored)]
  ] as const)("whose counter is made up for by the next %s is told again", ([, next]) =>
    Effect.gen(function* () {
      const { find, one } = yield* betrayed()
      yield* next(one.cache)
      yield* settle
      expect(one.events).toContain("Recalled")
      expect(yield* find(one)).toBe("v1")
      yield* advance(1_000)
      expect(yield* find(yield* instance())).toBe("v1")
    }).pipe(under(stores))
  )

  it.scoped("fences side by side are no loss", () =>
    Effect.gen(function* () {
      const one = yield* instance()
      const ids = Array.from({ length: 50 }, (_, id) => id)
      yield* Effect.forEach(ids, (id) => one.cache.invalidate(Key(id)), { concurrency: "unbounded" })
      yield* Effect.forEach(ids, (id) => one.cache.set(Key(id), "any", stored), { concurrency: "unbounded" })
      yield* settle
      expect(one.events).not.toContain("Recalled")
    }).pipe(under(stores))
  )

  it.scoped("and was away meanwhile is told again", () =>
    Effect.gen(function* () {
      const { find, one, source } = yield* betrayed()
      const other = yield* instance()
      // Fences of others have made up for the count that was lost.
      yield* other.cache.invalidate(Key(8))
      yield* other.cache.invalidate(Key(9))
      expect(yield* find(other)).toBe("v0")
      const over = yield* outage
      for (let i = 0; i < 6; i++) yield* one.cache.getOrSet(Key(2), source.lookup, stored)
      yield* over
      yield* advance(1_500)
      yield* one.cache.getOrSet(Key(2), source.lookup, stored)
      yield* settle
      expect(one.events).toContain("Recalled")
      yield* advance(1_000)
      expect(yield* find(other)).toBe("v1")
    }).pipe(under(stores))
  )

  it.scoped("instances tell it again each at a moment of its own", () =>
    Effect.gen(function* () {
      const several = yield* Effect.forEach(Array.from({ length: 20 }), (_, i) =>
        Effect.map(betrayed(), (one) => ({ ...one, id: i + 100 }))
      )
      for (const { id, one, source } of several) yield* one.cache.getOrSet(Key(id), source.lookup, stored)
      const replayed = () => several.filter(({ one }) => one.events.includes("Replayed")).length
      yield* settle
      expect(several.filter(({ one }) => one.events.includes("Recalled")).length).toBe(20)
      const counts: Array<number> = []
      for (let i = 0; i < 10; i++) {
        yield* advance(100)
        counts.push(replayed())
      }
      expect(counts.at(-1)).toBe(20)
      expect(new Set(counts).size).toBeGreaterThan(4)
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["what is older than the time of recall is not told again", "10 seconds", 11_000, false],
    ["what is within it is", "10 seconds", 9_000, true],
    ["with a time of zero nothing is", 0, 0, false]
  ] as const)("%s", ([, recall, millis, isRecalled]) =>
    Effect.gen(function* () {
      const { one, source } = yield* betrayed({ recall })
      yield* advance(millis)
      yield* one.cache.getOrSet(Key(2), source.lookup, stored)
      yield* settle
      expect(one.events.includes("Recalled")).toBe(isRecalled)
    }).pipe(under(stores))
  )

  it.scoped("a replica that lags is no loss: reads that are behind recall nothing", () =>
    Effect.gen(function* () {
      const one = yield* instance()
      const source = yield* Source.make
      yield* one.cache.invalidate(key)
      const call = one.cache.getOrSet(key, source.lookup, stored)
      yield* call
      yield* advance(2_000)
      yield* call
      expect(one.events).not.toContain("Recalled")
    }).pipe(under(stores))
  )
})

const filled = Effect.gen(function* () {
  const one = yield* instance()
  const source = yield* Source.make
  const find = ({ cache }: Instance) => cache.getOrSet(key, source.lookup, stored)
  yield* find(one)
  yield* source.change
  return { source, find }
})

describe("Cache / a journal that is kept over a restart", () => {
  it.scoped("what could not be invalidated before the end is hidden after the start, and replayed", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { find } = yield* filled
      const over = yield* outage
      yield* Effect.scoped(
        Effect.flatMap(instance({ journal: storage }), ({ cache }) => Effect.flip(cache.invalidate(key)))
      )
      const next = yield* instance({ journal: storage })
      yield* over
      expect(yield* find(next)).toBe("v1")
      yield* advance(2_000)
      expect(next.events).toContain("Replayed")
      expect(yield* find(yield* instance())).toBe("v1")
      expect(JSON.parse(state.text!)).toEqual({ version: 1, keys: [], tags: [], everything: false })
    }).pipe(under(stores))
  )

  it.scoped("is saved before the caller of a failed invalidation goes on", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      yield* outage
      const { cache } = yield* instance({ journal: storage })
      yield* Effect.flip(cache.invalidate(key))
      expect(state.text).toContain(key.id)
      yield* Effect.flip(cache.invalidateTags("team"))
      expect(JSON.parse(state.text!).tags).toHaveLength(1)
    }).pipe(under(stores))
  )

  it.scoped("many failures at once are saved in a few turns, each before its caller goes on", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      yield* outage
      const { cache } = yield* instance({ journal: storage })
      yield* Effect.forEach(
        Array.from({ length: 200 }, (_, i) => i),
        (i) =>
          Effect.map(Effect.either(cache.invalidate(Key(i))), () => expect(state.text).toContain(`"${Key(i).id}"`)),
        { concurrency: "unbounded" }
      )
      expect(state.saves).toBeLessThan(200)
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["that cannot be read", "garbage", false],
    ["of another version", '{"version":2,"keys":[],"tags":[],"everything":false}', false],
    ["that cannot be loaded", undefined, true]
  ] as const)("one %s may have named anything: everything is hidden, and invalidated", ([, text, fails]) =>
    Effect.gen(function* () {
      const { state, storage } = place(text)
      const { find } = yield* filled
      state.failsToLoad = fails
      const next = yield* instance({ journal: storage })
      expect(yield* find(next)).toBe("v1")
      yield* advance(1_000)
      expect(yield* find(yield* instance())).toBe("v1")
      expect(yield* next.reports.lines).toEqual(fails ? ["Store load swallowed"] : [])
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["that hangs", Effect.never],
    ["whose loading dies", Effect.die("as was asked for")]
  ] as const)("a place %s may have named anything", ([, load]) =>
    Effect.gen(function* () {
      const { storage } = place()
      const { find } = yield* filled
      const starting = yield* Effect.forkScoped(instance({ journal: { ...storage, load } }))
      yield* advance(250)
      expect(yield* find(yield* Effect.flatten(starting.await))).toBe("v1")
    }).pipe(under(stores))
  )

  it.scoped("what was saved without an answer is saved over, also by what was there before", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      let answers = true
      const save = (text: string) =>
        Effect.zipRight(
          storage.save(text),
          Effect.suspend(() => (answers ? Effect.void : Effect.fail(failing("save"))))
        )
      const { cache } = yield* instance({ journal: { ...storage, save } })
      const over = yield* outage
      yield* Effect.flip(cache.invalidate(key))
      answers = false
      yield* over
      yield* advance(60_000)
      expect(state.text).not.toContain(key.id)
      answers = true
      yield* outage
      yield* Effect.flip(cache.invalidate(key))
      expect(state.text).toContain(key.id)
    }).pipe(under(stores))
  )

  it.scoped("a save that goes on beyond its time is not overtaken, and what came meanwhile is saved behind it", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      let slow = true
      // What is on its way to a disk is not called back.
      const save = (text: string) =>
        Effect.suspend(() => {
          const takes = slow ? 2_000 : 1
          slow = false
          return Effect.uninterruptible(Effect.delay(storage.save(text), takes))
        })
      yield* outage
      const { cache } = yield* instance({ journal: { ...storage, save } })
      const returned = yield* Effect.forkScoped(Effect.flip(cache.invalidate(key)))
      yield* advance(500)
      expect(returned.unsafePoll()).not.toBe(null)
      const other = yield* Effect.forkScoped(Effect.flip(cache.invalidate(Key(2))))
      yield* advance(500)
      expect(other.unsafePoll()).not.toBe(null)
      yield* advance(5_000)
      expect(JSON.parse(state.text!).keys).toHaveLength(2)
    }).pipe(under(stores))
  )

  it.scoped("a place that takes a text and never answers is given up for the next one", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      let hangs = true
      const save = (text: string) => Effect.suspend(() => (hangs ? Effect.never : storage.save(text)))
      yield* outage
      const { cache } = yield* instance({ journal: { ...storage, save } })
      yield* Effect.forkScoped(Effect.flip(cache.invalidate(key)))
      yield* advance(500)
      hangs = false
      yield* advance(60_000)
      yield* Effect.forkScoped(Effect.flip(cache.invalidate(Key(2))))
      yield* advance(500)
      expect(JSON.parse(state.text!).keys).toHaveLength(2)
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["failed", (save: Effect.Effect<void>) => Effect.zipRight(Effect.fail(failing("save")), save)],
    ["hung", (save: Effect.Effect<void>) => Effect.zipRight(Effect.never, save)]
  ] as const)("what a place did not take, because it %s, is saved when it takes texts again", ([, breaks]) =>
    Effect.gen(function* () {
      const { state, storage } = place()
      let broken = true
      const save = (text: string) =>
        Effect.suspend(() => (broken ? breaks : identity)(Effect.orDie(storage.save(text))))
      yield* outage
      const { cache } = yield* instance({ journal: { ...storage, save } })
      for (const id of [1, 2]) yield* Effect.forkScoped(Effect.flip(cache.invalidate(Key(id))))
      yield* advance(500)
      broken = false
      yield* advance(120_000)
      expect(JSON.parse(state.text ?? "{}").keys).toHaveLength(2)
    }).pipe(under(stores))
  )

  it.scoped("may be kept by an object of a class", () =>
    Effect.gen(function* () {
      class Place implements JournalStorage.JournalStorage {
        readonly load = Effect.succeed(undefined)
        text = ""
        save(text: string) {
          return Effect.sync(() => void (this.text = text))
        }
      }
      const journal = new Place()
      yield* outage
      const { cache } = yield* instance({ journal })
      yield* Effect.flip(cache.invalidate(key))
      expect(journal.text).toContain(key.id)
    }).pipe(under(stores))
  )

  it.scoped("each row of failures to save is told of", () =>
    Effect.gen(function* () {
      const { storage } = place()
      let fails = false
      const save = (text: string) => Effect.suspend(() => (fails ? Effect.fail(failing("save")) : storage.save(text)))
      const { cache, reports } = yield* instance({ journal: { ...storage, save } })
      for (let i = 0; i < 2; i++) {
        fails = true
        const over = yield* outage
        yield* Effect.flip(cache.invalidate(key))
        yield* over
        fails = false
        yield* advance(60_000)
      }
      expect((yield* reports.lines).filter((line) => line.includes("save"))).toHaveLength(2)
    }).pipe(under(stores))
  )

  it.scoped("a place that hangs holds up a start and an invalidation for the time of one operation", () =>
    Effect.gen(function* () {
      const { storage } = place()
      const { cache } = yield* Effect.zipLeft(
        Effect.forkScoped(instance({ journal: { ...storage, load: Effect.never } })).pipe(
          Effect.tap(() => advance(250)),
          Effect.flatMap((fiber) => fiber.await),
          Effect.flatten
        ),
        settle
      )
      expect(yield* Effect.isSuccess(cache.invalidate(key))).toBe(true)
    }).pipe(under(stores))
  )
})
