import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheError, CacheKey, Repository } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { faulty, Reports } from "./support/caches.js"

class Down extends Schema.TaggedError<Down>()("Down", {}) {}

class Flags extends Context.Tag("app/Flags")<
  Flags,
  {
    readonly isOn: (slug: string) => Effect.Effect<boolean, Down>
    readonly isOnFor: (team: number, slug: string) => Effect.Effect<boolean, Down>
    readonly set: (slug: string, on: boolean) => Effect.Effect<string, Down>
    readonly all: Effect.Effect<ReadonlyArray<string>, Down>
    readonly reset: Effect.Effect<void, Down>
    readonly name: string
    readonly describe: (slug: string) => string
  }
>() {}

/** A source of flags that counts its queries and fails on demand. */
const source = () => {
  const rows = new Map([["dark", true]])
  let queries = 0
  let down: Effect.Effect<never, Down> | undefined
  const query = <A>(answer: () => A): Effect.Effect<A, Down> =>
    Effect.suspend(() => (queries++, down ?? Effect.sync(answer)))
  const service: Context.Tag.Service<Flags> = {
    isOn: (slug) => query(() => rows.get(slug) ?? false),
    isOnFor: (_team, slug) => query(() => rows.get(slug) ?? false),
    set: (slug, on) =>
      Effect.suspend(() => {
        rows.set(slug, on)
        return down ?? Effect.succeed(`${slug} is ${on}`)
      }),
    all: query(() => [...rows.keys()]),
    reset: Effect.sync(() => rows.clear()),
    name: "flags",
    describe: (slug) => `the flag ${slug}`
  }
  return {
    service,
    rows,
    layer: Layer.succeed(Flags, service),
    queries: () => queries,
    ends: (how: Effect.Effect<never, Down> | undefined) => void (down = how)
  }
}

const reads = {
  isOn: { key: (slug: string): CacheKey.Parts => ["global", slug], schema: Schema.Boolean },
  isOnFor: {
    key: (team: number, slug: string): CacheKey.Parts => ["team", team, slug],
    schema: Schema.Boolean,
    tags: (team: number) => [`team:${team}`]
  },
  all: { key: (): CacheKey.Parts => ["all"], schema: Schema.Array(Schema.String) },
  reset: "uncached"
} as const

const setInvalidatesEntries = {
  ...reads,
  set: { invalidates: (_result: Option.Option<string>, slug: string) => ({ entries: { isOn: [[slug] as [string]] } }) }
} as const

const cachedFlags = Repository.layerCached(Flags, { prefix: "flags", methods: setInvalidatesEntries })

const provided = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  layer: Layer.Layer<Flags, never, Flags | Cache.Cache>,
  live: Layer.Layer<Flags>
) => Effect.provide(program, layer.pipe(Layer.provide(live), Layer.provideMerge(Cache.layerTest)))

const reported = Effect.flatMap(Cache.Recorded, ({ failures }) =>
  Effect.map(failures, (all) =>
    all.map(({ cache, kind, operation, surfaced }) => `${cache}: ${kind} ${operation}${surfaced ? ", surfaced" : ""}`)
  )
)

const settle = Effect.yieldNow().pipe(Effect.repeatN(50))

