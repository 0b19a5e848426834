/** Caches over one store in memory, as several processes over one Redis: lookups that take longer than a lease. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, Reporter, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { advance, inVirtualTime } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })

type Service = Context.Tag.Service<Store.Store>

/** Three caches; the first one's way to the store may be changed. */
const three = (change: (memory: Service) => Partial<Service>, options: Cache.Options) =>
  Effect.gen(function* () {
    const memory = Context.get(yield* Layer.build(Store.layerMemory), Store.Store)
    const over = (store: Service) =>
      Effect.map(
        Layer.build(
          Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), Reporter.layerNoop]))
        ),
        (built) => Context.get(built, Cache.Cache)
      )
    const first = yield* over({ ...memory, ...change(memory), name: "changed", remote: true })
    return [first, yield* over({ ...memory, remote: true }), yield* over({ ...memory, remote: true })] as const
  })

/** A lookup of 88 seconds that counts its runs. */
const slow = () => {
  const runs = { count: 0 }
  const lookup = Effect.suspend(() => Effect.delay(Effect.succeed(`v${++runs.count}`), "88 seconds"))
  return { runs, lookup }
}

/** The answer of a fiber that has ended by now: time stands still while somebody waits for one that has not. */
const ended = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.flatMap(Effect.flatten(Fiber.poll(fiber)), (exit) => exit)

describe("Cache / a lookup that takes longer than its lease", () => {
  it.scoped("keeps its lease, by one renewal each third of it, and stores its value", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const renewed: Array<ReadonlyArray<string>> = []
        const [first, second] = yield* three(
          (memory) => ({
            renew: (leases, millis) =>
              Effect.tap(memory.renew(leases, millis), () =>
                Effect.sync(() => void renewed.push(leases.map(({ key }) => key)))
              )
          }),
          { lease: "10 seconds", leaseWait: "3 minutes", storeBudget: "3 minutes" }
        )
        const { lookup, runs } = slow()
        const call = yield* Effect.fork(first.getOrSet(Key(1), lookup))
        yield* advance("1 second")
        // Somebody else waits all the while, and gets what the first one stored.
        const other = yield* Effect.fork(second.getOrSet(Key(1), lookup))
        yield* advance("86 seconds")
        expect(renewed).toEqual(Array.from({ length: 26 }, () => [Key(1).id]))
        yield* advance("2 seconds")
        expect([yield* ended(call), yield* ended(other)]).toEqual(["v1", "v1"])
        expect(runs.count).toBe(1)
        yield* advance("1 minute")
        expect(renewed.length).toBe(26)
      })
    )
  )

  it.scoped(
    "is not given the key back by renewals after somebody invalidated it: its value is answered, not stored",
    () =>
      inVirtualTime(
        Effect.gen(function* () {
          const [first, second] = yield* three(() => ({}), { lease: "10 seconds" })
          const { lookup } = slow()
          const call = yield* Effect.fork(first.getOrSet(Key(1), lookup))
          yield* advance("45 seconds")
          yield* second.invalidate(Key(1))
          yield* advance("1 minute")
          expect(yield* ended(call)).toBe("v1")
          yield* advance("1 second")
          expect(yield* second.getOrSet(Key(1), Effect.succeed("after"))).toBe("after")
        })
      )
  )

  it.scoped(
    "whose renewals do not arrive loses its lease: another one looks up, and the late value is not stored",
    () =>
      inVirtualTime(
        Effect.gen(function* () {
          const [first, second] = yield* three(() => ({ renew: () => Effect.never }), { lease: "10 seconds" })
          const { lookup } = slow()
          const call = yield* Effect.fork(first.getOrSet(Key(1), lookup))
          yield* advance("11 seconds")
          expect(yield* second.getOrSet(Key(1), Effect.succeed("taken over"))).toBe("taken over")
          yield* advance("2 minutes")
          expect(yield* ended(call)).toBe("v1")
          yield* advance("1 second")
          expect(yield* second.getOrSet(Key(1), Effect.succeed("none"))).toBe("taken over")
        })
      )
  )

  it.scoped("of two that wait for a holder which is gone one looks up, when the lease has ended", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const gone = yield* Deferred.make<void>()
        const [first, second, third] = yield* three(() => ({ renew: () => Effect.never, fill: () => Effect.never }), {
          lease: "10 seconds",
          leaseWait: "3 minutes",
          storeBudget: "3 minutes"
        })
        yield* Effect.fork(first.getOrSet(Key(1), Effect.as(Deferred.await(gone), "never")))
        yield* advance("1 second")
        const { lookup, runs } = slow()
        const many = yield* Effect.fork(
          Effect.all([second.getOrSet(Key(1), lookup), third.getOrSet(Key(1), lookup)], { concurrency: "unbounded" })
        )
        yield* advance("8 seconds")
        expect(runs.count).toBe(0)
        yield* advance("3 seconds")
        expect(runs.count).toBe(1)
        yield* advance("90 seconds")
        expect(yield* ended(many)).toEqual(["v1", "v1"])
      })
    )
  )
})
