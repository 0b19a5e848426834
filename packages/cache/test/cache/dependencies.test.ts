/** Cached values that are computed from other cached values: what ends one ends the other. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type CachePolicy, Repository, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Faults } from "@larder/testing"
import { arrangements, faulty, oneOfSeveral, plain, recordEvents, recording, Reports } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const keyOf = (prefix: string) =>
  CacheKey.make({
    prefix,
    key: (id: number) => ["id", id],
    schema: Schema.String,
    tags: (id) => [`${prefix}:${id}`]
  })
const Inner = keyOf("inner")
const Middle = keyOf("middle")
const Outer = keyOf("outer")

const hour = { timeToLive: "1 hour", awaitWrite: true } as const

/** An outer value over an inner one, in every way in which a lookup can read another value. */
const chain = (policy: CachePolicy.CachePolicy<string> = hour, outerPolicy: CachePolicy.CachePolicy<string> = hour) =>
  Effect.gen(function* () {
    const source = yield* Source.make
    const inner = Effect.zipLeft(source.lookup, Cache.addTags("learnt")).pipe(Cache.withCache(Inner(1), policy))
    let runs = 0
    const over = <A, E>(read: Effect.Effect<A, E, Cache.Cache>) =>
      Effect.map(read, (value) => `${++runs}:${String(value)}`).pipe(Cache.withCache(Outer(1), outerPolicy))
    return { source, inner, outer: over(inner), over, runs: () => runs }
  })

/** A further instance over the store of the context. */
const another = (options: Cache.Options) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.map(
      Layer.build(Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), recording]))),
      Context.get(Cache.Cache)
    )
  )

const waysToEnd: ReadonlyArray<readonly [string, (cache: Cache.Cache["Type"]) => Effect.Effect<unknown, unknown>]> = [
  ["invalidating its key", (cache) => cache.invalidate(Inner(1))],
  ["invalidating a tag that it declares", (cache) => cache.invalidateTags("inner:1")],
  ["invalidating a tag that it learnt", (cache) => cache.invalidateTags("learnt")],
  ["clearing its prefix", (cache) => cache.clear({ prefix: "inner" })],
  ["clearing its scope", (cache) => cache.clear({ prefix: "inner", scope: "id" })],
  ["expiring its key", (cache) => cache.expire(Inner(1))],
  ["expiring a tag of it", (cache) => cache.expireTags("learnt")],
  ["setting it", (cache) => cache.set(Inner(1), "v1", hour)],
  ["refreshing it", (cache) => cache.refresh(Inner(1), Effect.succeed("v1"), hour)],
  ["writing it through", (cache) => cache.writeThrough(Inner(1), Effect.succeed("v1"), hour)]
]

