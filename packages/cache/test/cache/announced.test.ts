/** What mutations may make invalid is saved before they write: a process that is killed in between loses nothing. */
import { describe, expect, it } from "@effect/vitest"
import { AfterCommit, Cache, CacheKey, type JournalStorage, Repository, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { recording, Reports } from "../support/caches.js"
import { failing, place } from "../support/places.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)
const stores = Layer.provideMerge(Faults.layer, Store.layerMemory)

/** An instance that is closed by its `close`, or never: a process that is killed closes nothing. */
const instance = (journal?: JournalStorage.JournalStorage, maximumPending = 1_000) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const scope = yield* Scope.make()
    const build = <A>(layer: Layer.Layer<A>) => Layer.buildWithScope(layer, scope)
    const reporter = yield* build(recording)
    const context = yield* build(
      Cache.layerWith({ journal, maximumPending }).pipe(
        Layer.provide(Layer.succeedContext(Context.add(reporter, Store.Store, store)))
      )
    )
    const events: Array<string> = []
    yield* Effect.provide(
      Cache.listen((event) => void events.push(event._tag)),
      Context.add(context, Scope.Scope, scope)
    )
    const cache = Context.get(context, Cache.Cache)
    return { cache, context, reports: Context.get(reporter, Reports), events, close: Scope.close(scope, Exit.void) }
  })

interface Saved {
  readonly keys: ReadonlyArray<{ readonly key: string }>
  readonly tags: ReadonlyArray<string>
  readonly everything: boolean
}
const namesIn = (text: string | undefined): ReadonlyArray<string> => {
  if (text === undefined) return []
  const { everything, keys, tags } = JSON.parse(text) as Saved
  return [...keys.map((one) => one.key), ...tags, ...(everything ? ["everything"] : [])]
}

const get = (cache: Cache.Cache["Type"], value: string) =>
  cache.getOrSet(key, Effect.succeed(value), { timeToLive: "1 hour", awaitWrite: true })

/** A write that has happened and whose caller never hears of it. */
const stuck = Effect.gen(function* () {
  const wrote = yield* Deferred.make<void>()
  const write = Effect.zipRight(Deferred.succeed(wrote, undefined), Effect.never)
  return { write, wrote: Deferred.await(wrote) }
})

class Users extends Context.Tag("test/Users")<
  Users,
  {
    readonly name: (id: number) => Effect.Effect<string>
    readonly rename: (id: number) => Effect.Effect<string>
  }
>() {}

const throughRepository = (cache: Cache.Cache["Type"], write: Effect.Effect<never>) =>
  Effect.flatMap(Users, (users) => users.rename(1)).pipe(
    Effect.provide(
      Repository.layerCached(Users, {
        prefix: "users",
        methods: {
          name: { key: (id) => ["id", id], schema: Schema.String },
          rename: { invalidates: (_, id) => ({ entries: { name: [[id]] } }) }
        }
      }).pipe(
        Layer.provide(Layer.succeed(Users, { name: () => Effect.succeed("any"), rename: () => write })),
        Layer.provide(Layer.succeed(Cache.Cache, cache))
      )
    )
  )

const doors: ReadonlyArray<
  readonly [string, (cache: Cache.Cache["Type"], write: Effect.Effect<never>) => Effect.Effect<unknown>]
> = [
  ["mutate", (cache, write) => cache.mutate(write, { keys: [key] })],
  ["a mutation of a plan", throughRepository],
  ["writeThrough", (cache, write) => cache.writeThrough(key, write)]
]

