/** Instances over one store that tell each other what they invalidate. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, InvalidationBus, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Bus from "../support/bus.js"
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
    const cache = Context.get(context, Cache.Cache)
    const count = (tag: string) => events.filter((one) => one === tag).length
    return { cache, reports: Context.get(reporter, Reports), events, count }
  })

type Instance = Effect.Effect.Success<ReturnType<typeof instance>>

/** Two instances that hear each other, and a source. */
const fleet = Effect.gen(function* () {
  const one = yield* instance()
  const two = yield* instance()
  const source = yield* Source.make
  yield* advance(3_000)
  const find = ({ cache }: Instance) => cache.getOrSet(key, source.lookup, stored)
  /** Both hold the value in memory, and then it changes. */
  const filled = Effect.zipRight(Effect.all([find(one), find(two)]), source.change)
  return { one, two, source, find, filled }
})

/** The same store, taken for one that may let its caller wait. */
const remote = Layer.effect(
  Store.Store,
  Effect.map(Store.Store, (store) => ({ ...store, remote: true }))
)

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
      const { reads } = yield* Bus.Control
      yield* find(one)
      for (let minute = 1; minute < 60; minute++) {
        yield* advance(60_000)
        expect(yield* find(one)).toBe("v0")
      }
      expect([source.runs(), reads()]).toEqual([1, 1])
      yield* advance(60_000)
      yield* find(one)
      expect([source.runs(), reads()]).toEqual([2, 2])
    }).pipe(under(Bus.layer({ carried: true })))
  )

  it.scoped("while the bus gives signs of life, a lookup is joined however long it takes", () =>
    Effect.gen(function* () {
      const { find, one, source } = yield* fleet
      const held = yield* source.hold
      const early = yield* Effect.fork(find(one))
      yield* held.begun
      yield* advance(60_000)
      const joined = yield* Effect.fork(find(one))
      yield* settle
      yield* held.answer
      expect(yield* Effect.all([Fiber.join(early), Fiber.join(joined)])).toEqual(["v0", "v0"])
      expect(source.runs()).toBe(1)
    }).pipe(under(Bus.layer({ carried: true })))
  )

  it.scoped("where each instance tells by itself, memory answers for its time to live whatever is heard", () =>
    Effect.gen(function* () {
      const { filled, find, one } = yield* fleet
      const { hub } = yield* Bus.Control
      const scope = yield* Scope.make()
      const gone = yield* Scope.extend(instance(), scope)
      yield* advance(3_000)
      yield* filled
      // It invalidates, nobody hears it, and it is gone before anybody could miss what it told.
      hub.lose(1)
      yield* gone.cache.invalidate(key)
      yield* Scope.close(scope, Exit.void)
      yield* advance(4_900)
      expect(yield* find(one)).toBe("v0")
      yield* advance(100)
      expect(one.count("Gap Lost")).toBe(0)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(Bus.layer({ carried: false })))
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

  it.scoped("a call here does not join a lookup that began before an invalidation there", () =>
    Effect.gen(function* () {
      const { find, one, source, two } = yield* fleet
      const held = yield* source.hold
      const early = yield* Effect.fork(find(one))
      yield* held.begun
      yield* source.change
      yield* two.cache.invalidate(key)
      yield* settle
      expect(yield* find(one)).toBe("v1")
      yield* held.answer
      expect(yield* Fiber.join(early)).toBe("v0")
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(memory))
  )

  it.scoped("an invalidation of thousands of names is heard as one of everything", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      yield* filled
      yield* two.cache.invalidate(...Array.from({ length: 3_000 }, (_, i) => Key(i)))
      yield* settle
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(memory))
  )

  it.scoped("a cache that is closed hears and sends no more", () =>
    Effect.gen(function* () {
      const { hub } = yield* Bus.Control
      yield* Effect.scoped(Effect.zipRight(instance(), advance(1_000)))
      const before = hub.sent()
      expect(hub.listeners()).toBe(0)
      yield* advance(60_000)
      expect(hub.sent()).toBe(before)
    }).pipe(under(Bus.layer({ carried: false })))
  )
})

