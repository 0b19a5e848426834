/** What stands in the `KeyValueStore`, what happens when it fails, and what a restart finds. */
import { describe, expect, it } from "@effect/vitest"
import { KeyValueStore } from "@effect/platform"
import { Cache, CacheKey, Epoch, Reporter, Store } from "@larder/cache"
import { StoreError } from "@larder/cache/CacheError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { PlatformStore } from "../src/index.js"
import * as platform from "./support/keyValueStore.js"

type Service = Store.Store["Type"]
const shape = "s"
const minute = 60_000
const utf8 = (text: string) => new TextEncoder().encode(text)

/** Starts a store, in a scope that ends with the given one, or never. */
const start = (over: ReturnType<typeof platform.make>, options: PlatformStore.Options = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const layer = Layer.provide(
      PlatformStore.layerWith(options),
      Layer.succeed(KeyValueStore.KeyValueStore, over.store)
    )
    const store = Context.get(yield* Layer.buildWithScope(layer, scope), Store.Store)
    return { store, end: Scope.close(scope, Exit.void) }
  })

const read = (store: Service, key: string) =>
  Effect.map(store.read([{ key, shape, tags: [] }]), ([answer]) => {
    const { epochs, found } = answer!
    if (found._tag !== "Stored") return found._tag
    const standing = Epoch.standing(found.stamps, epochs)
    return standing === "Current" ? new TextDecoder().decode(found.bytes) : standing
  })
