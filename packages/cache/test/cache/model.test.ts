/**
 * Sequences of commands that nobody thought of, over one instance, against a model of what may be answered.
 *
 * The model knows for each key from which version on an answer is allowed: when an invalidation of it, by key or by
 * a tag, has returned, acknowledged or not, nothing older than the source was when that invalidation began may be
 * answered by a call that starts later. A `set` says the same of its key. A failure prints its seed and the shortest
 * sequence that shows it.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { arrangements, faulty } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const keys = [0, 1, 2] as const
type Id = (typeof keys)[number]
const id = FastCheck.constantFrom(...keys)

const Key = CacheKey.make({
  prefix: "model",
  key: (id: Id) => [id === 2 ? "two" : "some", id],
  schema: Schema.Number,
  tags: (id) => [id === 2 ? "odd one" : "both"]
})

/** What each fence names. Keys 1 and 2 learn a tag in their lookups, every value has one of its own. */
const fences = {
  invalidate: (id: Id) => [id],
  declared: () => [0, 1],
  learnt: () => [1, 2],
  valued: () => keys,
  scope: () => [0, 1],
  prefix: () => keys,
  set: (id: Id) => [id],
  writeThrough: (id: Id) => [id]
} satisfies Record<string, (id: Id) => ReadonlyArray<number>>

const policies = [
  { timeToLive: "10 seconds" },
  { timeToLive: "10 seconds", staleWhileRevalidate: "1 minute" },
  { timeToLive: "10 seconds", staleIfError: "1 minute", softTimeout: "50 millis", errorBackoff: "1 second" },
  { timeToLive: "10 seconds", refreshAhead: 100, awaitWrite: true }
] as const

const command = FastCheck.oneof(
  { weight: 5, arbitrary: FastCheck.record({ do: FastCheck.constant("get" as const), id }) },
  { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("getMany" as const), id }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("refresh" as const), id }) },
  { weight: 3, arbitrary: FastCheck.record({ do: FastCheck.constant("change" as const), id }) },
  {
    weight: 6,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("fence" as const),
      id,
      by: FastCheck.constantFrom(...(Object.keys(fences) as Array<keyof typeof fences>)),
      /** Whether what it names changes right before it. */
      changes: FastCheck.boolean(),
      /** What its own operations of the store meet, or what was there before. */
      meets: FastCheck.constantFrom(undefined, undefined, Faults.fail(), Faults.loseReply("Hang"))
    })
  },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("expire" as const), id }) },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("wait" as const),
      millis: FastCheck.constantFrom(1, 30, 300, 3000, 12_000, 40_000)
    })
  },
  { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("hold" as const), id }) },
  { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("answer" as const), id }) },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("fault" as const),
      fault: FastCheck.constantFrom(
        Faults.fail(),
        Faults.hang,
        Faults.loseReply(),
        Faults.delay("100 millis"),
        Faults.die
      ),
      nth: FastCheck.integer({ min: 1, max: 4 }),
      span: FastCheck.constantFrom("once" as const, "onwards" as const)
    })
  },
  { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("recover" as const) }) }
)
type Command = typeof command extends FastCheck.Arbitrary<infer A> ? A : never

