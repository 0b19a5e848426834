/**
 * As SQLite is tested: the first operation of the store fails, then the second, and so on, once and from then on,
 * until a run of the story meets no fault any more. Every way of failing, behind every door.
 */
import { describe, expect, it } from "@effect/vitest"
import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { faulty } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: () => ["declared"]
})
const key = Key(1)

/** The store work of one call, and one operation that was begun within it. */
const mostMillis = 400 + 250

/** Runs a call for as long as it may take at the most, and answers its exit. */
const within = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const started = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.fork(Effect.zip(Effect.exit(call), Clock.currentTimeMillis))
    yield* advance(mostMillis + 50)
    if (Option.isNone(yield* Fiber.poll(fiber))) return expect.fail("the call is still not answered")
    const [exit, ended] = yield* Fiber.join(fiber)
    expect(ended - started).toBeLessThanOrEqual(mostMillis)
    return exit
  })

type Service = Context.Tag.Service<Cache.Cache>

const tagged = (source: Source.Source) => Effect.zipLeft(source.lookup, Cache.addTags("learnt"))

const many = (cache: Service, source: Source.Source) =>
  cache.getMany([3, 1, 2], {
    key: Key,
    lookup: (ids) => Effect.map(tagged(source), (value) => ids.map(() => value))
  })

const doors: ReadonlyArray<{
  readonly name: string
  /** Whether no older value may be answered once it has returned, whatever it returned. */
  readonly fences?: boolean
  /** Whether a failure of the store may be its own. */
  readonly explicit?: boolean
  readonly open: (cache: Service, source: Source.Source) => Effect.Effect<unknown, unknown, Cache.Cache>
}> = [
  { name: "getOrSet", open: (cache, source) => cache.getOrSet(key, tagged(source)) },
  { name: "getOrSet that awaits", open: (c, source) => c.getOrSet(Key(4), tagged(source), { awaitWrite: true }) },
  { name: "getMany", open: many },
  { name: "refresh", open: (cache, source) => cache.refresh(key, tagged(source)) },
  { name: "get", explicit: true, open: (cache) => cache.get(key) },
  { name: "set", explicit: true, fences: true, open: (cache, source) => cache.set(key, source.current()) },
  { name: "writeThrough", fences: true, open: (c, source) => c.writeThrough(key, Effect.sync(source.current)) },
  { name: "invalidate", explicit: true, fences: true, open: (cache) => cache.invalidate(key) },
  { name: "invalidateTags", explicit: true, fences: true, open: (cache) => cache.invalidateTags("learnt") },
  { name: "expire", explicit: true, fences: true, open: (cache) => cache.expire(key) },
  { name: "clear", explicit: true, fences: true, open: (cache) => cache.clear({ prefix: "users" }) }
]

/** Answers how many operations met the fault. */
const story = ({ explicit = false, fences = false, open }: (typeof doors)[number], plan: Faults.Plan) =>
  Effect.gen(function* () {
    const cache = yield* Cache.Cache
    const faults = yield* Faults.Faults
    const source = yield* Source.make
    const call = cache.getOrSet(key, tagged(source))
    yield* faults.set(plan)
    deepStrictEqual(yield* within(call), Exit.succeed("v0"))

    yield* source.change
    const opened = yield* within(open(cache, source))
    if (Exit.isFailure(opened)) {
      strictEqual(explicit, true)
      expect(opened.cause).toMatchObject({ _tag: "Fail", error: { _tag: "StoreError" } })
    }
    const then = yield* within(call)
    if (fences) deepStrictEqual(then, Exit.succeed("v1"))
    else expect([Exit.succeed("v0"), Exit.succeed("v1")]).toContainEqual(then)

    yield* source.change
    yield* within(cache.invalidate(key))
    deepStrictEqual(yield* within(call), Exit.succeed("v2"))
    yield* source.change
    yield* source.setDown(true)
    yield* within(cache.invalidateTags("declared"))
    expect(yield* within(call)).toMatchObject({ cause: { _tag: "Fail", error: { _tag: "SourceDown" } } })
    yield* source.setDown(false)
    deepStrictEqual(yield* within(many(cache, source)), Exit.succeed(["v3", "v3", "v3"]))
    const met = yield* faults.met

    yield* faults.clear
    yield* advance("20 seconds")
    deepStrictEqual(yield* within(call), Exit.succeed("v3"))
    yield* advance("1 second")
    const runs = source.runs()
    deepStrictEqual(yield* within(call), Exit.succeed("v3"))
    strictEqual(source.runs(), runs)
    return met
  }).pipe(under(faulty()))

const faults: ReadonlyArray<readonly [name: string, fault: Faults.Fault, spans: ReadonlyArray<"once" | "onwards">]> = [
  ["fails", Faults.fail(), ["once", "onwards"]],
  ["never answers", Faults.hang, ["once", "onwards"]],
  ["takes 240 ms", Faults.delay("240 millis"), ["onwards"]],
  ["does its work and fails", Faults.loseReply(), ["once"]],
  ["does its work and never answers", Faults.loseReply("Hang"), ["once", "onwards"]],
  ["dies", Faults.die, ["once"]],
  ["loses the end of each value", Faults.truncate({ bytes: -1 }), ["once", "onwards"]],
  ["answers values without a byte", Faults.truncate({ bytes: 0 }), ["onwards"]],
  ["loses the last answer", Faults.truncate({ answers: -1 }), ["once", "onwards"]]
]

describe("Cache / the nth operation of the store", () => {
  for (const door of doors) {
    for (const [name, fault, spans] of faults) {
      for (const span of spans) {
        const title = `${door.name}: where it ${name}, ${span}, calls are answered from the source, in time, never older`
        it.effect(title, () =>
          Effect.gen(function* () {
            let nth = 1
            while ((yield* story(door, { fault, nth, span })) > 0) nth++
            expect(nth).toBeGreaterThan(5)
          })
        )
      }
    }
  }
})