const lease = (store: Service, key: string, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(
    store.lease([{ key, shape, tags, seen: "*", leaseMillis: minute, retainMillis: minute }]),
    ([answer]) => (answer?._tag === "Granted" ? Effect.succeed(answer.lease) : Effect.dieMessage("no lease"))
  )
const put = (store: Service, key: string, options: { tags?: ReadonlyArray<string>; millis?: number } = {}) =>
  Effect.flatMap(lease(store, key, options.tags), (lease) =>
    store.fill([{ lease, learntTags: [], bytes: utf8(key), timeToLiveMillis: options.millis ?? minute }])
  )
const set = (store: Service, key: string, value: string) =>
  Effect.flatMap(store.capture({ key, shape, tags: [], retainMillis: minute }), (capture) =>
    store.commit({ capture, learntTags: [], bytes: utf8(value), timeToLiveMillis: minute })
  )

describe("PlatformStore / places", () => {
  it.effect("never more values than are allowed are there, and the least recently used one went", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over, { maximumValues: 3 })
      for (const key of ["a", "b", "c"]) yield* put(store, key)
      yield* read(store, "a")
      yield* put(store, "d")
      expect(yield* Effect.forEach(["a", "b", "c", "d"], (key) => read(store, key))).toEqual(["a", "Absent", "c", "d"])
      for (let i = 0; i < 50; i++) yield* put(store, `k${i % 7}`)
      expect([...over.contents.keys()].toSorted()).toEqual(["larder.0", "larder.1", "larder.2", "larder.places"])
    })
  )

  it.effect("a value whose place went to another is leased again by whoever asks, without having seen it", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over, { maximumValues: 2 })
      const request = { tags: [], leaseMillis: minute, retainMillis: minute }
      yield* store.fill([
        { lease: yield* lease(store, "a"), learntTags: [], bytes: utf8("a"), timeToLiveMillis: minute }
        // Another shape of the same key takes a place of its own, while the memory store counts one key.
      ])
      for (const other of ["x", "y"]) {
        const [answer] = yield* store.lease([{ key: "a", shape: other, ...request }])
        if (answer?._tag !== "Granted") return expect.fail("no lease")
        yield* store.fill([{ lease: answer.lease, learntTags: [], bytes: utf8(other), timeToLiveMillis: minute }])
      }
      expect(yield* read(store, "a")).toBe("Absent")
      expect(yield* store.lease([{ key: "a", shape, ...request }])).toMatchObject([{ _tag: "Granted" }])
    })
  )

  it.effect("what is expired, replaced or invalidated is removed, and an idle store does nothing", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      yield* put(store, "expires", { millis: 1_000 })
      yield* put(store, "replaced")
      yield* put(store, "replaced")
      yield* put(store, "invalidated")
      expect(over.contents.size).toBe(5)
      yield* store.invalidate({ keys: [{ key: "invalidated", shapes: [shape] }], tags: [] })
      yield* TestClock.adjust(30_000)
      expect(over.contents.size).toBe(2)
      expect(yield* read(store, "replaced")).toBe("replaced")
      yield* TestClock.adjust(2 * minute)
      expect([...over.contents.keys()]).toEqual(["larder.places"])
      const calls = over.calls.length
      yield* TestClock.adjust("1 day")
      expect(over.calls.length).toBe(calls)
      expect([...(yield* TestClock.sleeps())]).toEqual([])
    })
  )

  it.effect("values that are replaced faster than anything is swept cost none of the others their place", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over, { maximumValues: 1_000 })
      yield* put(store, "quiet", { millis: 60 * minute })
      for (let i = 0; i < 2_000; i++) {
        expect(yield* put(store, `busy-${i % 10}`)).toEqual(["Stored"])
        if (i % 20 === 0) yield* TestClock.adjust("1 seconds")
      }
      expect(yield* read(store, "quiet")).toBe("quiet")
    })
  )

  it.effect("what could not be removed is removed later, and its place is not given away before", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      yield* put(store, "a", { millis: 1_000 })
      over.behaviour.before = (operation) => (operation === "remove" ? platform.broken(operation) : Effect.void)
      yield* TestClock.adjust(minute)
      expect(over.contents.has("larder.0")).toBe(true)
      yield* put(store, "b")
      expect(over.contents.has("larder.1")).toBe(true)
      over.behaviour.before = () => Effect.void
      yield* TestClock.adjust(30_000)
      expect(over.contents.has("larder.0")).toBe(false)
    })
  )

  it.effect("a place that holds something else, or not all, is malformed: a miss, reported, and filled anew", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      const reports: Array<string> = []
      const cached = yield* Layer.build(
        Cache.layer.pipe(
          Layer.provide(Layer.succeed(Store.Store, store)),
          Layer.provide(
            Layer.succeed(Reporter.Reporter, {
              report: ({ kind, operation }) => Effect.sync(() => void reports.push(`${kind} ${operation}`))
            })
          )
        )
      )
      const Key = CacheKey.make({ prefix: "p", key: () => ["k"], schema: Schema.Number })
      let runs = 0
      const call = Effect.sync(() => ++runs).pipe(Cache.withCache(Key(), { awaitWrite: true }), Effect.provide(cached))
      expect(yield* call).toBe(1)
      const bytes = over.contents.get("larder.0")!
      const damaged = [
        bytes.slice(0, -1),
        bytes.slice(0, 20),
        new Uint8Array(),
        utf8("x\n"),
        new Uint8Array([...bytes, 0])
      ]
      for (const [i, damage] of damaged.entries()) {
        const [place] = [...over.contents.keys()].filter((name) => /\d$/.test(name)).slice(-1)
        over.contents.set(place!, damage)
        expect(yield* call).toBe(2 + i)
        expect(reports.length).toBe(1 + i)
        expect(yield* call).toBe(2 + i)
      }
      expect(new Set(reports)).toEqual(new Set(["Codec decode"]))
    }).pipe(Effect.scoped)
  )

  it.effect("two stores over one folder lose values to each other, and never answer one of the other's", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const one = yield* start(over)
      yield* put(one.store, "mine")
      const other = yield* start(over)
      expect(yield* read(one.store, "mine")).toBe("Malformed")
      yield* put(other.store, "yours")
      expect(yield* read(one.store, "mine")).toBe("Malformed")
      expect(yield* read(one.store, "yours")).toBe("Absent")
      expect(yield* read(other.store, "yours")).toBe("yours")
    })
  )
})

