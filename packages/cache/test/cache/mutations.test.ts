/** Effects that write the source: what they make invalid is dropped however they end. */
import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome } from "@effect/vitest/utils"
import { AfterCommit, Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { arrangements, faulty, plain, recordEvents, Reports } from "../support/caches.js"
import { settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id % 2}`]
})
const Other = CacheKey.make({ prefix: "others", key: (id: number) => ["id", id], schema: Schema.String })

const filled = Effect.gen(function* () {
  const cache = yield* Cache.Cache
  for (const id of [1, 2, 3]) yield* cache.set(Key(id), "before")
  yield* cache.set(Other(1), "before")
  return cache
})
const left = Effect.gen(function* () {
  const cache = yield* Cache.Cache
  const some = yield* Effect.forEach([Key(1), Key(2), Key(3), Other(1)], (key) =>
    Effect.map(cache.get(key), (one) => (Option.isSome(one) ? [`${key.prefix} ${key.id.split(".").at(-1)}`] : []))
  )
  return some.flat()
})
const lines = Effect.flatMap(Reports, (reports) => reports.lines)

const endings: ReadonlyArray<readonly [string, Effect.Effect<string, string>]> = [
  ["succeeds", Effect.succeed("written")],
  ["fails", Effect.fail("refused")],
  ["dies", Effect.die("bug")],
  ["is interrupted", Effect.interrupt]
]

for (const [arrangement, options] of arrangements) {
  describe(`Cache / mutations, ${arrangement}`, () => {
    it.scoped.each(endings)("one that %s drops the keys and tags it names, and ends as it did", ([, ending]) =>
      Effect.gen(function* () {
        yield* filled
        const target = { keys: [Key(2), Other(1)], tags: ["team:1"] }
        expect(yield* Effect.exit(Cache.withInvalidation(ending, target))).toEqual(yield* Effect.exit(ending))
        expect(yield* left).toEqual([])
      }).pipe(under(plain(options)))
    )

    it.scoped("nothing falls before it has ended, and everything before its caller goes on", () =>
      Effect.gen(function* () {
        const cache = yield* filled
        const events = yield* recordEvents
        const [wrote, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const write = Effect.zipRight(Deferred.succeed(wrote, undefined), Deferred.await(gate))
        const fiber = yield* Effect.fork(write.pipe(Cache.withInvalidation({ keys: [Key(1)] })))
        yield* Deferred.await(wrote)
        expect(yield* events.tags).not.toContain("Invalidated")
        assertSome(yield* cache.get(Key(1)), "before")
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(fiber)
        assertNone(yield* cache.get(Key(1)))
        expect((yield* events.tags).filter((tag) => tag === "Invalidated")).toHaveLength(1)
      }).pipe(under(plain(options)))
    )

    it.scoped("the names may be those of the result; none of one that failed", () =>
      Effect.gen(function* () {
        yield* filled
        const dropped = (result: Option.Option<number>) => ({
          keys: Option.match(result, { onNone: () => [], onSome: (id) => [Key(id)] })
        })
        yield* Effect.succeed(2).pipe(Cache.withInvalidation(dropped))
        expect(yield* left).toEqual(["users 1", "users 3", "others 1"])
        yield* Effect.flip(Cache.withInvalidation(Effect.fail("refused"), dropped))
        expect(yield* left).toEqual(["users 1", "users 3", "others 1"])
      }).pipe(under(plain(options)))
    )
  })
}

const mistakes: ReadonlyArray<readonly [string, () => Cache.Target]> = [
  [
    "whose function throws",
    () => {
      throw new Error("a bug of the program")
    }
  ],
  ["that names a tag which is none", () => ({ tags: [""] })]
]

describe("Cache / mutations", () => {
  it.scoped.each(mistakes)("one %s drops everything of its prefix, and says so", ([, invalidates]) =>
    Effect.gen(function* () {
      yield* filled
      expect(yield* Cache.withInvalidation(Effect.succeed("written"), invalidates, { prefix: "users" })).toBe("written")
      expect(yield* left).toEqual(["others 1"])
      expect(yield* lines).toEqual(["Policy invalidates swallowed"])
    }).pipe(under(plain()))
  )

  it.scoped.each(mistakes)("one %s and has no prefix drops everything", ([, invalidates]) =>
    Effect.gen(function* () {
      yield* filled
      yield* Cache.withInvalidation(Effect.succeed("written"), invalidates)
      expect(yield* left).toEqual([])
    }).pipe(under(plain()))
  )

  it.scoped("a failure of it is reported, an interruption is nobody's failure", () =>
    Effect.gen(function* () {
      for (const [, ending] of endings) {
        yield* Effect.exit(Cache.withInvalidation(ending, { keys: [Key(1)] }, { prefix: "users" }))
      }
      const all = yield* Effect.flatMap(Reports, (reports) => reports.all)
      expect(all.map(({ cache, kind, operation, surfaced }) => [cache, kind, operation, surfaced])).toEqual([
        ["users", "Lookup", "mutation", true],
        ["users", "Lookup", "mutation", true]
      ])
    }).pipe(under(plain()))
  )

  it.scoped("a store that does not acknowledge is not its failure, and the older value is hidden", () =>
    Effect.gen(function* () {
      const cache = yield* filled
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail(), on: "invalidate", span: "onwards" })
      expect(yield* Effect.succeed("written").pipe(Cache.withInvalidation({ keys: [Key(1)] }))).toBe("written")
      expect(yield* cache.getOrSet(Key(1), Effect.succeed("after"))).toBe("after")
      expect(yield* lines).toEqual(["Store invalidate swallowed"])
    }).pipe(under(faulty()))
  )

  it.scoped("one that is interrupted from outside lets go when the older value is gone", () =>
    Effect.gen(function* () {
      yield* filled
      const wrote = yield* Deferred.make<void>()
      const write = Effect.zipRight(Deferred.succeed(wrote, undefined), Effect.never)
      const fiber = yield* Effect.fork(write.pipe(Cache.withInvalidation({ keys: [Key(1)] })))
      yield* Deferred.await(wrote)
      expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
      expect(yield* left).toEqual(["users 2", "users 3", "others 1"])
    }).pipe(under(plain()))
  )

  it.scoped("with the cache off it drops all the same", () =>
    Effect.gen(function* () {
      const cache = yield* filled
      yield* cache.setEnabled(false)
      yield* Effect.void.pipe(Cache.withInvalidation({ keys: [Key(1)] }), Cache.withoutCache)
      yield* cache.setEnabled(true)
      expect(yield* left).toEqual(["users 2", "users 3", "others 1"])
    }).pipe(under(plain()))
  )

  it.scoped("in a transaction its fence waits for the commit", () =>
    Effect.gen(function* () {
      yield* filled
      const kept: Array<AfterCommit.Fence> = []
      yield* Effect.void.pipe(
        Cache.withInvalidation({ keys: [Key(1)] }),
        Effect.provideService(AfterCommit.AfterCommit, { keep: (fence) => kept.push(fence) > 0 })
      )
      expect(yield* left).toHaveLength(4)
      for (const fence of kept) yield* fence.fall(fence.request)
      yield* settle
      expect(yield* left).toEqual(["users 2", "users 3", "others 1"])
    }).pipe(under(plain()))
  )
})