describe("Repository / queries", () => {
  it.effect("a query is answered from the cache until a mutation names it", () => {
    const { layer, queries } = source()
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        strictEqual(yield* flags.isOn("dark"), true)
        strictEqual(yield* flags.isOn("dark"), true)
        strictEqual(queries(), 1)
        strictEqual(yield* flags.set("dark", false), "dark is false")
        strictEqual(yield* flags.isOn("dark"), false)
        strictEqual(queries(), 2)
      }),
      cachedFlags,
      layer
    )
  })

  it.effect("a member that is an effect is cached as a function is, and other arguments are other keys", () => {
    const { layer, queries } = source()
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        deepStrictEqual(yield* flags.all, ["dark"])
        deepStrictEqual(yield* flags.all, ["dark"])
        strictEqual(queries(), 1)
        strictEqual(yield* flags.isOn("other"), false)
        strictEqual(yield* flags.isOnFor(1, "dark"), true)
        strictEqual(yield* flags.isOnFor(2, "dark"), true)
        strictEqual(queries(), 4)
      }),
      cachedFlags,
      layer
    )
  })

  it.effect("an uncached member reaches the repository each time", () => {
    const { layer, queries } = source()
    const plan = { prefix: "flags", methods: { ...setInvalidatesEntries, isOn: "uncached" } } as const
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        yield* flags.isOn("dark")
        yield* flags.isOn("dark")
        strictEqual(queries(), 2)
      }),
      Repository.layerCached(Flags, plan),
      layer
    )
  })

  it.effect("a query's own policy wins over that of the plan, field by field", () => {
    const { layer, queries } = source()
    const plan = Repository.layerCached(Flags, {
      prefix: "flags",
      policy: { timeToLive: "1 minute" },
      methods: { ...setInvalidatesEntries, all: { ...setInvalidatesEntries.all, timeToLive: "1 second" } }
    })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        yield* flags.isOn("dark")
        yield* flags.all
        yield* TestClock.adjust("2 seconds")
        yield* flags.isOn("dark")
        strictEqual(queries(), 2)
        yield* flags.all
        strictEqual(queries(), 3)
        yield* TestClock.adjust("1 minute")
        yield* flags.isOn("dark")
        strictEqual(queries(), 4)
      }),
      plan,
      layer
    )
  })

  it.effect("the key is that of the plan: prefix, version and parts", () => {
    const { layer } = source()
    const plan = Repository.layerCached(Flags, { prefix: "flags", version: 3, methods: setInvalidatesEntries })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        yield* flags.isOnFor(7, "dark")
        const events = yield* Effect.flatMap(Cache.Recorded, (recorded) => recorded.events)
        deepStrictEqual(events[0], { _tag: "Miss", cache: "flags", key: "V3.flags.team.7.dark" })
      }),
      plan,
      layer
    )
  })

  it.effect("a tag of a query drops what carries it", () => {
    const { layer, queries } = source()
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        const cache = yield* Cache.Cache
        yield* flags.isOnFor(1, "dark")
        yield* flags.isOnFor(2, "dark")
        yield* cache.invalidateTags("team:1")
        yield* flags.isOnFor(2, "dark")
        strictEqual(queries(), 2)
        yield* flags.isOnFor(1, "dark")
        strictEqual(queries(), 3)
      }),
      cachedFlags,
      layer
    )
  })

  it.effect("a failing lookup surfaces as it is, and is reported once for all who wait", () => {
    const { layer, ends } = source()
    ends(Effect.zipRight(Effect.yieldNow(), Effect.fail(new Down())))
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        const ten = Effect.all(
          Array.from({ length: 10 }, () => Effect.exit(flags.isOn("dark"))),
          { concurrency: "unbounded" }
        )
        for (const exit of yield* ten) deepStrictEqual(exit, Exit.fail(new Down()))
        deepStrictEqual(yield* reported, ["flags: Lookup lookup, surfaced"])
      }),
      cachedFlags,
      layer
    )
  })
})