describe.each([
  ["messages leave after the store's reply", false],
  ["messages leave inside the store's operation", true]
])("Cache / a bus that fails, where %s", (_, carried) => {
  const bus = Bus.layer({ carried })
  const control = Effect.map(Bus.Control, ({ hub }) => hub)

  it.scoped("a message that is lost is missed by its count, at the next message", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.lose(1)
      yield* two.cache.invalidate(key)
      yield* two.cache.invalidate(Key(2))
      yield* settle
      expect(one.count("Gap Lost")).toBe(1)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("a message that is lost is missed by its count, at the next beat", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.lose(1)
      yield* two.cache.invalidate(key)
      yield* advance(1_700)
      expect(one.count("Gap Lost")).toBe(1)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("messages twice, late and in another order end what they name, and no more", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      yield* one.cache.getOrSet(Key(9), Effect.succeed("other"), stored)
      hub.duplicate()
      yield* two.cache.invalidate(key)
      yield* settle
      expect(one.count("Heard")).toBe(2)
      expect(one.count("Gap Lost")).toBe(0)
      expect(yield* find(one)).toBe("v1")
      expect(yield* one.cache.getOrSet(Key(9), Effect.die("not in memory"), stored)).toBe("other")
    }).pipe(under(bus))
  )

  it.scoped("while a subscription is cut off silently, memory answers for its time to live and no longer", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      // The last beat may have been heard just now.
      hub.deafen()
      yield* two.cache.invalidate(key)
      yield* advance(3_300)
      expect(yield* find(one)).toBe("v0")
      yield* advance(1_700)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("while a subscription is cut off silently, a lookup is joined for that time and no longer", () =>
    Effect.gen(function* () {
      const { find, one, source, two } = yield* fleet
      const hub = yield* control
      const held = yield* source.hold
      const early = yield* Effect.fork(find(one))
      yield* held.begun
      hub.deafen()
      yield* source.change
      yield* two.cache.invalidate(key)
      yield* advance(3_300)
      const joined = yield* Effect.fork(find(one))
      yield* advance(1_700)
      expect(yield* find(one)).toBe("v1")
      yield* held.answer
      expect(yield* Effect.all([Fiber.join(early), Fiber.join(joined)])).toEqual(["v0", "v0"])
    }).pipe(under(bus))
  )

  it.scoped("a subscription that is silent is taken for lost and made again; then nothing older is believed", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.deafen()
      yield* two.cache.invalidate(key)
      yield* advance(7_000)
      hub.hear()
      yield* advance(10_000)
      expect(one.count("BusLost")).toBe(1)
      expect(one.count("Gap Subscribed")).toBe(2)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("a subscription that ends is made again, and told of once", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.cut()
      yield* two.cache.invalidate(key)
      yield* advance(2_000)
      expect(one.count("BusLost")).toBe(1)
      expect(one.count("Gap Subscribed")).toBe(2)
      expect(yield* find(one)).toBe("v1")
      expect(yield* one.reports.lines).toEqual(["Store listen swallowed"])
    }).pipe(under(bus))
  )

  it.scoped("a bus that ends with a defect is heard again", () =>
    Effect.gen(function* () {
      const real = yield* InvalidationBus.InvalidationBus
      let dies = true
      const texts = Stream.suspend(() => (dies ? Stream.die(new Error("as was asked for")) : real.texts))
      const one = yield* Effect.provideService(instance(), InvalidationBus.InvalidationBus, { ...real, texts })
      yield* advance(1_000)
      dies = false
      yield* advance(20_000)
      expect(one.count("Gap Subscribed")).toBe(1)
    }).pipe(under(bus))
  )

  it.scoped("each loss of a subscription that stood is told of", () =>
    Effect.gen(function* () {
      const { one } = yield* fleet
      const hub = yield* control
      for (let i = 0; i < 2; i++) {
        hub.cut()
        yield* advance(10_000)
      }
      expect(yield* one.reports.lines).toEqual(["Store listen swallowed", "Store listen swallowed"])
    }).pipe(under(bus))
  )

  it.scoped("a read that was under way when messages may have been missed is not kept in memory", () =>
    Effect.gen(function* () {
      const { find, one, source, two } = yield* fleet
      const hub = yield* control
      yield* find(two)
      const store = yield* Bus.Control
      store.holdReads()
      const reading = yield* Effect.fork(find(one))
      yield* settle
      hub.cut()
      yield* source.change
      yield* two.cache.invalidate(key)
      yield* advance(2_000)
      store.letReadsGo()
      yield* Fiber.join(reading)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("others are told when the store has let the fence fall, and before its caller goes on", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const { holdFences, hub, letFencesGo } = yield* Bus.Control
      yield* filled
      holdFences()
      const invalidating = yield* Effect.fork(two.cache.invalidate(key))
      yield* settle
      expect(hub.fences()).toBe(0)
      letFencesGo()
      yield* Fiber.join(invalidating)
      expect(hub.fences()).toBe(1)
      yield* settle
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped.each([
    ["an invalidation there is heard", (two: Instance) => two.cache.invalidate(key), "fails"],
    ["an expiry there is heard", (two: Instance) => two.cache.expire(key), "v0"],
    [
      "a subscription is made again",
      () =>
        Effect.zipRight(
          Effect.map(control, (hub) => hub.cut()),
          advance(1_000)
        ),
      "fails"
    ]
  ] as const)("while a lookup runs here %s: when it fails, the old value stands in or not", ([, meanwhile, answer]) =>
    Effect.gen(function* () {
      const { one, source, two } = yield* fleet
      const policy = { timeToLive: "1 minute", staleIfError: "1 hour", awaitWrite: true } as const
      const find = one.cache.getOrSet(key, source.lookup, policy)
      yield* find
      yield* advance(61_000)
      const held = yield* source.hold
      const waiting = yield* Effect.fork(find)
      yield* held.begun
      yield* Effect.orDie(meanwhile(two))
      yield* settle
      yield* held.fail
      expect(yield* Effect.orElseSucceed(Fiber.join(waiting), () => "fails")).toBe(answer)
    }).pipe(under(bus))
  )

  it.scoped("a message that nobody can read is a gap", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.garble()
      yield* two.cache.invalidate(key)
      yield* settle
      expect(one.count("Gap Unreadable")).toBe(1)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(bus))
  )

  it.scoped("while nobody can be told, an invalidation has failed; it is replayed as soon as somebody can", () =>
    Effect.gen(function* () {
      const { filled, find, one, two } = yield* fleet
      const hub = yield* control
      yield* filled
      hub.refuse(true)
      const outcome = yield* Effect.either(two.cache.invalidate(key))
      // Inside the store's operation what cannot be told is done all the same, and missed by its count.
      expect(outcome._tag).toBe(carried ? "Right" : "Left")
      expect(yield* find(two)).toBe("v1")
      hub.refuse(false)
      yield* advance(5_000)
      expect(yield* find(one)).toBe("v1")
      // What was told to nobody is told again: as what failed, or as what was acknowledged lately.
      expect(two.events).toContain("Replayed")
    }).pipe(under(bus))
  )
})

describe("Cache / a store that loses everything beside a bus", () => {
  it.scoped("what is in memory from before is not believed", () =>
    Effect.gen(function* () {
      const { find, one, filled } = yield* fleet
      yield* filled
      const { forgetEverything } = yield* Bus.Control
      yield* forgetEverything
      yield* advance(1_700)
      expect(one.count("Gap Lost")).toBe(1)
      expect(yield* find(one)).toBe("v1")
    }).pipe(under(Bus.layer({ carried: true })))
  )
})

describe("Cache / what is told again because messages are missing", () => {
  it.scoped("an invalidation of everything is no reason for another one", () =>
    Effect.gen(function* () {
      const one = yield* instance({ maximumPending: 2 })
      yield* instance()
      yield* advance(10_000)
      const store = yield* Bus.Control
      store.holdFences()
      const failing = yield* Effect.fork(Effect.flip(one.cache.invalidateTags("a", "b", "c")))
      yield* advance(1_000)
      store.letFencesGo()
      yield* Fiber.join(failing)
      yield* advance(60_000)
      expect([one.count("Replayed"), one.count("Gap Lost")]).toEqual([1, 0])
    }).pipe(under(Layer.provideMerge(remote, Bus.layer({ carried: true }))))
  )

  it.scoped.each([
    ["an invalidation", (cache: Cache.Cache["Type"]) => cache.invalidate(key)],
    ["a set", (cache: Cache.Cache["Type"]) => cache.set(key, "v1", stored)]
  ] as const)(
    "counts a fence of another instance as it has counted %s of this one: the store has lost that",
    ([, tell]) =>
      Effect.gen(function* () {
        const { one, two } = yield* fleet
        const { hub } = yield* Bus.Control
        const said: Array<string> = []
        yield* Effect.forkScoped(Stream.runForEach(hub.texts, (text) => Effect.sync(() => said.push(text))))
        yield* settle
        yield* tell(one.cache)
        yield* settle
        const [count] = said.find((text) => text.includes(key.id))!.split(" ")
        // What is repeated is no other one's.
        const before = said.slice()
        for (const text of before) hub.send(text)
        yield* settle
        expect([one.count("Gap Lost"), one.count("Recalled")]).toEqual([0, 0])
        hub.send(`${count} ${JSON.stringify({ o: "another", k: ["V1.users.id.9"], t: [] })}`)
        yield* settle
        expect([one.count("Gap Lost"), one.count("Recalled")]).toEqual([1, 1])
        expect([two.count("Gap Lost"), two.count("Recalled")]).toEqual([0, 0])
        yield* advance(2_000)
        expect(one.count("Replayed")).toBe(1)
      }).pipe(under(Bus.layer({ carried: true })))
  )

  it.scoped("is told for the time of recall, however often an instance without a bus invalidates something", () =>
    Effect.gen(function* () {
      const { one } = yield* fleet
      const shared = yield* Effect.context<Store.Store>()
      const reporter = yield* Layer.build(recording)
      const silent = yield* Layer.build(
        Cache.layerWith({}).pipe(Layer.provide(Layer.succeedContext(Context.merge(shared, reporter))))
      )
      yield* one.cache.invalidate(key)
      for (let i = 0; i < 30; i++) {
        yield* Context.get(silent, Cache.Cache).invalidate(Key(2))
        yield* advance(10_000)
      }
      expect(one.count("Gap Lost")).toBe(30)
      expect(one.count("Replayed")).toBeGreaterThan(4)
      expect(one.count("Replayed")).toBeLessThan(8)
    }).pipe(under(Bus.layer({ carried: true })))
  )
})

describe("Cache / a bus that each instance tells by itself", () => {
  it.scoped("each row of messages that could not be sent is told of", () =>
    Effect.gen(function* () {
      const { one } = yield* fleet
      const { hub } = yield* Bus.Control
      for (let i = 0; i < 2; i++) {
        hub.refuse(true)
        yield* Effect.flip(one.cache.invalidate(key))
        hub.refuse(false)
        yield* advance(10_000)
      }
      expect(yield* one.reports.lines).toEqual(["Store publish swallowed", "Store publish swallowed"])
    }).pipe(under(Bus.layer({ carried: false })))
  )
})

describe("Cache / a store that tells what anybody did to it", () => {
  const change = (names: { readonly k?: ReadonlyArray<string>; readonly t?: ReadonlyArray<string>; readonly a?: 1 }) =>
    Effect.map(Bus.Control, ({ hub }) => hub.send(`- ${JSON.stringify({ o: "the server", c: 1, ...names })}`))

  it.scoped.each([
    ["a key", { k: [key.id] }],
    ["a tag", { t: [CacheKey.userTag("declared")] }],
    ["everything", { a: 1 }]
  ] as const)("%s: what is in memory is asked for below, and nothing is missing", ([, names]) =>
    Effect.gen(function* () {
      const { find, one, source } = yield* fleet
      const { reads } = yield* Bus.Control
      yield* find(one)
      const before = reads()
      yield* find(one)
      expect(reads()).toBe(before)
      yield* change(names)
      yield* settle
      expect(yield* find(one)).toBe("v0")
      expect([reads(), source.runs(), one.count("Gap Lost")]).toEqual([before + 1, 1, 0])
      yield* find(one)
      expect(reads()).toBe(before + 1)
    }).pipe(under(Bus.layer({ carried: true })))
  )

  it.scoped("a lookup under way is joined as before, and its value is not held in memory", () =>
    Effect.gen(function* () {
      const { find, one, source } = yield* fleet
      const { reads } = yield* Bus.Control
      const held = yield* source.hold
      const first = yield* Effect.fork(find(one))
      yield* held.begun
      yield* change({ k: [key.id] })
      yield* settle
      const second = yield* Effect.fork(find(one))
      yield* settle
      yield* held.answer
      expect([yield* Fiber.join(first), yield* Fiber.join(second), source.runs()]).toEqual(["v0", "v0", 1])
      const before = reads()
      yield* find(one)
      expect(reads()).toBe(before + 1)
    }).pipe(under(Bus.layer({ carried: true })))
  )
})
