import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter } from "@larder/cache"
import { StoreError } from "@larder/cache/CacheError"
import { Arbitraries } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver, recording, type Service } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const down = new StoreError({ store: "over", operation: "read", reason: "Unavailable", detail: "" })
const nonsense = Effect.succeed(undefined as never)
const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, millis: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.exit(effect))
    yield* TestClock.adjust(millis)
    const done = yield* Fiber.poll(fiber)
    yield* Fiber.interruptFork(fiber)
    return done._tag === "Some" ? yield* done.value : "not done"
  })

describe("transparent", () => {
  for (const remote of [true, false]) {
    for (const operation of ["read", "lease", "fill", "release"] as const) {
      it.effect(`a ${remote ? "remote" : "local"} store that answers nothing to ${operation} is a miss`, () =>
        Effect.gen(function* () {
          let runs = 0
          const cached = Effect.sync(() => `v${++runs}`).pipe(
            Cache.withCache(Key(1), { cacheable: () => operation !== "release" })
          )
          expect(yield* Effect.exit(cached)).toEqual(Exit.succeed("v1"))
          expect(runs).toBe(1)
        }).pipe(Effect.provide(cacheOver(() => ({ [operation]: () => nonsense }) as Partial<Service>, {}, remote)))
      )
      it.effect(`a ${remote ? "remote" : "local"} store that dies in ${operation} is a miss`, () =>
        Effect.gen(function* () {
          let runs = 0
          const cached = Effect.sync(() => `v${++runs}`).pipe(
            Cache.withCache(Key(1), { cacheable: () => operation !== "release" })
          )
          expect(yield* Effect.exit(cached)).toEqual(Exit.succeed("v1"))
          expect(runs).toBe(1)
        }).pipe(
          Effect.provide(cacheOver(() => ({ [operation]: () => Effect.die("broken") }) as Partial<Service>, {}, remote))
        )
      )
    }
    it.effect(`an invalidation to which a ${remote ? "remote" : "local"} store answers nothing hides the key`, () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        let runs = 0
        const cached = Effect.sync(() => `v${++runs}`).pipe(Cache.withCache(Key(1)))
        yield* cached
        const exit = yield* Effect.exit(cache.invalidate(Key(1)))
        expect(Exit.isFailure(exit) && exit.cause._tag).toBe("Fail")
        expect(yield* cached).toBe("v2")
      }).pipe(Effect.provide(cacheOver(() => ({ invalidate: () => nonsense }), {}, remote)))
    )
  }

  it.effect.prop(
    "whatever a store answers that is not ours, the lookup is answered",
    [Arbitraries.readAnswer],
    ([answer]) =>
      Effect.gen(function* () {
        const cached = Effect.succeed("v").pipe(Cache.withCache(Key(1), { staleIfError: "1 hour" }))
        expect(yield* cached).toBe("v")
        expect(yield* cached).toBe("v")
      }).pipe(
        Effect.provide(
          cacheOver((memory) => ({
            read: (requests) => Effect.succeed(requests.map(() => answer)),
            lease: (requests) =>
              Effect.map(memory.lease(requests), (leases) =>
                leases.map((lease) => (lease._tag === "Granted" ? lease : { _tag: "Found" as const, answer }))
              )
          }))
        )
      )
  )

  it.effect("a read that answers null for a key is a miss", () =>
    Effect.gen(function* () {
      const cached = Effect.succeed("v").pipe(Cache.withCache(Key(1)))
      expect(yield* Effect.exit(cached)).toEqual(Exit.succeed("v"))
    }).pipe(Effect.provide(cacheOver(() => ({ read: () => Effect.succeed([null as never]) }))))
  )

  const Boom = Schema.transform(Schema.String, Schema.String, {
    strict: true,
    decode: (text) => {
      if (text === "boom") throw new TypeError("cannot")
      return text
    },
    encode: (text) => {
      if (text === "bang") throw new TypeError("cannot")
      return text
    }
  })
  const BoomKey = CacheKey.make({ prefix: "boom", key: (id: number) => ["id", id], schema: Boom })

  it.effect("a schema that throws while it decodes is a miss and a report", () => {
    const { failures, layer } = recording()
    return Effect.gen(function* () {
      const cached = Effect.succeed("boom").pipe(Cache.withCache(BoomKey(1)))
      yield* cached
      expect(yield* Effect.exit(cached)).toEqual(Exit.succeed("boom"))
      expect(failures.map(({ kind }) => kind)).toEqual(["Codec"])
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false, layer)))
  })

  it.effect("a schema that throws while it encodes costs a report, not a second lookup", () => {
    const { failures, layer } = recording()
    return Effect.gen(function* () {
      let runs = 0
      const cached = Effect.sync(() => (runs++, "bang")).pipe(Cache.withCache(BoomKey(1)))
      expect(yield* cached).toBe("bang")
      expect(runs).toBe(1)
      expect(failures.map(({ kind }) => kind)).toEqual(["Codec"])
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false, layer)))
  })

  it.effect("a tag that is not usable, learnt by a lookup, does not fail the lookup", () =>
    Effect.gen(function* () {
      const lookup = Effect.as(Cache.addTags(""), "v")
      expect(yield* Effect.exit(lookup.pipe(Cache.withCache(Key(1))))).toEqual(Exit.succeed("v"))
    }).pipe(Effect.provide(cacheOver(() => ({}), {}, false)))
  )

  it.effect("a reporter that throws is nobody's failure", () =>
    Effect.gen(function* () {
      expect(yield* Effect.exit(Effect.succeed("v").pipe(Cache.withCache(Key(1))))).toEqual(Exit.succeed("v"))
    }).pipe(
      Effect.provide(
        cacheOver(
          () => ({ read: () => Effect.fail(down) }),
          {},
          true,
          Layer.succeed(Reporter.Reporter, {
            report: () => {
              throw new Error("no")
            }
          })
        )
      )
    )
  )

  it.effect("a waitUntil that throws is nobody's failure", () =>
    Effect.gen(function* () {
      expect(yield* Effect.exit(Effect.succeed("v").pipe(Cache.withCache(Key(1))))).toEqual(Exit.succeed("v"))
    }).pipe(
      Effect.provide(
        cacheOver(
          () => ({}),
          {
            waitUntil: () => {
              throw new Error("outside of a request")
            }
          },
          false
        )
      )
    )
  )

  it.effect("a store that never answers costs a call no more than the budget for all its store work", () =>
    Effect.gen(function* () {
      const cached = Effect.succeed("v").pipe(Cache.withCache(Key(1)))
      expect(yield* soon(cached, 401)).toEqual(Exit.succeed("v"))
    }).pipe(Effect.provide(cacheOver(() => ({ read: () => Effect.never, lease: () => Effect.never }))))
  )

  it.effect("a local store that fails, recovers and fails again is reported twice", () => {
    const { failures, layer } = recording()
    let reads = 0
    return Effect.gen(function* () {
      const cached = Effect.succeed("v").pipe(Cache.withCache(Key(1)))
      yield* Effect.repeatN(cached, 2)
      expect(failures.length).toBe(2)
    }).pipe(
      Effect.provide(
        cacheOver(
          (memory) => ({ read: (r) => (reads++ % 2 === 0 ? Effect.fail(down) : memory.read(r)) }),
          {},
          false,
          layer
        )
      )
    )
  })
})