describe("Repository / members", () => {
  class Base {
    #count = 0
    step = 1
    readonly fixed = Effect.sync(() => this.#next())
    #next() {
      this.#count += this.step
      return this.#count
    }
    byMethod(_id: number): Effect.Effect<number> {
      return Effect.sync(() => this.#next())
    }
    get byGetter(): Effect.Effect<number> {
      const { step } = this
      return Effect.sync(() => this.#next() * step)
    }
    get count(): number {
      return this.#count
    }
    plain(suffix: string): string {
      return `${this.#count}${suffix}`
    }
    both(id: number): Effect.Effect<number> {
      return this.byMethod(id)
    }
  }
  class Counters extends Context.Tag("app/Counters")<Counters, Base>() {}
  const plan = {
    prefix: "counters",
    methods: {
      fixed: { key: (): CacheKey.Parts => ["fixed"], schema: Schema.Number },
      byMethod: { key: (id: number): CacheKey.Parts => ["method", id], schema: Schema.Number },
      byGetter: { key: (): CacheKey.Parts => ["getter"], schema: Schema.Number },
      both: "uncached"
    }
  } as const

  const using = <A, E>(service: Base, use: (counters: Base) => Effect.Effect<A, E>) =>
    Effect.flatMap(Counters, use).pipe(
      Effect.provide(
        Repository.layerCached(Counters, plan).pipe(
          Layer.provide(Layer.succeed(Counters, service)),
          Layer.provide(Cache.layerTest)
        )
      )
    )

  it.effect.each(["loose", "frozen", "sealed"])(
    "methods and getters of a prototype see their own this and private fields: %s",
    (kind) => {
      const inner = new Base()
      if (kind === "frozen") Object.freeze(inner)
      if (kind === "sealed") Object.seal(inner)
      return using(inner, (counters) =>
        Effect.gen(function* () {
          strictEqual(yield* counters.byMethod(1), 1)
          strictEqual(yield* counters.byMethod(1), 1)
          strictEqual(yield* counters.byMethod(2), 2)
          strictEqual(yield* counters.byGetter, 3)
          strictEqual(yield* counters.byGetter, 3)
          strictEqual(yield* counters.fixed, 4)
          strictEqual(yield* counters.fixed, 4)
          strictEqual(counters.count, 4)
          strictEqual(counters.plain("!"), "4!")
        })
      )
    }
  )

  it.effect("a method that is taken off its service still works", () =>
    using(new Base(), ({ byMethod, plain }) =>
      Effect.gen(function* () {
        strictEqual(yield* byMethod(1), 1)
        strictEqual(yield* byMethod(1), 1)
        strictEqual(plain("?"), "1?")
      })
    )
  )

  it.effect("a method that calls another of its own calls the one that is not cached", () =>
    using(new Base(), (counters) =>
      Effect.gen(function* () {
        yield* counters.byMethod(1)
        strictEqual(yield* counters.both(1), 2)
        strictEqual(yield* counters.both(1), 3)
        strictEqual(yield* counters.byMethod(1), 1)
      })
    )
  )

  it.effect("a member has one identity, and the service is still an instance of its class", () =>
    using(new Base(), (counters) =>
      Effect.gen(function* () {
        strictEqual(counters.byMethod, counters.byMethod)
        strictEqual(counters.byGetter, counters.byGetter)
        expect(counters).toBeInstanceOf(Base)
      })
    )
  )

  it.effect("what is written to the service is the service's own", () =>
    Effect.suspend(() => {
      const inner = new Base()
      return using(inner, (counters) => {
        counters.step = 10
        strictEqual(inner.step, 10)
        return Effect.map(counters.byMethod(1), (count) => strictEqual(count, 10))
      })
    })
  )

  it.effect("members of other kinds pass through, and a copy of the service is cached too", () => {
    const { layer, queries } = source()
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        strictEqual(flags.name, "flags")
        strictEqual(flags.describe("dark"), "the flag dark")
        strictEqual("isOn" in flags && !("isOm" in flags), true)
        deepStrictEqual(Object.keys(flags), ["isOn", "isOnFor", "set", "all", "reset", "name", "describe"])
        const copy = { ...flags }
        yield* copy.isOn("dark")
        yield* copy.isOn("dark")
        strictEqual(queries(), 1)
        strictEqual(copy.name, "flags")
      }),
      cachedFlags,
      layer
    )
  })
})