describe("PlatformStore / failures", () => {
  it.effect("a failure is a StoreError that says of what kind, and nothing of paths", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      yield* put(store, "a")
      over.behaviour.before = platform.broken
      const error = yield* Effect.flip(read(store, "a"))
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ store: "keyValueStore", operation: "read", reason: "Unavailable", detail: "Busy" })
      expect(error.message).not.toContain("secret")
      over.behaviour.before = platform.refused
      expect(yield* Effect.flip(put(store, "b"))).toMatchObject({ operation: "fill", reason: "Rejected" })
      expect(yield* Effect.flip(set(store, "b", "b"))).toMatchObject({ reason: "Rejected" })
    })
  )

  it.effect("an invalidation, an expiry and a lease need nothing but memory: they work when nothing else does", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      for (const key of ["a", "b"]) yield* put(store, key)
      over.behaviour.before = () => Effect.never
      yield* store.invalidate({ keys: [{ key: "a", shapes: [shape] }], tags: [] })
      yield* store.expire({ keys: [{ key: "b", shapes: [shape] }], tags: [] })
      yield* lease(store, "c")
      over.behaviour.before = () => Effect.void
      expect(yield* Effect.forEach(["a", "b", "c"], (key) => read(store, key))).toEqual(["Absent", "Expired", "Absent"])
    })
  )

  it.effect("a set whose bytes cannot be written fences its key all the same", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over)
      yield* put(store, "a")
      over.behaviour.before = platform.broken
      yield* Effect.flip(set(store, "a", "next"))
      over.behaviour.before = () => Effect.void
      expect(yield* read(store, "a")).toBe("Absent")
    })
  )

  it.effect("a fill that is interrupted while it writes stores nothing, and its place is used again", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const { store } = yield* start(over, { maximumValues: 1 })
      const granted = yield* lease(store, "a")
      const writing = yield* Deferred.make<void>()
      over.behaviour.before = (operation, key) =>
        operation === "set" && key === "larder.0"
          ? Effect.zipRight(Deferred.succeed(writing, undefined), Effect.never)
          : Effect.void
      const fill = store.fill([{ lease: granted, learntTags: [], bytes: utf8("a"), timeToLiveMillis: minute }])
      const fiber = yield* Effect.fork(fill)
      yield* Deferred.await(writing)
      // The only place is in use: nothing is stored meanwhile, and nobody waits.
      expect(yield* put(store, "b")).toEqual(["Refused"])
      yield* Fiber.interrupt(fiber)
      over.behaviour.before = () => Effect.void
      expect(yield* read(store, "a")).toBe("Absent")
      yield* store.invalidate({ keys: [], tags: [] })
      yield* TestClock.adjust(minute)
      expect(yield* put(store, "b")).toEqual(["Stored"])
      expect(yield* read(store, "b")).toBe("b")
    })
  )

  it.effect.each(["get", "set", "remove"] as const)(
    "a cache over one that fails to %s answers from the source",
    (broken) =>
      Effect.gen(function* () {
        const over = platform.make()
        const { store } = yield* start(over)
        over.behaviour.before = (operation) => (operation === broken ? platform.broken(operation) : Effect.void)
        const cached = yield* Layer.build(
          Cache.layer.pipe(Layer.provide(Layer.succeed(Store.Store, store)), Layer.provide(Reporter.layerNoop))
        )
        const Key = CacheKey.make({ prefix: "p", key: () => ["k"], schema: Schema.Number })
        const call = Effect.succeed(1).pipe(Cache.withCache(Key(), { awaitWrite: true }), Effect.provide(cached))
        for (let i = 0; i < 10; i++) expect(yield* call).toBe(1)
      }).pipe(Effect.scoped)
  )
})