describe("Cache / what mutations may make invalid is saved before they write", () => {
  it.scoped.each(doors)("killed in the middle of %s: hidden by the next process at once, and invalidated", ([, door]) =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const one = yield* instance(storage)
      yield* get(one.cache, "before")
      const { write, wrote } = yield* stuck
      yield* Effect.forkScoped(door(one.cache, write))
      yield* wrote
      expect(namesIn(state.text)).toEqual([key.id])
      // While it is under way its names are not hidden: what is written is nobody's knowledge yet.
      expect(yield* get(one.cache, "after")).toBe("before")

      const next = yield* instance(storage)
      expect(yield* get(next.cache, "after")).toBe("after")
      yield* advance(1_000)
      expect(next.events).toContain("Replayed")
      expect(namesIn(state.text)).toEqual([])
      expect(yield* get((yield* instance()).cache, "after")).toBe("after")
    }).pipe(under(stores))
  )

  it.scoped("it begins to write when that is saved, and not before", () =>
    Effect.gen(function* () {
      const { storage } = place()
      const gate = yield* Deferred.make<void>()
      const save = (text: string) => Effect.zipRight(Deferred.await(gate), storage.save(text))
      const { cache } = yield* instance({ ...storage, save })
      let wrote = false
      const fiber = yield* Effect.fork(
        cache.mutate(
          Effect.sync(() => void (wrote = true)),
          { keys: [key] }
        )
      )
      yield* settle
      expect(wrote).toBe(false)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(fiber)
      expect(wrote).toBe(true)
    }).pipe(under(stores))
  )

  it.scoped("it stays saved until the store has acknowledged its fence, or that is remembered", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance(storage)
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.delay(200), on: "invalidate" })
      const fiber = yield* Effect.fork(cache.mutate(Effect.void, { keys: [key] }))
      yield* settle
      // Another mutation saves anew.
      yield* Effect.forkScoped(cache.mutate(Effect.never, { keys: [Key(2)] }))
      yield* settle
      expect(namesIn(state.text)).toEqual([key.id, Key(2).id])
      yield* advance(200)
      yield* Fiber.join(fiber)
      yield* faults.set({ fault: Faults.fail(), on: "invalidate", span: "onwards" })
      yield* cache.mutate(Effect.void, { keys: [Key(3)] })
      yield* Effect.forkScoped(cache.mutate(Effect.never, { keys: [Key(4)] }))
      yield* settle
      expect(namesIn(state.text)).toEqual([Key(3).id, Key(2).id, Key(4).id])
    }).pipe(under(stores))
  )

  it.scoped("what is over is not saved with the next one, and an end in peace leaves nothing", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache, close } = yield* instance(storage)
      yield* cache.mutate(Effect.void, { keys: [key] })
      yield* cache.mutate(Effect.void, { keys: [Key(2)] })
      expect(namesIn(state.text)).toEqual([Key(2).id])
      yield* close
      expect(namesIn(state.text)).toEqual([])
      expect((yield* instance(storage)).events).toEqual([])
    }).pipe(under(stores))
  )

  it.scoped("two of the same names are two", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance(storage)
      const target = { keys: [key] }
      yield* Effect.forkScoped(cache.mutate(Effect.never, target))
      yield* settle
      yield* cache.mutate(Effect.void, target)
      yield* cache.mutate(Effect.void, { keys: [Key(2)] })
      expect(namesIn(state.text)).toEqual([key.id, Key(2).id])
    }).pipe(under(stores))
  )

  it.scoped("many at once are saved in a few turns", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const save = (text: string) => Effect.delay(storage.save(text), 1)
      const { cache } = yield* instance({ ...storage, save })
      const saw = new Set<number>()
      const all = yield* Effect.fork(
        Effect.forEach(
          Array.from({ length: 200 }, (_, id) => id),
          (id) =>
            cache.mutate(
              Effect.sync(() => namesIn(state.text).includes(Key(id).id) && saw.add(id)),
              { keys: [Key(id)] }
            ),
          { concurrency: "unbounded", discard: true }
        )
      )
      yield* advance(50)
      yield* Fiber.join(all)
      expect(saw.size).toBe(200)
      expect(state.saves).toBeLessThan(5)
    }).pipe(under(stores))
  )

  it.scoped("whose names were saved with those of another is not saved again because a third is over", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance({ ...storage, save: (text) => Effect.delay(storage.save(text), 10) })
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.delay(5), on: "invalidate" })
      // The first is saved by itself, the others together while it ends.
      yield* Effect.forkScoped(cache.mutate(Effect.void, { keys: [key] }))
      yield* advance(1)
      for (const id of [2, 3]) yield* Effect.forkScoped(cache.mutate(Effect.never, { keys: [Key(id)] }))
      yield* advance(50)
      expect(state.saves).toBe(2)
    }).pipe(under(stores))
  )

  it.scoped("of more names than are remembered those of a prefix become the prefix", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance(storage, 2)
      for (const id of [1, 2, 3]) yield* Effect.forkScoped(cache.mutate(Effect.never, { keys: [Key(id)] }))
      yield* settle
      expect(namesIn(state.text)).toEqual(["p:users"])
    }).pipe(under(stores))
  )

  it.scoped("a function that throws without a result has named everything of its prefix", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance(storage)
      const named = (result: Option.Option<number>) => ({ keys: [Key(Option.getOrThrow(result))] })
      yield* cache.mutate(
        Effect.sync(() => (expect(namesIn(state.text)).toEqual(["p:users"]), 1)),
        named,
        { prefix: "users" }
      )
      yield* cache.mutate(
        Effect.sync(() => (expect(namesIn(state.text)).toEqual(["everything"]), 1)),
        named
      )
    }).pipe(under(stores))
  )

  it.scoped.each([
    ["that fails", Effect.fail(failing("save"))],
    ["that hangs", Effect.never]
  ] as const)("a place %s holds nobody up for longer than one operation, and is reported", ([, save]) =>
    Effect.gen(function* () {
      const { storage } = place()
      const { cache, reports } = yield* instance({ ...storage, save: () => save })
      const fiber = yield* Effect.fork(cache.mutate(Effect.succeed("written"), { keys: [key] }))
      yield* advance(250)
      expect(yield* Fiber.join(fiber)).toBe("written")
      expect(yield* reports.lines).toEqual(["Store save swallowed"])
    }).pipe(under(stores))
  )

  it.scoped("without a place the function is called once, with the result", () =>
    Effect.gen(function* () {
      const { cache } = yield* instance()
      const seen: Array<Option.Option<string>> = []
      yield* cache.mutate(Effect.succeed("written"), (result) => (seen.push(result), { keys: [key] }))
      expect(seen).toEqual([Option.some("written")])
    }).pipe(under(stores))
  )

  it.scoped("in a transaction nothing is saved until the transaction says so", () =>
    Effect.gen(function* () {
      const { state, storage } = place()
      const { cache } = yield* instance(storage)
      const kept: Array<AfterCommit.Fence> = []
      yield* cache
        .mutate(Effect.void, { keys: [key] })
        .pipe(Effect.provideService(AfterCommit.AfterCommit, { keep: (fence) => kept.push(fence) > 0 }))
      expect(state.saves).toBe(0)
      const takeBacks = yield* Effect.forEach(kept, (fence) => fence.announce(fence.request))
      expect(namesIn(state.text)).toEqual([key.id])
      // Its COMMIT may be tried again.
      const again = yield* Effect.forEach(kept, (fence) => fence.announce(fence.request))
      yield* Effect.all(takeBacks)
      yield* cache.mutate(Effect.void, { keys: [Key(2)] })
      expect(namesIn(state.text)).toEqual([key.id, Key(2).id])
      yield* Effect.all(again)
      yield* cache.mutate(Effect.void, { keys: [Key(3)] })
      expect(namesIn(state.text)).toEqual([Key(3).id])
    }).pipe(under(stores))
  )
})
