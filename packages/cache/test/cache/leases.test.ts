import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type Store } from "@larder/cache"
import { StoreError } from "@larder/cache/CacheError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { cacheOver, type Service } from "../support/storeOver.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const wishFor = (key: CacheKey.CacheKey<any>, shape: string) => ({
  key: key.id,
  shape,
  tags: key.tags,
  leaseMillis: 10_000,
  retainMillis: 60_000
})

describe("leases", () => {
  it.effect("a batch that is interrupted while it asks again gives back the leases it has", () => {
    let shape = ""
    return Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const asksAgain = yield* Deferred.make<void>()
      gates.asksAgain = asksAgain
      const fiber = yield* Effect.fork(
        cache.getMany([1, 2], { key: Key, lookup: (ids) => Effect.succeed(ids.map(String)) })
      )
      yield* Deferred.await(asksAgain)
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("2 minutes")
      const [answer] = yield* gates.memory!.lease([wishFor(Key(1), shape)])
      expect(answer!._tag).toBe("Granted")
    }).pipe(
      Effect.provide(
        cacheOver(
          (memory) => (
            (gates.memory = memory),
            {
              lease: (requests) =>
                Effect.suspend(() => {
                  shape = requests[0]!.shape
                  if (requests.length === 2) {
                    // The second key was found, and what was found is of no use.
                    return Effect.map(memory.lease([requests[0]!]), ([first]): ReadonlyArray<Store.LeaseAnswer> => [
                      first!,
                      {
                        _tag: "Found" as const,
                        answer: {
                          found: { _tag: "Malformed" as const, id: "x" },
                          epochs: { counter: undefined, key: undefined, tags: new Map() }
                        }
                      }
                    ])
                  }
                  return gates.asksAgain === undefined
                    ? memory.lease(requests)
                    : Effect.zipRight(Deferred.succeed(gates.asksAgain, undefined), Effect.never)
                })
            }
          )
        )
      )
    )
  })

  it.effect("a fill that fails does not make the next caller wait for a lease that nobody holds", () => {
    let fills = 0
    return Effect.gen(function* () {
      const cached = Effect.succeed("v").pipe(Cache.withCache(Key(1)))
      yield* cached
      yield* TestClock.adjust(1)
      const next = yield* Effect.fork(cached)
      yield* TestClock.adjust(1)
      expect(yield* Fiber.poll(next)).toMatchObject({ _tag: "Some" })
    }).pipe(
      Effect.provide(
        cacheOver((memory) => ({
          fill: (requests) =>
            fills++ === 0
              ? Effect.fail(new StoreError({ store: "over", operation: "fill", reason: "Unavailable", detail: "" }))
              : memory.fill(requests)
        }))
      )
    )
  })

  it.effect("with awaitWrite, a caller that is interrupted during the fill leaves no lease behind", () => {
    let shape = ""
    return Effect.gen(function* () {
      const filling = yield* Deferred.make<void>()
      gates.filling = filling
      const fiber = yield* Effect.fork(Effect.succeed("v").pipe(Cache.withCache(Key(1), { awaitWrite: true })))
      yield* Deferred.await(filling)
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 second")
      const [answer] = yield* gates.memory!.lease([wishFor(Key(1), shape)])
      expect(answer!._tag).toBe("Granted")
    }).pipe(
      Effect.provide(
        cacheOver(
          (memory) => (
            (gates.memory = memory),
            {
              lease: (requests) => ((shape = requests[0]!.shape), memory.lease(requests)),
              fill: () => Effect.zipRight(Deferred.succeed(gates.filling!, undefined), Effect.never)
            }
          )
        )
      )
    )
  })

  it.effect("a caller that is interrupted while the store grants its lease leaves none behind", () => {
    let shape = ""
    return Effect.gen(function* () {
      const granted = yield* Deferred.make<void>()
      gates.filling = granted
      const fiber = yield* Effect.fork(Effect.succeed("v").pipe(Cache.withCache(Key(1))))
      yield* Deferred.await(granted)
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 second")
      const [answer] = yield* gates.memory!.lease([wishFor(Key(1), shape)])
      expect(answer!._tag).toBe("Granted")
    }).pipe(
      Effect.provide(
        cacheOver(
          (memory) => (
            (gates.memory = memory),
            {
              lease: (requests) => (
                (shape = requests[0]!.shape),
                Effect.tap(memory.lease(requests), () =>
                  Effect.zipRight(Deferred.succeed(gates.filling!, undefined), Effect.sleep("50 millis"))
                )
              )
            }
          )
        )
      )
    )
  })
})

const gates: { memory?: Service; asksAgain?: Deferred.Deferred<void>; filling?: Deferred.Deferred<void> } = {}