describe("PlatformStore / restarts", () => {
  const keeping = { keepAcrossRestarts: true }

  it.effect("without being told to keep it begins empty, and an orderly end leaves nothing behind", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over)
      yield* put(first.store, "a")
      yield* first.end
      expect([...over.contents.keys()]).toEqual([])
      const second = yield* start(over)
      expect(yield* read(second.store, "a")).toBe("Absent")
    })
  )

  it.effect("an orderly end keeps what is valid, stale or fresh, until its time to live is over", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "fresh", { tags: ["t"] })
      yield* put(first.store, "stale")
      yield* put(first.store, "tagged", { tags: ["u"] })
      yield* put(first.store, "gone", { tags: ["v"] })
      yield* put(first.store, "short", { millis: 1_000 })
      yield* first.store.expire({ keys: [{ key: "stale", shapes: [shape] }], tags: ["u"] })
      yield* first.store.invalidate({ keys: [], tags: ["v"] })
      yield* first.end
      yield* TestClock.adjust(1_000)
      const second = yield* start(over, keeping)
      const keys = ["fresh", "stale", "tagged", "gone", "short"]
      const seen = yield* Effect.forEach(keys, (key) => read(second.store, key))
      expect(seen).toEqual(["fresh", "Expired", "Expired", "Absent", "Absent"])
      // What was not kept is no longer there.
      expect(over.contents.size).toBe(4)
      yield* second.store.invalidate({ keys: [], tags: ["t"] })
      expect(yield* read(second.store, "fresh")).toBe("Invalid")
      yield* TestClock.adjust(minute - 1_000)
      expect(yield* read(second.store, "stale")).toBe("Absent")
    })
  )

  it.effect("after a crash there is nothing, also of what an orderly end before it had kept", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "a")
      yield* first.end
      const second = yield* start(over, keeping)
      expect(yield* read(second.store, "a")).toBe("a")
      yield* second.store.invalidate({ keys: [{ key: "a", shapes: [shape] }], tags: [] })
      yield* put(second.store, "b")
      // It never ends. The next one finds what it left, and removes it.
      const third = yield* start(over, keeping)
      expect(yield* Effect.forEach(["a", "b"], (key) => read(third.store, key))).toEqual(["Absent", "Absent"])
      expect([...over.contents.keys()]).toEqual(["larder.places"])
    })
  )

  it.effect("one that keeps nothing takes away what another one kept", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "a")
      yield* first.end
      const second = yield* start(over)
      expect(yield* read(second.store, "a")).toBe("Absent")
      yield* second.end
      const third = yield* start(over, keeping)
      expect(yield* read(third.store, "a")).toBe("Absent")
    })
  )

  it.effect("a list that was not written to its end is none", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "a")
      yield* first.end
      const whole = new Map(over.contents)
      const list = whole.get("larder.kept")!
      for (let length = 0; length < list.length; length++) {
        over.contents.clear()
        for (const [name, bytes] of whole) over.contents.set(name, bytes)
        over.contents.set("larder.kept", list.slice(0, length))
        const { store } = yield* start(over, keeping)
        expect(yield* read(store, "a")).toBe("Absent")
      }
    })
  )

  it.effect.each([
    ["get", "larder.kept"],
    ["remove", "larder.kept"],
    ["get", "larder.places"],
    ["remove", "larder.1"]
  ] as const)("it does not start where it cannot %s %s: that would come back one day", ([operation, name]) =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "a")
      yield* put(first.store, "b", { millis: 1 })
      yield* first.end
      yield* TestClock.adjust(1)
      over.behaviour.before = (one, key) => (one === operation && key === name ? platform.broken(one) : Effect.void)
      const error = yield* Effect.flip(start(over, keeping))
      expect(error).toMatchObject({ _tag: "StoreError", operation: "begin", reason: "Unavailable" })
    })
  )

  it.effect("an end that cannot keep is told of, and the next start begins empty", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      yield* put(first.store, "a")
      over.behaviour.before = platform.broken
      yield* first.end
      over.behaviour.before = () => Effect.void
      const second = yield* start(over, keeping)
      expect(yield* read(second.store, "a")).toBe("Absent")
    })
  )

  it.effect("one that holds less than the one before keeps what fits, and removes the rest", () =>
    Effect.gen(function* () {
      const over = platform.make()
      const first = yield* start(over, keeping)
      for (let i = 0; i < 100; i++) yield* put(first.store, `k${i}`)
      yield* first.end
      const second = yield* start(over, { ...keeping, maximumValues: 10 })
      expect(over.contents.size).toBe(11)
      expect(new TextDecoder().decode(over.contents.get("larder.places"))).toBe("10.")
      for (let i = 0; i < 100; i++) yield* put(second.store, `n${i}`)
      expect(over.contents.size).toBe(11)
      expect(yield* read(second.store, "n99")).toBe("n99")
    })
  )
})
