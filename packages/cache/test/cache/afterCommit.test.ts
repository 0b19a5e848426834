/** The port of transactions: what they keep does not happen, and happens when they let it. */
import { describe, expect, it } from "@effect/vitest"
import { assertNone, assertSome } from "@effect/vitest/utils"
import { AfterCommit, Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { arrangements, faulty, recordEvents, Reports } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const operations = Effect.flatMap(Faults.Faults, (faults) => faults.calls)

/** A transaction that keeps everything, and what it kept. */
const transaction = () => {
  const kept: Array<AfterCommit.Fence> = []
  const keep = (fence: AfterCommit.Fence) => kept.push(fence) > 0
  const within = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.provideService(self, AfterCommit.AfterCommit, { keep }) as Effect.Effect<A, E, R>
  return { kept, within, names: () => kept.map(({ kind, request: { keys, tags } }) => [kind, keys.length, ...tags]) }
}

const fallAll = ({ kept }: ReturnType<typeof transaction>) =>
  Effect.forEach(kept, (fence) => fence.fall(fence.request), { discard: true })

for (const [arrangement, options] of arrangements) {
  describe(`Cache / after the commit, ${arrangement}`, () => {
    it.scoped("every door that forbids an older value succeeds, and does it later", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const { kept, names, within } = transaction()
        yield* cache.set(Key(1), "Ada")
        const before = (yield* operations).length
        const doors = [
          cache.invalidate(Key(1)),
          cache.invalidateTags("a"),
          cache.invalidateAll({ keys: [Key(1), Key(2)], tags: ["b"] }),
          cache.expire(Key(1)),
          cache.expireTags("c"),
          cache.clear({ prefix: "users" }),
          cache.set(Key(1), "Bea"),
          cache.writeThrough(Key(1), Effect.succeed("Bea"))
        ]
        for (const door of doors) yield* within(door)
        expect((yield* operations).length).toBe(before)
        expect(names()).toEqual([
          ["invalidate", 1],
          ["invalidate", 0, "t:a"],
          ["invalidate", 2, "t:b"],
          ["expire", 1],
          ["expire", 0, "t:c"],
          ["invalidate", 0, "p:users"],
          ["invalidate", 1],
          ["invalidate", 1]
        ])
        expect(new Set(kept.map((fence) => fence.cache)).size).toBe(1)
        assertSome(yield* cache.get(Key(1)), "Ada")
      }).pipe(under(faulty(options)))
    )

    it.scoped("what is let fall forbids the older value, and events tell of it then", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const open = transaction()
        yield* cache.set(Key(1), "Ada")
        const { tags } = yield* recordEvents
        yield* open.within(cache.invalidate(Key(1)))
        expect(yield* tags).toEqual([])
        yield* fallAll(open)
        expect(yield* tags).toEqual(["Invalidated"])
        assertNone(yield* cache.get(Key(1)))
      }).pipe(under(faulty(options)))
    )

    it.scoped("a store that fails then is reported, hides the value here, and is told again later", () =>
      Effect.gen(function* () {
        const [cache, faults] = [yield* Cache.Cache, yield* Faults.Faults]
        const open = transaction()
        yield* cache.set(Key(1), "Ada")
        yield* open.within(cache.invalidate(Key(1)))
        yield* faults.set({ fault: Faults.fail(), on: "invalidate" })
        const { tags } = yield* recordEvents
        yield* fallAll(open)
        expect(yield* (yield* Reports).lines).toEqual(["Store invalidate swallowed"])
        assertNone(yield* cache.get(Key(1)))
        yield* faults.clear
        yield* advance("1 minute")
        yield* settle
        expect(yield* tags).toContain("Replayed")
        assertNone(yield* cache.get(Key(1)))
      }).pipe(under(faulty(options)))
    )

    it.scoped("a fence that names nothing is not kept", () =>
      Effect.gen(function* () {
        const { kept, within } = transaction()
        yield* within((yield* Cache.Cache).invalidate())
        expect(kept).toEqual([])
      }).pipe(under(faulty(options)))
    )

    it.scoped("two caches in one transaction have fences of their own", () =>
      Effect.gen(function* () {
        const { kept, within } = transaction()
        const invalidate = Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Key(1)))
        yield* within(invalidate)
        yield* within(Effect.provide(invalidate, Cache.layerTest))
        expect(new Set(kept.map((fence) => fence.cache)).size).toBe(2)
      }).pipe(under(faulty(options)))
    )
  })
}