describe("Repository / mutations", () => {
  const endings: Record<string, Effect.Effect<never, Down>> = {
    fails: Effect.fail(new Down()),
    dies: Effect.die("bug"),
    "is interrupted": Effect.interrupt
  }

  it.effect.each(Object.keys(endings))(
    "a mutation that %s invalidates what its arguments name, and ends as it did",
    (way) => {
      const { layer, ends, queries } = source()
      const seen: Array<Option.Option<string>> = []
      const plan = Repository.layerCached(Flags, {
        prefix: "flags",
        methods: {
          ...reads,
          set: {
            invalidates: (result, slug) => {
              seen.push(result)
              return { entries: { isOn: [[slug]] } }
            }
          }
        }
      })
      return provided(
        Effect.gen(function* () {
          const flags = yield* Flags
          yield* flags.isOn("dark")
          ends(endings[way])
          const exit = yield* Effect.exit(flags.set("dark", false))
          ends(undefined)
          deepStrictEqual(exit, yield* Effect.exit(endings[way]!))
          strictEqual(yield* flags.isOn("dark"), false)
          strictEqual(queries(), 2)
          deepStrictEqual(seen, [Option.none()])
          // An interruption is nobody's failure.
          deepStrictEqual(yield* reported, way === "is interrupted" ? [] : ["flags: Lookup mutation, surfaced"])
        }),
        plan,
        layer
      )
    }
  )

  it.effect("a mutation that is interrupted from outside while it writes invalidates before it lets go", () => {
    const { service, queries, rows } = source()
    return Effect.gen(function* () {
      const wrote = yield* Deferred.make<void>()
      const live = Layer.succeed(Flags, {
        ...service,
        set: (slug, on) =>
          Effect.sync(() => void rows.set(slug, on)).pipe(
            Effect.zipRight(Deferred.succeed(wrote, undefined)),
            Effect.zipRight(Effect.never)
          )
      })
      yield* provided(
        Effect.gen(function* () {
          const flags = yield* Flags
          yield* flags.isOn("dark")
          const fiber = yield* Effect.fork(flags.set("dark", false))
          yield* Deferred.await(wrote)
          strictEqual(Exit.isInterrupted(yield* Fiber.interrupt(fiber)), true)
          strictEqual(yield* flags.isOn("dark"), false)
          strictEqual(queries(), 2)
        }),
        cachedFlags,
        live
      )
    })
  })

  it.effect("its invalidation is not interrupted while the store works", () => {
    const { layer, queries } = source()
    return Effect.gen(function* () {
      const flags = yield* Flags
      const faults = yield* Faults.Faults
      yield* flags.isOn("dark")
      yield* settle
      yield* faults.set({ fault: Faults.delay(100), on: "invalidate" })
      const fiber = yield* Effect.fork(flags.set("dark", false))
      yield* settle
      strictEqual((yield* faults.calls).at(-1), "invalidate")
      const leaving = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* settle
      strictEqual(Option.isNone(yield* Fiber.poll(leaving)), true)
      yield* TestClock.adjust(100)
      yield* Fiber.join(leaving)
      strictEqual(yield* flags.isOn("dark"), false)
      strictEqual(queries(), 2)
      deepStrictEqual(yield* Effect.flatMap(Reports, ({ lines }) => lines), [])
    }).pipe(Effect.provide(cachedFlags.pipe(Layer.provide(layer), Layer.provideMerge(faulty()))))
  })

  it.effect("a store that does not acknowledge the invalidation is not the caller's failure", () => {
    const { layer, queries } = source()
    return Effect.gen(function* () {
      const flags = yield* Flags
      const faults = yield* Faults.Faults
      yield* flags.isOn("dark")
      yield* settle
      yield* faults.set({ fault: Faults.fail(), on: "invalidate", span: "onwards" })
      strictEqual(yield* flags.set("dark", false), "dark is false")
      strictEqual(yield* flags.isOn("dark"), false)
      strictEqual(queries(), 2)
      deepStrictEqual(yield* Effect.flatMap(Reports, ({ lines }) => lines), ["Store invalidate swallowed"])
    }).pipe(Effect.provide(cachedFlags.pipe(Layer.provide(layer), Layer.provideMerge(faulty()))))
  })

  it.effect("a mutation that is an effect, and one that names tags", () => {
    const { layer, queries } = source()
    const plan = Repository.layerCached(Flags, {
      prefix: "flags",
      methods: {
        ...reads,
        set: { invalidates: () => ({ tags: ["team:1"] }) },
        reset: { invalidates: () => ({ entries: { all: [[]], isOnFor: [[2, "dark"]] } }) }
      }
    })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        const ask = Effect.all([flags.all, flags.isOnFor(1, "dark"), flags.isOnFor(2, "dark")])
        yield* ask
        yield* flags.set("dark", false)
        deepStrictEqual(yield* ask, [["dark"], false, true])
        strictEqual(queries(), 4)
        yield* flags.reset
        deepStrictEqual(yield* ask, [[], false, false])
        strictEqual(queries(), 6)
      }),
      plan,
      layer
    )
  })

  it.effect("naming a method that is uncached drops nothing, and nothing else", () => {
    const { layer, queries } = source()
    const plan = Repository.layerCached(Flags, {
      prefix: "flags",
      methods: { ...setInvalidatesEntries, isOn: "uncached" }
    })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        yield* flags.all
        yield* flags.set("dark", false)
        yield* flags.all
        strictEqual(queries(), 1)
        deepStrictEqual(yield* reported, [])
      }),
      plan,
      layer
    )
  })

  const mistakes: Record<string, () => Repository.Dropped<Context.Tag.Service<Flags>>> = {
    "that throws": () => {
      throw new Error("bug")
    },
    "that builds a key of a part that is none": () => ({ entries: { isOnFor: [[NaN, "dark"]] } }),
    "that names an empty tag": () => ({ tags: [""] }),
    "that names a method that is not there": () => ({ entries: { isOm: [["dark"]] } }) as {},
    "that answers nothing": () => undefined as unknown as {}
  }
  it.effect.each(Object.keys(mistakes))("an invalidates %s clears everything of the plan, and is reported", (name) => {
    const { layer, queries } = source()
    const plan = Repository.layerCached(Flags, {
      prefix: "flags",
      methods: { ...reads, set: { invalidates: mistakes[name]! } }
    })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        const cache = yield* Cache.Cache
        const Other = CacheKey.make({ prefix: "other", key: () => ["x"], schema: Schema.String })
        yield* cache.set(Other(), "kept")
        yield* flags.all
        yield* flags.isOnFor(1, "dark")
        strictEqual(yield* flags.set("dark", false), "dark is false")
        yield* flags.all
        strictEqual(yield* flags.isOnFor(1, "dark"), false)
        strictEqual(queries(), 4)
        deepStrictEqual(yield* cache.get(Other()), Option.some("kept"))
        deepStrictEqual(yield* reported, ["flags: Policy invalidates"])
      }),
      plan,
      layer
    )
  })

  it.effect("withoutCache reads nothing from the cache, and a mutation within still invalidates", () => {
    const { layer, queries } = source()
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        yield* flags.isOn("dark")
        yield* Cache.withoutCache(flags.isOn("dark"))
        strictEqual(queries(), 2)
        yield* Cache.withoutCache(flags.set("dark", false))
        strictEqual(yield* flags.isOn("dark"), false)
      }),
      cachedFlags,
      layer
    )
  })
})