const run = (commands: ReadonlyArray<Command>, policy: (typeof policies)[number], options: Cache.Options) =>
  Effect.gen(function* () {
    const cache = yield* Cache.Cache
    const faults = yield* Faults.Faults
    const versions = [0, 0, 0]
    const allowedFrom = [0, 0, 0]
    const gates: Array<Deferred.Deferred<void> | undefined> = []
    const waiting: Array<Fiber.Fiber<void>> = []

    const lookup = (id: Id) =>
      Effect.gen(function* () {
        const version = versions[id]!
        const gate = gates[id]
        if (gate === undefined) yield* Effect.sleep(5)
        else yield* Deferred.await(gate)
        if (id > 0) yield* Cache.addTags("learnt")
        return version
      })
    const read = { ...policy, tags: (): ReadonlyArray<string> => ["valued"] }
    /** What is written was not looked up: its tags are all of the value. */
    const written = (id: Id) => ({ ...policy, tags: () => (id > 0 ? ["valued", "learnt"] : ["valued"]) })

    /** Begins a call, and checks whatever it answers against what was allowed when it began. */
    const call = (asked: ReadonlyArray<Id>, effect: Effect.Effect<ReadonlyArray<number>, unknown, Cache.Cache>) =>
      Effect.gen(function* () {
        const allowed = asked.map((id) => allowedFrom[id]!)
        const checked = Effect.map(Effect.orDie(effect), (answers) => {
          for (const [i, id] of asked.entries()) {
            if (answers[i]! < allowed[i]!) throw new Error(`key ${id}: answered ${answers[i]} after ${allowed[i]}`)
          }
        })
        waiting.push(yield* Effect.fork(checked))
      })
    const get = (id: Id) => Effect.map(Cache.withCache(lookup(id), Key(id), read), (value) => [value])

    const door = (by: keyof typeof fences, id: Id): Effect.Effect<unknown, unknown, never> => {
      switch (by) {
        case "invalidate":
          return cache.invalidate(Key(id))
        case "declared":
          return cache.invalidateTags("both")
        case "learnt":
        case "valued":
          return cache.invalidateTags(by)
        case "scope":
          return cache.clear({ prefix: "model", scope: "some" })
        case "prefix":
          return cache.clear({ prefix: "model" })
        case "set":
          return cache.set(Key(id), versions[id]!, written(id))
        case "writeThrough":
          return cache.writeThrough(
            Key(id),
            Effect.sync(() => ++versions[id]!),
            written(id)
          )
      }
    }

    const answer = (id: Id) =>
      Effect.suspend(() => {
        const gate = gates[id]
        gates[id] = undefined
        return gate === undefined ? Effect.void : Deferred.succeed(gate, undefined)
      })

    for (const one of commands) {
      switch (one.do) {
        case "get":
          yield* call([one.id], get(one.id))
          break
        case "getMany": {
          const ids = [one.id, 0, 1].filter((id, i, all) => all.indexOf(id) === i) as Array<Id>
          yield* call(
            ids,
            cache.getMany(ids, { key: Key, lookup: (some) => Effect.forEach(some, lookup), policy: read })
          )
          break
        }
        case "refresh":
          yield* call(
            [one.id],
            Effect.map(cache.refresh(Key(one.id), lookup(one.id), read), (value) => [value])
          )
          break
        case "change":
          versions[one.id]! += 1
          break
        case "fence": {
          if (one.changes) for (const id of fences[one.by](one.id)) versions[id]! += 1
          if (one.meets !== undefined) {
            yield* faults.set({ fault: one.meets, on: ["invalidate", "capture", "commit"], span: "onwards" })
          }
          const before = [...versions]
          const fallen = yield* Effect.fork(Effect.exit(door(one.by, one.id)))
          for (let waited = 0; Option.isNone(yield* Fiber.poll(fallen)); waited += 50) {
            expect(waited).toBeLessThan(2000)
            yield* advance(50)
          }
          if (one.meets !== undefined) yield* faults.clear
          for (const id of fences[one.by](one.id)) {
            const from = one.by === "writeThrough" ? versions[id]! : before[id]!
            allowedFrom[id] = Math.max(allowedFrom[id]!, from)
          }
          break
        }
        case "expire":
          yield* Effect.fork(Effect.ignore(cache.expire(Key(one.id))))
          break
        case "wait":
          yield* advance(one.millis)
          break
        case "hold":
          gates[one.id] ??= yield* Deferred.make<void>()
          break
        case "answer":
          yield* answer(one.id)
          break
        case "fault":
          yield* faults.set({ fault: one.fault, nth: one.nth, span: one.span })
          break
        case "recover":
          yield* faults.clear
          break
      }
      yield* settle
    }
    // In the end everybody is answered, and the cache works again.
    for (const id of keys) yield* answer(id)
    yield* faults.clear
    yield* advance("3 minutes")
    for (const id of keys) yield* call([id], get(id))
    yield* advance("1 minute")
    yield* Fiber.join(Fiber.all(waiting))
    for (const id of keys) {
      yield* call([id], get(id))
      yield* advance(100)
      expect((yield* cache.get(Key(id)))._tag).toBe("Some")
    }
    yield* Fiber.join(Fiber.all(waiting))
  }).pipe(under(faulty({ ...options, maximumPending: 3 })))

describe("Cache / any sequence of commands", () => {
  for (const [[tiers, options], policy] of arrangements.flatMap((one) => policies.map((two) => [one, two] as const))) {
    it.effect(
      `${tiers}, ${JSON.stringify(policy)}: no answer is older than the last fence that returned before its call`,
      () =>
        Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(FastCheck.array(command, { minLength: 3, maxLength: 25 }), (commands) =>
              Effect.runPromise(run(commands, policy, options))
            ),
            { numRuns: 50 }
          )
        )
    )
  }
})
