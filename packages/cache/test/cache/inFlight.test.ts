/**
 * Every fence while every kind of lookup runs. A lookup that has read `v1` is held, the source changes to `v2`, the
 * fence falls, then the lookup may answer. `v0` is what was stored before, where something was.
 */
import { describe, expect, it } from "@effect/vitest"
import { assertSome, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey, type CachePolicy } from "@larder/cache"
import { Faults } from "@larder/testing"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { arrangements, faulty, plain } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, type Time, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["declared"]
})
const key = Key(1)

type Service = Context.Tag.Service<Cache.Cache>

const fences: ReadonlyArray<{
  readonly name: string
  /** Whether a stale window of the policy may still answer what was stored before. */
  readonly soft?: boolean
  /** Whether a later call may wait for the lookup: the store cannot tell yet that its lease is too old. */
  readonly waits?: boolean
  readonly fall: (cache: Service, source: Source.Source) => Effect.Effect<unknown, unknown>
}> = [
  { name: "invalidate", fall: (cache) => cache.invalidate(key) },
  { name: "invalidateAll of the key and another tag", fall: (c) => c.invalidateAll({ keys: [key], tags: ["other"] }) },
  { name: "invalidateTags of a declared tag", fall: (cache) => cache.invalidateTags("declared") },
  { name: "invalidateTags of a tag learnt before", waits: true, fall: (cache) => cache.invalidateTags("early") },
  { name: "invalidateTags of a tag learnt after", waits: true, fall: (cache) => cache.invalidateTags("late") },
  { name: "invalidateTags of a tag of the value", waits: true, fall: (cache) => cache.invalidateTags("valued") },
  { name: "clear of the prefix", fall: (cache) => cache.clear({ prefix: "users" }) },
  { name: "clear of the scope", fall: (cache) => cache.clear({ prefix: "users", scope: "id" }) },
  { name: "expire", soft: true, fall: (cache) => cache.expire(key) },
  { name: "expireTags of a declared tag", soft: true, fall: (cache) => cache.expireTags("declared") },
  { name: "expireTags of a tag learnt before", soft: true, waits: true, fall: (cache) => cache.expireTags("early") },
  { name: "expireTags of a tag learnt after", soft: true, waits: true, fall: (cache) => cache.expireTags("late") },
  { name: "set", fall: (cache, source) => cache.set(key, source.current()) },
  { name: "writeThrough", fall: (cache, source) => cache.writeThrough(key, Effect.sync(source.current)) },
  {
    name: "writeThrough that fails",
    fall: (cache) => Effect.exit(cache.writeThrough(key, Effect.fail("after the write")))
  },
  { name: "refresh", fall: (cache, source) => cache.refresh(key, source.lookup) }
]

const tagged = (source: Source.Source) =>
  Cache.addTags("early").pipe(Effect.zipRight(source.lookup), Effect.zipLeft(Cache.addTags("late")))

const valued = (): ReadonlyArray<string> => ["valued"]

interface Situation {
  readonly source: Source.Source
  readonly call: Effect.Effect<string, Source.SourceDown, Cache.Cache>
}

const single = (source: Source.Source, policy: CachePolicy.CachePolicy<string>) =>
  Cache.withCache(tagged(source), key, { tags: valued, ...policy })

const batch = (source: Source.Source, policy: CachePolicy.CachePolicy<string>) =>
  Effect.flatMap(Cache.Cache, (cache) =>
    cache.getMany([3, 1, 2], {
      key: Key,
      lookup: (ids) => Effect.map(tagged(source), (value) => ids.map((id) => (id === 1 ? value : "another"))),
      policy: { tags: valued, ...policy }
    })
  ).pipe(Effect.map(([, one]) => one!))

/** Stores `v0`, lets time pass, holds the next lookup, and calls: the call answers what was stored. */
const behind = (policy: CachePolicy.CachePolicy<string>, call: typeof single, after: Duration.DurationInput) =>
  Effect.gen(function* () {
    const source = yield* Source.make
    const called = call(source, { timeToLive: "1 minute", ...policy })
    const first = yield* source.hold
    const priming = yield* Effect.fork(called)
    yield* first.begun
    yield* advance("1 second")
    yield* first.answer
    strictEqual(yield* Fiber.join(priming), "v0")
    yield* advance(after)
    yield* source.change
    const held = yield* source.hold
    const early = yield* Effect.fork(called)
    yield* held.begun
    yield* advance("20 millis")
    strictEqual(yield* Fiber.join(early), "v0")
    return { source, call: called, held }
  })

/** Nothing is stored yet: the call waits. */
const cold = (call: typeof single) =>
  Effect.gen(function* () {
    const source = yield* Source.make
    const called = call(source, { timeToLive: "1 minute" })
    yield* source.change
    const held = yield* source.hold
    yield* Effect.fork(Effect.exit(called))
    yield* held.begun
    return { source, call: called, held }
  })

/** A write or a refresh that has read, of a key of which nothing is stored yet. */
const writing = (door: "writeThrough" | "refresh") =>
  Effect.gen(function* () {
    const source = yield* Source.make
    const cache = yield* Cache.Cache
    yield* source.change
    const held = yield* source.hold
    yield* Effect.fork(Effect.exit(cache[door](key, tagged(source), { timeToLive: "1 minute", tags: valued })))
    yield* held.begun
    return { source, call: single(source, { timeToLive: "1 minute" }), held }
  })