describe("Repository / varies", () => {
  class Session extends Context.Tag("app/Session")<Session, { readonly userId: number }>() {}
  class Inbox extends Context.Tag("app/Inbox")<
    Inbox,
    {
      readonly unread: (box: string) => Effect.Effect<string, never, Session>
      readonly read: (box: string) => Effect.Effect<void>
    }
  >() {}
  const as = (userId: number) => Effect.provideService(Session, { userId })

  const live = () => {
    let runs = 0
    const layer = Layer.succeed(Inbox, {
      unread: (box) => Effect.map(Session, ({ userId }) => `${box} of ${userId}, ${++runs}`),
      read: () => Effect.void
    })
    return { layer, runs: () => runs }
  }

  const plan = (varies: "nothing" | ((box: string) => Effect.Effect<CacheKey.Parts, never, Session>)) =>
    Repository.layerCached(Inbox, {
      prefix: "inbox",
      methods: {
        unread: { key: (box) => ["box", box], schema: Schema.String, varies },
        read: { invalidates: (_result, box) => ({ entries: { unread: [[box]] } }) }
      }
    })
  const byUser = plan(() => Effect.map(Session, ({ userId }) => ["user", userId]))

  const run = <A, E>(
    program: Effect.Effect<A, E, Inbox | Cache.Cache | Cache.Recorded>,
    cached: typeof byUser,
    layer: Layer.Layer<Inbox>
  ) => Effect.provide(program, cached.pipe(Layer.provide(layer), Layer.provideMerge(Cache.layerTest)))

  it.effect("a result that varies by its caller is served to that caller only", () => {
    const { layer, runs } = live()
    return run(
      Effect.gen(function* () {
        const inbox = yield* Inbox
        strictEqual(yield* inbox.unread("a").pipe(as(1)), "a of 1, 1")
        strictEqual(yield* inbox.unread("a").pipe(as(2)), "a of 2, 2")
        strictEqual(yield* inbox.unread("a").pipe(as(1)), "a of 1, 1")
        strictEqual(runs(), 2)
      }),
      byUser,
      layer
    )
  })

  it.effect("an entry that is invalidated is dropped in all its variants, and no other", () => {
    const { layer } = live()
    return run(
      Effect.gen(function* () {
        const inbox = yield* Inbox
        const ask = Effect.all([
          inbox.unread("a").pipe(as(1)),
          inbox.unread("a").pipe(as(2)),
          inbox.unread("b").pipe(as(1))
        ])
        deepStrictEqual(yield* ask, ["a of 1, 1", "a of 2, 2", "b of 1, 3"])
        yield* inbox.read("a")
        deepStrictEqual(yield* ask, ["a of 1, 4", "a of 2, 5", "b of 1, 3"])
      }),
      byUser,
      layer
    )
  })

  it.effect("what varies by nothing is served to all, and dropped by its entry", () => {
    const { layer } = live()
    return run(
      Effect.gen(function* () {
        const inbox = yield* Inbox
        strictEqual(yield* inbox.unread("a").pipe(as(1)), "a of 1, 1")
        strictEqual(yield* inbox.unread("a").pipe(as(2)), "a of 1, 1")
        yield* inbox.read("a")
        strictEqual(yield* inbox.unread("a").pipe(as(2)), "a of 2, 2")
      }),
      plan("nothing"),
      layer
    )
  })

  const mistakes: Record<string, (box: string) => Effect.Effect<CacheKey.Parts, never, Session>> = {
    throws: () => {
      throw new Error("bug")
    },
    dies: () => Effect.die("bug"),
    "answers a part that is none": () => Effect.succeed([NaN])
  }
  it.effect.each(Object.keys(mistakes))("a varies that %s costs a lookup and a report, and no failure", (way) => {
    const { layer, runs } = live()
    return run(
      Effect.gen(function* () {
        const inbox = yield* Inbox
        strictEqual(yield* inbox.unread("a").pipe(as(1)), "a of 1, 1")
        strictEqual(yield* inbox.unread("a").pipe(as(2)), "a of 2, 2")
        strictEqual(runs(), 2)
        deepStrictEqual(yield* reported, ["inbox: Policy key", "inbox: Policy key"])
      }),
      plan(mistakes[way]!),
      layer
    )
  })

  it.effect("a varies that is interrupted interrupts the call, and nothing is reported", () => {
    const { layer, runs } = live()
    return run(
      Effect.gen(function* () {
        const inbox = yield* Inbox
        const fiber = yield* Effect.fork(inbox.unread("a").pipe(as(1)))
        yield* settle
        strictEqual(Exit.isInterrupted(yield* Fiber.interrupt(fiber)), true)
        strictEqual(runs(), 0)
        deepStrictEqual(yield* reported, [])
      }),
      plan(() => Effect.never),
      layer
    )
  })
})