for (const [tiers, options] of arrangements) {
  describe(`Cache / dependencies, ${tiers}`, () => {
    for (const [way, end] of waysToEnd) {
      it.effect(`${way} ends what was computed from it`, () =>
        Effect.gen(function* () {
          const { outer, source } = yield* chain()
          expect(yield* outer).toBe("1:v0")
          expect(yield* outer).toBe("1:v0")
          yield* source.change
          yield* end(yield* Cache.Cache)
          expect(yield* outer).toBe("2:v1")
        }).pipe(under(plain(options)))
      )

      it.scoped(`${way} on another instance ends it in the store`, () =>
        Effect.gen(function* () {
          const { outer, source } = yield* chain()
          const other = yield* another(options)
          yield* outer
          yield* source.change
          yield* end(other)
          expect(yield* Effect.provideService(outer, Cache.Cache, yield* another(options))).toBe("2:v1")
        }).pipe(under(oneOfSeveral(options)))
      )

      it.effect(`${way} while the outer lookup runs keeps its value from being answered afterwards`, () =>
        Effect.gen(function* () {
          const { inner, over, source } = yield* chain()
          const [begun, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
          const outer = over(
            inner.pipe(
              Effect.tap(() => Deferred.succeed(begun, undefined)),
              Effect.zipLeft(Deferred.await(gate))
            )
          )
          const early = yield* Effect.fork(outer)
          yield* Deferred.await(begun)
          yield* source.change
          yield* end(yield* Cache.Cache)
          const late = yield* Effect.fork(outer)
          yield* settle
          yield* Deferred.succeed(gate, undefined)
          expect(yield* Fiber.join(early)).toMatch(/:v0$/)
          expect(yield* Fiber.join(late)).toMatch(/:v1$/)
          yield* settle
          expect(yield* outer).toMatch(/:v1$/)
        }).pipe(under(plain(options)))
      )
    }

    const waysToRead: ReadonlyArray<
      readonly [
        string,
        (inner: Effect.Effect<string, Source.SourceDown, Cache.Cache>) => Effect.Effect<unknown, unknown, Cache.Cache>
      ]
    > = [
      ["was there", (inner) => inner],
      [
        "was looked up for it",
        (inner) =>
          Effect.zipRight(
            Effect.flatMap(Cache.Cache, (cache) => Effect.ignore(cache.invalidate(Inner(1)))),
            inner
          )
      ],
      ["is read by a fiber that it forks", (inner) => Effect.flatMap(Effect.fork(inner), Fiber.join)],
      [
        "is read twice at a time",
        (inner) => Effect.map(Effect.all([inner, inner], { concurrency: 2 }), ([value]) => value)
      ],
      [
        "was got by the explicit door",
        (inner) =>
          Effect.flatMap(Cache.Cache, (cache) =>
            Effect.flatMap(cache.get(Inner(1)), Option.match({ onNone: () => inner, onSome: Effect.succeed }))
          )
      ],
      [
        "came with a batch",
        (inner) =>
          Effect.flatMap(Cache.Cache, (cache) =>
            Effect.map(
              cache.getMany([1, 2], {
                key: Inner,
                lookup: (ids) => Effect.forEach(ids, (id) => (id === 1 ? inner : Effect.succeed("other"))),
                policy: hour
              }),
              ([value]) => value
            )
          )
      ]
    ]
    for (const [way, read] of waysToRead) {
      for (const warm of [true, false]) {
        it.effect(`a value that ${way}${warm ? "" : ", and was not there"}, ends it`, () =>
          Effect.gen(function* () {
            const { inner, over, source } = yield* chain()
            const outer = over(read(inner) as Effect.Effect<string, Source.SourceDown, Cache.Cache>)
            if (warm) yield* inner
            yield* outer
            const cache = yield* Cache.Cache
            if (way !== "was looked up for it") expect(yield* outer).toBe("1:v0")
            yield* source.change
            yield* cache.invalidate(Inner(1))
            expect(yield* outer).toMatch(/:v1$/)
            yield* source.change
            yield* cache.invalidateTags("learnt")
            expect(yield* outer).toMatch(/:v2$/)
          }).pipe(under(plain(options)))
        )
      }
    }

    it.effect("a method of a repository that reads another one ends with it", () =>
      Effect.gen(function* () {
        class Teams extends Context.Tag("test/Teams")<
          Teams,
          {
            readonly name: (id: number) => Effect.Effect<string>
            readonly rename: (id: number, name: string) => Effect.Effect<void>
          }
        >() {}
        class Pages extends Context.Tag("test/Pages")<
          Pages,
          { readonly page: (id: number) => Effect.Effect<string> }
        >() {}
        const names = new Map([[1, "one"]])
        const cache = Layer.succeed(Cache.Cache, yield* Cache.Cache)
        const teams = Repository.layerCached(Teams, {
          prefix: "teams",
          policy: hour,
          methods: {
            name: { key: (id) => ["id", id], schema: Schema.String },
            rename: { invalidates: (_result, id) => ({ entries: { name: [[id]] } }) }
          }
        }).pipe(
          Layer.provide(
            Layer.succeed(Teams, {
              name: (id) => Effect.sync(() => names.get(id)!),
              rename: (id, name) => Effect.sync(() => void names.set(id, name))
            })
          )
        )
        const pages = Repository.layerCached(Pages, {
          prefix: "pages",
          policy: hour,
          methods: { page: { key: (id) => ["id", id], schema: Schema.String } }
        }).pipe(
          Layer.provide(
            Layer.effect(
              Pages,
              Effect.map(Teams, (some) => ({ page: (id) => Effect.map(some.name(id), (name) => `page of ${name}`) }))
            )
          )
        )
        const live = Layer.provideMerge(pages, teams).pipe(Layer.provide(cache))
        yield* Effect.gen(function* () {
          const { page } = yield* Pages
          expect(yield* page(1)).toBe("page of one")
          yield* (yield* Teams).rename(1, "another")
          expect(yield* page(1)).toBe("page of another")
        }).pipe(Effect.provide(live))
      }).pipe(under(plain(options)))
    )

    it.effect("three deep, what ends the innermost ends all, and what ends the middle leaves the innermost", () =>
      Effect.gen(function* () {
        const { inner, over, source } = yield* chain()
        const middle = Effect.map(inner, (value) => `middle ${value}`).pipe(Cache.withCache(Middle(1), hour))
        const outer = over(middle)
        const cache = yield* Cache.Cache
        expect(yield* outer).toBe("1:middle v0")
        yield* source.change
        yield* cache.invalidate(Middle(1))
        expect(yield* outer).toBe("2:middle v0")
        yield* cache.invalidate(Inner(1))
        expect(yield* outer).toBe("3:middle v1")
        yield* source.change
        yield* cache.invalidateTags("learnt")
        expect(yield* outer).toBe("4:middle v2")
      }).pipe(under(plain(options)))
    )

    it.effect("one flight for several callers: it ends for all of them", () =>
      Effect.gen(function* () {
        const { outer, runs, source } = yield* chain()
        const held = yield* source.hold
        const callers = yield* Effect.fork(Effect.all([outer, outer, outer], { concurrency: "unbounded" }))
        yield* held.begun
        yield* held.answer
        expect(yield* Fiber.join(callers)).toEqual(["1:v0", "1:v0", "1:v0"])
        yield* settle
        yield* source.change
        yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1)))
        expect(yield* Effect.all([outer, outer], { concurrency: "unbounded" })).toEqual(["2:v1", "2:v1"])
        expect(runs()).toBe(2)
      }).pipe(under(plain(options)))
    )

    it.effect("a failure that is stored ends with what was read before it", () =>
      Effect.gen(function* () {
        const { inner } = yield* chain()
        let runs = 0
        const failures = { schema: Schema.Literal("empty"), timeToLive: "1 hour" } as const
        const outer = Effect.zipRight(
          Effect.orDie(inner),
          Effect.suspend(() => (runs++, Effect.fail("empty" as const)))
        ).pipe(Cache.withCache(Outer(1), { ...hour, failures }))
        yield* Effect.flip(outer)
        yield* Effect.flip(outer)
        expect(runs).toBe(1)
        yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1)))
        yield* Effect.flip(outer)
        expect(runs).toBe(2)
      }).pipe(under(plain(options)))
    )

    it.effect("a failure is stored for no longer than what was read before it", () =>
      Effect.gen(function* () {
        const { inner } = yield* chain({ timeToLive: "10 seconds", awaitWrite: true })
        let runs = 0
        const failures = { schema: Schema.Literal("empty"), timeToLive: "1 hour" } as const
        const outer = Effect.zipRight(
          Effect.orDie(inner),
          Effect.suspend(() => (runs++, Effect.fail("empty" as const)))
        ).pipe(Cache.withCache(Outer(1), { ...hour, failures }))
        yield* Effect.flip(outer)
        yield* advance(9_999)
        yield* Effect.flip(outer)
        expect(runs).toBe(1)
        yield* advance(1)
        yield* Effect.flip(outer)
        expect(runs).toBe(2)
      }).pipe(under(plain(options)))
    )

    it.effect("it is fresh no longer than what it was computed from", () =>
      Effect.gen(function* () {
        const { inner, outer, source } = yield* chain({ timeToLive: "10 seconds", awaitWrite: true })
        yield* inner
        yield* advance("6 seconds")
        expect(yield* outer).toBe("1:v0")
        yield* source.change
        yield* advance(3_999)
        expect(yield* outer).toBe("1:v0")
        yield* advance(1)
        expect(yield* outer).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.effect("nor longer than what that was computed from, three deep", () =>
      Effect.gen(function* () {
        const { inner, over, source } = yield* chain({ timeToLive: "10 seconds", awaitWrite: true })
        const outer = over(inner.pipe(Cache.withCache(Middle(1), hour)))
        yield* outer
        yield* source.change
        yield* advance("10 seconds")
        expect(yield* outer).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.effect("what was computed from a value that is not stored is not stored", () =>
      Effect.gen(function* () {
        const { outer } = yield* chain({ timeToLive: 0 })
        expect(yield* outer).toBe("1:v0")
        expect(yield* outer).toBe("2:v0")
      }).pipe(under(plain(options)))
    )

    for (const [window, policy] of [
      ["while it is refreshed", { timeToLive: "10 seconds", staleWhileRevalidate: "1 hour" }],
      ["because its lookup failed", { timeToLive: "10 seconds", staleIfError: "1 hour", errorBackoff: 0 }],
      [
        "because its lookup failed a while ago",
        { timeToLive: "10 seconds", staleIfError: "1 hour", errorBackoff: "1 hour" }
      ]
    ] as const) {
      it.effect(`what was computed from a value that was answered old, ${window}, is not stored`, () =>
        Effect.gen(function* () {
          const { inner, outer, source } = yield* chain({ ...policy, awaitWrite: true })
          yield* inner
          yield* advance("11 seconds")
          yield* source.setDown(true)
          yield* inner
          yield* settle
          expect(yield* outer).toBe("1:v0")
          yield* settle
          expect(yield* outer).toBe("2:v0")
        }).pipe(under(plain(options)))
      )
    }

    it.effect(
      "what was computed from a value that was marked stale is not stored, though its own time is not over",
      () =>
        Effect.gen(function* () {
          const { inner, outer, source } = yield* chain({ ...hour, staleWhileRevalidate: "1 hour", errorBackoff: 0 })
          yield* inner
          yield* source.setDown(true)
          yield* Effect.flatMap(Cache.Cache, (cache) => cache.expire(Inner(1)))
          expect(yield* outer).toBe("1:v0")
          yield* settle
          expect(yield* outer).toBe("2:v0")
        }).pipe(under(plain(options)))
    )

    it.effect("a lookup that fails stores nothing, and the next call computes it from what is there", () =>
      Effect.gen(function* () {
        const { inner, over } = yield* chain()
        let fails = true
        const outer = over(
          Effect.tap(inner, () => (fails ? Effect.fail(new Source.SourceDown({ run: 0 })) : Effect.void))
        )
        yield* Effect.flip(outer)
        fails = false
        expect(yield* outer).toBe("1:v0")
        expect(yield* outer).toBe("1:v0")
      }).pipe(under(plain(options)))
    )

    it.effect("switched off, it is on its own: what it read may end, and it stays for its own time", () =>
      Effect.gen(function* () {
        const brief = { timeToLive: "10 seconds", awaitWrite: true } as const
        const { outer, source } = yield* chain(brief, { ...hour, dependencies: false })
        yield* outer
        yield* source.change
        const cache = yield* Cache.Cache
        yield* cache.invalidate(Inner(1))
        yield* cache.invalidateTags("learnt", "inner:1")
        yield* advance("1 minute")
        expect(yield* outer).toBe("1:v0")
        yield* cache.invalidate(Outer(1))
        expect(yield* outer).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.effect("switched off in the middle, the outer one ends with the middle one and with nothing below", () =>
      Effect.gen(function* () {
        const { inner, over, source } = yield* chain()
        const outer = over(inner.pipe(Cache.withCache(Middle(1), { ...hour, dependencies: false })))
        yield* outer
        yield* source.change
        const cache = yield* Cache.Cache
        yield* cache.invalidate(Inner(1))
        expect(yield* outer).toBe("1:v0")
        yield* cache.invalidate(Middle(1))
        expect(yield* outer).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.effect("a value that was read where the cache is off ends it all the same", () =>
      Effect.gen(function* () {
        const { inner, over, source } = yield* chain()
        const outer = over(Cache.withoutCache(inner))
        yield* outer
        expect(yield* outer).toBe("1:v0")
        yield* source.change
        yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1)))
        expect(yield* outer).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.effect("two that read each other end with each other", () =>
      Effect.gen(function* () {
        let version = 0
        const one: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
          Effect.map(two, (value) => `one ${version}, ${value}`)
        ).pipe(Cache.withCache(Outer(1), hour))
        const two: Effect.Effect<string, never, Cache.Cache> = Effect.suspend(() =>
          version > 5 ? one : Effect.succeed(`two ${version}`)
        ).pipe(Cache.withCache(Inner(1), hour))
        const cache = yield* Cache.Cache
        expect(yield* one).toBe("one 0, two 0")
        version = 1
        yield* cache.invalidate(Inner(1))
        expect(yield* one).toBe("one 1, two 1")
        yield* cache.invalidate(Outer(1))
        expect(yield* one).toBe("one 1, two 1")
      }).pipe(under(plain(options)))
    )

    it.effect("what was computed from more than a value can carry is answered, not stored, and told", () =>
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const ids = Array.from({ length: 1_001 }, (_, id) => id)
        let runs = 0
        const outer = Effect.gen(function* () {
          yield* cache.getMany(ids, { key: Inner, lookup: (some) => Effect.succeed(some.map(String)), policy: hour })
          return `run ${++runs}`
        }).pipe(Cache.withCache(Outer(1), hour))
        expect(yield* outer).toBe("run 1")
        expect(yield* outer).toBe("run 2")
        const { lines } = yield* Reports
        expect(yield* lines).toContain("Policy tags swallowed")
      }).pipe(under(plain(options)))
    )

    it.scoped("what another instance invalidated is not brought back by a value that it has not heard of here", () =>
      Effect.gen(function* () {
        const { inner, outer, source } = yield* chain()
        const other = yield* another(options)
        // Held in memory here, where there is one, and ended in the store by somebody else.
        yield* inner
        yield* source.change
        yield* other.invalidate(Inner(1))
        yield* outer
        expect(yield* Effect.provideService(outer, Cache.Cache, yield* another(options))).toMatch(/:v1$/)
      }).pipe(under(plain(options)))
    )

    for (const name of ["key", "declared tag", "learnt tag", "prefix"] as const) {
      it.scoped(`nor by a flight that began before the ${name} of it was invalidated elsewhere`, () =>
        Effect.gen(function* () {
          const { inner, outer, runs, source } = yield* chain()
          const other = yield* another(options)
          yield* inner
          yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1)))
          // The epochs of all names are there, so that only what they say can refuse the fill.
          const held = yield* source.hold
          const early = yield* Effect.fork(inner)
          yield* held.begun
          yield* source.change
          if (name === "key") yield* other.invalidate(Inner(1))
          else if (name === "prefix") yield* other.clear({ prefix: "inner" })
          else yield* other.invalidateTags(name === "learnt tag" ? "learnt" : "inner:1")
          // The lease of this one is younger than the invalidation, of which nothing was heard here.
          const late = yield* Effect.fork(outer)
          yield* settle
          yield* held.answer
          expect(yield* Fiber.join(early)).toBe("v0")
          expect(yield* Fiber.join(late)).toBe("1:v0")
          yield* settle
          expect(yield* Effect.provideService(outer, Cache.Cache, yield* another(options))).toBe("2:v1")
          expect(runs()).toBe(2)
        }).pipe(under(plain(options)))
      )
    }

    it.scoped("nor where the outer one declares the tag as well", () =>
      Effect.gen(function* () {
        const { inner, outer, source } = yield* chain(hour, { ...hour, tags: ["inner:1"] })
        const other = yield* another(options)
        const held = yield* source.hold
        const early = yield* Effect.fork(inner)
        yield* held.begun
        yield* source.change
        yield* other.invalidateTags("inner:1")
        const late = yield* Effect.fork(outer)
        yield* settle
        yield* held.answer
        yield* Fiber.join(early)
        expect(yield* Fiber.join(late)).toBe("1:v0")
        yield* settle
        expect(yield* Effect.provideService(outer, Cache.Cache, yield* another(options))).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.scoped("nor by a flight of which nobody can say how old it is", () =>
      Effect.gen(function* () {
        const { inner, outer, source } = yield* chain()
        const other = yield* another(options)
        const held = yield* source.hold
        const early = yield* Effect.fork(Cache.readOnly(inner))
        yield* held.begun
        yield* source.change
        yield* other.invalidate(Inner(1))
        const late = yield* Effect.fork(outer)
        yield* settle
        yield* held.answer
        yield* Fiber.join(early)
        expect(yield* Fiber.join(late)).toBe("1:v0")
        yield* settle
        expect(yield* Effect.provideService(outer, Cache.Cache, yield* another(options))).toBe("2:v1")
      }).pipe(under(plain(options)))
    )

    it.scoped("a flight that was joined, and that nothing has overtaken, does not keep it from being stored", () =>
      Effect.gen(function* () {
        const { inner, outer, source } = yield* chain()
        const events = yield* recordEvents
        const held = yield* source.hold
        const early = yield* Effect.fork(inner)
        yield* held.begun
        const late = yield* Effect.fork(outer)
        yield* settle
        yield* held.answer
        yield* Fiber.join(early)
        expect(yield* Fiber.join(late)).toBe("1:v0")
        yield* settle
        expect(yield* outer).toBe("1:v0")
        expect(yield* events.tags).toContain("Joined")
      }).pipe(under(plain(options)))
    )

    it.effect("an invalidation that the store has not acknowledged hides what was computed from its key", () =>
      Effect.gen(function* () {
        const { outer, source } = yield* chain()
        const faults = yield* Faults.Faults
        yield* outer
        yield* faults.set({ fault: Faults.fail(), on: ["invalidate"], span: "onwards" })
        yield* source.change
        yield* Effect.flip(Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1))))
        // In the store it still stands, and is fresh.
        yield* advance("10 seconds")
        expect(yield* outer).toBe("2:v1")
        expect(yield* outer).toBe("3:v1")
        yield* faults.clear
        yield* advance("1 minute")
        yield* outer
        expect(yield* outer).toBe("4:v1")
      }).pipe(under(faulty(options)))
    )

    it.effect("a value that was looked up where no flight had room ends it, by every name, and by its time", () =>
      Effect.gen(function* () {
        const { inner, over, source } = yield* chain({ timeToLive: "10 seconds", tags: () => ["valued"] })
        const outer = over(inner)
        const cache = yield* Cache.Cache
        let version = 0
        for (const end of [
          cache.invalidate(Inner(1)),
          cache.invalidateTags("inner:1"),
          cache.invalidateTags("learnt"),
          cache.invalidateTags("valued"),
          advance("10 seconds")
        ]) {
          expect(yield* outer).toMatch(new RegExp(`:v${version}$`))
          expect(yield* outer).toMatch(new RegExp(`:v${version}$`))
          yield* source.change
          version += 1
          yield* end
          expect(yield* outer).toMatch(new RegExp(`:v${version}$`))
        }
        expect(source.runs()).toBe(6)
      }).pipe(under(plain({ ...options, maximumFlights: 1 })))
    )

    it.effect("to refresh all that it reads answers what is there now, and never what was", () =>
      Effect.gen(function* () {
        const { outer, source } = yield* chain()
        yield* outer
        yield* source.change
        expect(yield* Cache.withRefresh(outer)).toBe("2:v1")
        expect(yield* outer).toMatch(/:v1$/)
        yield* source.change
        yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidate(Inner(1)))
        expect(yield* outer).toMatch(/:v2$/)
      }).pipe(under(plain(options)))
    )
  })
}
