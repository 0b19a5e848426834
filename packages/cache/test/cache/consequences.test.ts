import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheError, CacheKey, InvalidationBus, type JournalStorage, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Function from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { faulty, recording, Reports } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const key = Key(1)

const said = Effect.flatMap(Reports, (reports) =>
  Effect.map(reports.all, (all) =>
    all.map(({ cache, instead = "answered without it", operation }) => `${cache} ${operation}: ${instead}`)
  )
)

const failing = (on: Faults.Operation) =>
  Effect.flatMap(Faults.Faults, (faults) => faults.set({ fault: Faults.fail(), on, span: "onwards" }))

const repeated = "hidden here, and repeated until it is acknowledged"

const withJournal = (wrong: Partial<JournalStorage.JournalStorage>) =>
  Cache.layerWith({ journal: { load: Effect.succeed(undefined), save: () => Effect.void, ...wrong } }).pipe(
    Layer.provide(Store.layerMemory),
    Layer.provideMerge(recording)
  )

describe("Cache / what the failure of an operation means", () => {
  it.effect.each([
    ["read", (cache: Cache.Cache["Type"]) => cache.getOrSet(key, Effect.succeed("v")), "answered without it"],
    ["lease", (cache: Cache.Cache["Type"]) => cache.getOrSet(key, Effect.succeed("v")), "looked up and not stored"],
    ["fill", (cache: Cache.Cache["Type"]) => cache.getOrSet(key, Effect.succeed("v")), "answered and not stored"],
    ["invalidate", (cache: Cache.Cache["Type"]) => cache.invalidate(key), repeated],
    ["expire", (cache: Cache.Cache["Type"]) => cache.expire(key), repeated],
    ["commit", (cache: Cache.Cache["Type"]) => cache.set(key, "v"), repeated],
    [
      "commit",
      (cache: Cache.Cache["Type"]) => cache.refresh(key, Effect.succeed("v")),
      "not stored, the older value may stay"
    ]
  ] as const)("%s", ([on, call, means]) =>
    Effect.gen(function* () {
      yield* failing(on)
      yield* Effect.exit(call(yield* Cache.Cache))
      yield* settle
      expect(yield* said).toEqual([`users ${on}: ${means}`])
    }).pipe(under(faulty()))
  )

  it.effect("a renewal is of no single cache", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* failing("renew")
      const calling = yield* Effect.fork(cache.getOrSet(key, Effect.never))
      yield* advance("5 seconds")
      expect(yield* said).toEqual(["* renew: another instance may look it up too"])
      yield* Fiber.interrupt(calling)
    }).pipe(under(faulty()))
  )

  const refused = (operation: string) =>
    new CacheError.StoreError({ store: "bus", operation, reason: "Rejected", detail: "as was asked for" })
  const overBus = (bus: Partial<InvalidationBus.InvalidationBus["Type"]>) =>
    Cache.layerWithBus().pipe(
      Layer.provide([
        Store.layerMemory,
        Layer.succeed(InvalidationBus.InvalidationBus, {
          name: "bus",
          channel: "channel",
          carrier: undefined,
          publish: () => Effect.void,
          texts: Stream.never,
          ...bus
        })
      ]),
      Layer.provideMerge(recording)
    )
  const notHeard = "values in memory are answered for their own time at most"

  it.effect("a message that is not told is repeated, a beat that is not told says nothing of others", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* settle
      yield* Effect.exit(cache.invalidate(key))
      expect(yield* said).toEqual([
        `* beat: whether others are heard is not known: ${notHeard}`,
        `users publish: others are not told: ${repeated}`
      ])
    }).pipe(under(overBus({ publish: (text) => Effect.fail(refused(text.includes('"b":') ? "beat" : "publish")) })))
  )

  it.effect("a subscription that fails leaves others unheard", () =>
    Effect.gen(function* () {
      yield* settle
      expect(yield* said).toEqual([`* listen: others are not heard: ${notHeard}`])
    }).pipe(under(overBus({ texts: Stream.fail(refused("listen")) })))
  )

  it.effect("a journal that cannot be loaded hides everything, one that cannot be saved is lost with the process", () =>
    Effect.gen(function* () {
      const loading = yield* Effect.zipRight(settle, said).pipe(
        under(withJournal({ load: Effect.fail(refused("load")) }))
      )
      expect(loading).toEqual(["* load: everything is hidden, and invalidated until that is acknowledged"])
      const saving = yield* Effect.flatMap(Cache.Cache, (cache) => cache.mutate(Effect.void, { tags: ["t"] })).pipe(
        Effect.zipRight(said),
        under(withJournal({ save: () => Effect.fail(refused("save")) }))
      )
      expect(saving).toEqual(["* save: the end of this process would lose what is not acknowledged"])
    })
  )

  it.effect.each([
    ["dies", { load: Effect.die(new TypeError("canary")) }, "`load` of journal died with TypeError"],
    [
      "is no effect but a promise",
      { save: (() => Promise.resolve()) as never },
      "`save` of journal died with RuntimeException (is it an effect, not a promise or a value?)"
    ],
    [
      "throws",
      { save: () => Function.absurd<Effect.Effect<void>>(undefined as never) },
      "`save` of journal died with Error"
    ],
    ["interrupts itself", { load: Effect.interrupt }, "`load` of journal was interrupted by itself"]
  ] as const)("a place for the journal that %s is told by its name", ([, wrong, detail]) =>
    Effect.gen(function* () {
      yield* settle
      yield* Effect.flatMap(Cache.Cache, (cache) => cache.mutate(Effect.void, { tags: ["t"] }))
      const [failure] = yield* Effect.flatMap(Reports, (reports) => reports.all)
      expect(Cause.squash(failure!.cause)).toMatchObject({ store: "journal", reason: "BadReply", detail })
    }).pipe(under(withJournal(wrong)))
  )
})