describe("Repository / mistakes of a plan", () => {
  const plan = Repository.layerCached(Flags, {
    prefix: "flags",
    methods: {
      ...reads,
      isOn: {
        key: (slug) => {
          if (slug === "bad") throw new TypeError("bug")
          return ["global", slug === "none" ? (undefined as unknown as string) : slug]
        },
        schema: Schema.Boolean
      },
      set: "uncached"
    }
  })

  it.effect.each(["bad", "none"])(
    "a key function that throws or answers no key costs a lookup and a report: %s",
    (slug) => {
      const { layer, queries } = source()
      return provided(
        Effect.gen(function* () {
          const flags = yield* Flags
          strictEqual(yield* flags.isOn(slug), false)
          strictEqual(yield* flags.isOn(slug), false)
          strictEqual(queries(), 2)
          deepStrictEqual(yield* reported, ["flags: Policy key", "flags: Policy key"])
          yield* flags.isOn("dark")
          yield* flags.isOn("dark")
          strictEqual(queries(), 3)
        }),
        plan,
        layer
      )
    }
  )

  it.effect("a lookup that fails where there is no key is reported as any other", () => {
    const { layer, ends } = source()
    ends(Effect.fail(new Down()))
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        deepStrictEqual(yield* Effect.exit(flags.isOn("bad")), Exit.fail(new Down()))
        deepStrictEqual(yield* reported, ["flags: Policy key", "flags: Lookup lookup, surfaced"])
      }),
      plan,
      layer
    )
  })

  const methods = setInvalidatesEntries
  const unusable: Record<string, readonly [() => unknown, where: string]> = {
    "an empty prefix": [() => Repository.layerCached(Flags, { prefix: "", methods }), "prefix"],
    "a version that is no whole number": [
      () => Repository.layerCached(Flags, { prefix: "flags", version: 1.5, methods }),
      'version of "flags"'
    ],
    "a policy with a negative duration": [
      () => Repository.layerCached(Flags, { prefix: "flags", policy: { timeToLive: -1 }, methods }),
      "timeToLive"
    ],
    "a query with too much jitter": [
      () =>
        Repository.layerCached(Flags, { prefix: "flags", methods: { ...methods, all: { ...methods.all, jitter: 2 } } }),
      "jitter"
    ]
  }
  it.each(Object.keys(unusable))("%s is refused where the plan is defined, by its name", (name) => {
    const [define, where] = unusable[name]!
    expect(define).toThrow(CacheError.ConfigurationError)
    expect(define).toThrow(expect.objectContaining({ where }) as Error)
  })
})