const modes: ReadonlyArray<
  readonly [
    name: string,
    begin: Effect.Effect<Situation & { readonly held: Source.Held }, Source.SourceDown, Cache.Cache | Time>
  ]
> = [
  ["a lookup", cold(single)],
  ["a batch", cold(batch)],
  ["a refresh in the background", behind({ staleWhileRevalidate: "1 hour" }, single, "2 minutes")],
  ["a batch in the background", behind({ staleWhileRevalidate: "1 hour" }, batch, "2 minutes")],
  ["a refresh ahead", behind({ refreshAhead: 1000 }, single, "20 seconds")],
  ["a write", writing("writeThrough")],
  ["a refresh by hand", writing("refresh")],
  ["a lookup left behind", behind({ staleIfError: "1 hour", softTimeout: "10 millis" }, single, "2 minutes")]
]

const withEvenDice = Effect.withRandom(Random.fixed([0.5]))

for (const [[tiers, options], [mode, begin]] of arrangements.flatMap((one) =>
  modes.map((two) => [one, two] as const)
)) {
  describe(`Cache / ${tiers}: a fence while ${mode} runs`, () => {
    for (const { name, soft = false, waits = false, fall } of fences) {
      it.scoped(`${name}: no later call answers what was read before`, () =>
        Effect.gen(function* () {
          const cache = yield* Cache.Cache
          const { call, held, source } = yield* begin
          yield* source.change
          yield* Effect.asVoid(fall(cache, source))
          const allowed = soft ? ["v0", "v2"] : ["v2"]
          const meanwhile = yield* Effect.fork(call)
          yield* settle
          // The other keys of a batch are not fenced, and may be waited for.
          if (!waits && !mode.startsWith("a batch")) strictEqual(Option.isSome(yield* Fiber.poll(meanwhile)), true)
          yield* held.answer
          yield* advance("20 millis")
          expect(allowed).toContain(yield* Fiber.join(meanwhile))
          // One call may still get the old value if it is the one that sets off the refresh.
          expect(allowed).toContain(yield* call)
          yield* settle
          strictEqual(yield* call, "v2")
          yield* advance("10 seconds")
          strictEqual(yield* call, "v2")
          assertSome(yield* cache.get(key), "v2")
        }).pipe(withEvenDice, under(plain(options)))
      )
    }
  })
}

describe("Cache / expire", () => {
  it.scoped("an expired value is not answered where the policy has no stale window", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const call = single(source, {})
      strictEqual(yield* call, "v0")
      yield* source.change
      yield* cache.expire(key)
      strictEqual(yield* call, "v1")
    }).pipe(under(plain()))
  )

  it.scoped("an expired value stands in for a failed lookup where the policy allows it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const call = single(source, { timeToLive: "1 minute", staleIfError: "1 minute" })
      strictEqual(yield* call, "v0")
      yield* source.setDown(true)
      yield* cache.expire(key)
      strictEqual(yield* call, "v0")
      yield* advance("2 minutes")
      strictEqual((yield* Effect.flip(call))._tag, "SourceDown")
    }).pipe(under(plain()))
  )
})

describe("Cache / a fence at any moment of a lookup", () => {
  const slow = (["read", "lease", "fill", "invalidate", "expire", "capture", "commit"] as const).map((on) => ({
    fault: Faults.delay("30 millis"),
    on,
    span: "onwards" as const
  }))
  const instants = Array.from({ length: 14 }, (_, i) => i * 15)
  const isDown = (fiber: Fiber.Fiber<unknown, unknown>) => Effect.map(Fiber.poll(fiber), Option.isSome)

  const trial = (fall: (typeof fences)[number]["fall"], instant: number, options: Cache.Options) =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      yield* Effect.flatMap(Faults.Faults, (faults) => faults.set(slow))
      const source = yield* Source.make
      yield* source.change
      const lookup = Effect.zipLeft(source.lookup, Effect.sleep("30 millis"))
      const call = single({ ...source, lookup }, {})
      yield* Effect.fork(call)
      yield* advance(instant)
      yield* source.change
      const fallen = yield* Effect.fork(fall(cache, source))
      for (let waited = 0; !(yield* isDown(fallen)); waited += 10) {
        expect(waited).toBeLessThan(300)
        yield* advance(10)
      }
      const later = yield* Effect.forEach(Array.from({ length: 12 }), () =>
        Effect.zipLeft(Effect.fork(call), advance(20))
      )
      yield* advance(500)
      expect(yield* Fiber.join(Fiber.all(later))).toEqual(later.map(() => "v2"))
      const last = yield* Effect.fork(call)
      yield* advance(100)
      strictEqual(yield* Fiber.join(last), "v2")
    }).pipe(under(faulty(options)))

  for (const [[tiers, options], { name, fall }] of arrangements.flatMap((one) =>
    fences.map((two) => [one, two] as const)
  )) {
    it.scoped(`${tiers}, ${name}: where each operation takes 30 ms, no later call answers what was read before`, () =>
      Effect.forEach(instants, (instant) => trial(fall, instant, options), { discard: true })
    )
  }
})
