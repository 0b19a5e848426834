/**
 * Sequences of calls that nobody thought of, on two instances over one store without a bus, each call under tiers and
 * turns of its own, against a model of what may be answered: after a fence has returned, nothing older is answered on
 * the instance it fell on, nor anywhere else once memory's time is over since.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type CachePolicy, Store } from "@larder/cache"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { recording } from "../support/caches.js"
import { advance, settle, under } from "../support/time.js"

const keys = [0, 1] as const
type Id = (typeof keys)[number]

const Key = CacheKey.make({
  prefix: "pair",
  key: (id: Id) => ["id", id],
  schema: Schema.Number,
  tags: () => ["declared"]
})

const memoryMillis = 5_000
/** Shorter than memory's time, so that who joins a lookup does not see further back than memory does. */
const lookupMillis = FastCheck.constantFrom(5, 1_000, 4_000)

const id = FastCheck.constantFrom(0 as const, 0 as const, 0 as const, 1 as const)
const on = FastCheck.constantFrom(0 as const, 1 as const)
const accesses: ReadonlyArray<CachePolicy.Access> = ["ReadWrite", "ReadWrite", "ReadOnly", "WriteOnly", "Off"]
const access = FastCheck.constantFrom(...accesses)
const further = {
  singleFlight: FastCheck.constantFrom("Cluster" as const, "Instance" as const),
  timeToLive: FastCheck.constantFrom("1 minute" as const, "2 seconds" as const),
  staleWhileRevalidate: FastCheck.constantFrom(0, "1 minute" as const),
  refreshAhead: FastCheck.constantFrom(0, 20),
  awaitWrite: FastCheck.boolean()
}
const policies = {
  "any tiers": FastCheck.record({ memory: access, store: access, ...further }),
  "memory alone": FastCheck.record({
    memory: FastCheck.constant("ReadWrite" as const),
    store: FastCheck.constantFrom("Off" as const, "ReadOnly" as const),
    ...further
  })
}

const commandUnder = (policy: (typeof policies)[keyof typeof policies]) =>
  FastCheck.oneof(
    {
      weight: 8,
      arbitrary: FastCheck.record({ do: FastCheck.constant("get" as const), on, id, policy, lookupMillis })
    },
    {
      weight: 1,
      arbitrary: FastCheck.record({ do: FastCheck.constant("refresh" as const), on, id, policy, lookupMillis })
    },
    { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("peek" as const), on, id }) },
    {
      weight: 4,
      arbitrary: FastCheck.record({
        do: FastCheck.constant("fence" as const),
        on,
        id,
        policy,
        by: FastCheck.constantFrom("invalidate" as const, "declared" as const, "learnt" as const, "set" as const)
      })
    },
    {
      weight: 4,
      arbitrary: FastCheck.record({
        do: FastCheck.constant("wait" as const),
        millis: FastCheck.constantFrom(100, 2_000, 4_000)
      })
    }
  )
type Command = ReturnType<typeof commandUnder> extends FastCheck.Arbitrary<infer A> ? A : never

/** From an instant on, an instance answers nothing older than a version. */
interface Rule {
  readonly on: number
  readonly id: Id
  readonly fromMillis: number
  readonly version: number
}

const run = (commands: ReadonlyArray<Command>) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const options: Cache.Options = { memory: { timeToLive: memoryMillis } }
    const instance = Effect.map(
      Layer.build(Cache.layerWith(options).pipe(Layer.provide([Layer.succeed(Store.Store, store), recording]))),
      Context.get(Cache.Cache)
    )
    const caches = [yield* instance, yield* instance]
    const versions = [0, 0]
    const rules: Array<Rule> = []
    const waiting: Array<Fiber.Fiber<void>> = []

    const lookup = (id: Id, millis = 5) =>
      Effect.gen(function* () {
        const version = versions[id]!
        yield* Effect.sleep(millis)
        yield* Cache.addTags("learnt")
        return version
      })
    /** Begins a call, and checks its answer against what was allowed when it began. */
    const call = (on: number, id: Id, effect: Effect.Effect<number | undefined, unknown>) =>
      Effect.gen(function* () {
        const begun = yield* Clock.currentTimeMillis
        const rule = rules.filter((one) => one.on === on && one.id === id && one.fromMillis <= begun)
        const oldest = Math.max(0, ...rule.map(({ version }) => version))
        const checked = Effect.map(Effect.orDie(effect), (answer) => {
          if (answer !== undefined && answer < oldest) {
            throw new Error(`instance ${on}, key ${id}: answered ${answer} after ${oldest}`)
          }
        })
        waiting.push(yield* Effect.fork(checked))
      })
    const fence = (cache: Context.Tag.Service<Cache.Cache>, by: string, id: Id, policy: CachePolicy.CachePolicy) => {
      if (by === "set") return cache.set(Key(id), versions[id]!, { ...policy, tags: () => ["learnt"] })
      return by === "invalidate" ? cache.invalidate(Key(id)) : cache.invalidateTags(by)
    }

    for (const one of commands) {
      switch (one.do) {
        case "get":
          yield* call(
            one.on,
            one.id,
            caches[one.on]!.getOrSet(Key(one.id), lookup(one.id, one.lookupMillis), one.policy)
          )
          break
        case "refresh":
          yield* call(
            one.on,
            one.id,
            caches[one.on]!.refresh(Key(one.id), lookup(one.id, one.lookupMillis), one.policy)
          )
          break
        case "peek":
          yield* call(
            one.on,
            one.id,
            Effect.map(caches[one.on]!.get(Key(one.id)), (found) => (found._tag === "Some" ? found.value : undefined))
          )
          break
        case "fence": {
          const named = one.by === "invalidate" || one.by === "set" ? [one.id] : keys
          for (const id of named) versions[id]! += 1
          yield* fence(caches[one.on]!, one.by, one.id, one.policy)
          const now = yield* Clock.currentTimeMillis
          for (const id of named) {
            const version = versions[id]!
            rules.push({ on: one.on, id, fromMillis: now, version })
            rules.push({ on: 1 - one.on, id, fromMillis: now + memoryMillis, version })
          }
          break
        }
        case "wait":
          yield* advance(one.millis)
          break
      }
      yield* settle
    }
    yield* advance("1 minute")
    for (const on of [0, 1]) for (const id of keys) yield* call(on, id, caches[on]!.getOrSet(Key(id), lookup(id)))
    yield* advance("1 minute")
    yield* Fiber.join(Fiber.all(waiting))
  }).pipe(Effect.scoped, under(Store.layerMemory))

describe("Cache / two instances, each call with tiers of its own", () => {
  it.effect.each(Object.keys(policies) as Array<keyof typeof policies>)(
    "%s: no answer is older than a fence here, nor than one elsewhere that is longer ago than memory's time",
    (tiers) =>
      Effect.promise(async () => {
        const commands = FastCheck.array(commandUnder(policies[tiers]), { minLength: 4, maxLength: 40 })
        const property = FastCheck.asyncProperty(commands, (some) => Effect.runPromise(run(some)))
        const details = await FastCheck.check(property, { numRuns: 150 })
        expect(details.failed, FastCheck.defaultReportMessage(details)).toBe(false)
      })
  )
})