describe("Repository / layers", () => {
  const ask = Effect.flatMap(Flags, (flags) => Effect.zipRight(flags.isOn("dark"), flags.isOn("dark")))

  it.effect("the repository is provided to the cached one; merged, the two yield the one that is not cached", () =>
    Effect.gen(function* () {
      const right = source()
      yield* Effect.provide(ask, cachedFlags.pipe(Layer.provide(right.layer), Layer.provide(Cache.layerMemory)))
      strictEqual(right.queries(), 1)
      const wrong = source()
      const merged = Layer.merge(
        cachedFlags.pipe(Layer.provide(wrong.layer), Layer.provide(Cache.layerMemory)),
        wrong.layer
      )
      yield* Effect.provide(ask, merged)
      strictEqual(wrong.queries(), 2)
    })
  )

  it.effect("a layer that is provided twice is two caches, and provided once is one", () =>
    Effect.gen(function* () {
      const { layer, queries } = source()
      const live = cachedFlags.pipe(Layer.provide(layer), Layer.provide(Cache.layerMemory))
      yield* Effect.zipRight(Effect.provide(ask, live), Effect.provide(ask, live))
      strictEqual(queries(), 2)
      yield* Effect.provide(Effect.zipRight(ask, ask), live)
      strictEqual(queries(), 3)
    })
  )

  it.effect("two repositories over one cache share what is invalidated by a tag", () =>
    Effect.gen(function* () {
      const one = source()
      const two = source()
      class Others extends Context.Tag("app/Others")<Others, Context.Tag.Service<Flags>>() {}
      const others = Repository.layerCached(Others, { prefix: "others", methods: setInvalidatesEntries })
      const both = Layer.merge(
        cachedFlags.pipe(Layer.provide(one.layer)),
        others.pipe(Layer.provide(Layer.succeed(Others, two.service)))
      ).pipe(Layer.provideMerge(Cache.layerMemory))
      yield* Effect.gen(function* () {
        const all = Effect.all([
          Effect.flatMap(Flags, (flags) => flags.isOnFor(1, "dark")),
          Effect.flatMap(Others, (flags) => flags.isOnFor(1, "dark"))
        ])
        yield* all
        yield* all
        deepStrictEqual([one.queries(), two.queries()], [1, 1])
        yield* Effect.flatMap(Cache.Cache, (cache) => cache.invalidateTags("team:1"))
        yield* all
        deepStrictEqual([one.queries(), two.queries()], [2, 2])
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("with a cache that does nothing every answer is the same", () => {
    const { layer, queries } = source()
    return Effect.gen(function* () {
      const flags = yield* Flags
      strictEqual(yield* flags.isOn("dark"), true)
      strictEqual(yield* flags.set("dark", false), "dark is false")
      strictEqual(yield* flags.isOn("dark"), false)
      strictEqual(queries(), 2)
    }).pipe(Effect.provide(cachedFlags.pipe(Layer.provide(layer), Layer.provide(Cache.layerNoop))))
  })

  it.effect("a schema gets what it needs when the layer is built, not from the caller", () => {
    class Secrets extends Context.Tag("app/Secrets")<Secrets, { readonly key: string }>() {}
    class Notes extends Context.Tag("app/Notes")<
      Notes,
      { readonly note: (id: number) => Effect.Effect<string>; readonly write: (id: number) => Effect.Effect<void> }
    >() {}
    const sealedWith: Array<string> = []
    const Sealed = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text) => Effect.map(Secrets, ({ key }) => text.slice(key.length)),
      encode: (text) => Effect.map(Secrets, ({ key }) => (sealedWith.push(key), key + text))
    })
    let runs = 0
    const cached = Repository.layerCached(Notes, {
      prefix: "notes",
      methods: {
        note: { key: (id) => ["id", id], schema: Sealed },
        write: { invalidates: (_result, id) => ({ entries: { note: [[id]] } }) }
      }
    }).pipe(
      Layer.provide(
        Layer.succeed(Notes, { note: (id) => Effect.sync(() => `${id}, ${++runs}`), write: () => Effect.void })
      ),
      Layer.provide(Layer.succeed(Secrets, { key: "built" }))
    )
    return Effect.gen(function* () {
      const notes = yield* Notes
      strictEqual(yield* notes.note(1), "1, 1")
      strictEqual(yield* notes.note(1).pipe(Effect.provideService(Secrets, { key: "of the caller" })), "1, 1")
      yield* notes.write(1)
      strictEqual(yield* notes.note(1).pipe(Effect.provideService(Secrets, { key: "of the caller" })), "1, 2")
      deepStrictEqual([...new Set(sealedWith)], ["built"])
      deepStrictEqual(yield* reported, [])
    }).pipe(Effect.provide(cached.pipe(Layer.provideMerge(Cache.layerTest))))
  })

  it.effect("a member's defect is a defect of the call, and reported", () => {
    const { service } = source()
    const live = Layer.succeed(Flags, {
      ...service,
      isOn: () => {
        throw new Error("bug")
      }
    })
    return provided(
      Effect.gen(function* () {
        const flags = yield* Flags
        const exit = yield* Effect.exit(flags.isOn("dark"))
        strictEqual(Exit.isFailure(exit) && Cause.isDie(exit.cause), true)
        deepStrictEqual(yield* reported, ["flags: Lookup lookup, surfaced"])
      }),
      cachedFlags,
      live
    )
  })
})
