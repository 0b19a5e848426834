/**
 * One instance in a process of its own: it is told where the store is and how many callers ask for the same key at the
 * same time, and tells when its lookup begins and what its callers got. Lookups are counted on the server, apart from
 * the cache.
 */
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import type { CachePolicy } from "@larder/cache/CachePolicy"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisStore from "@larder/redis/RedisStore"
import * as UpstashStore from "@larder/upstash/UpstashStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Redis } from "ioredis"

/** Plain data, since it crosses to another process. */
export interface Order {
  readonly place: { readonly redis: string } | { readonly rest: string; readonly token: string }
  /** Where lookups are counted. */
  readonly counter: string
  /** Names the key, and its counter. */
  readonly name: string
  readonly callers: number
  /** How long each lookup takes, in the order in which they begin; the last one for all that follow. */
  readonly lookupMillis: ReadonlyArray<number>
  readonly leaseMillis: number
  readonly leaseWaitMillis: number
  readonly singleFlight: NonNullable<CachePolicy["singleFlight"]>
}

export type Told =
  | { readonly _tag: "Ready"; readonly name: "" }
  | { readonly _tag: "LookingUp"; readonly name: string; readonly nth: number }
  | {
      readonly _tag: "Answered"
      readonly name: string
      readonly values: ReadonlyArray<string>
      readonly answers: number
    }

const tell = (told: Told): void => void process.send!(told)

const Key = CacheKey.make({ prefix: "cold", key: (name: string) => ["name", name], schema: Schema.String })

const storeOf = (place: Order["place"]) =>
  "redis" in place
    ? RedisStore.layer({ url: place.redis })
    : UpstashStore.layer({ url: place.rest, token: Redacted.make(place.token) })

/** A cache stays open after its callers are answered: what they got is stored behind. */
const open = ({ leaseMillis, leaseWaitMillis, place }: Order) =>
  ManagedRuntime.make(
    // What is shown is who looks up, not what a busy machine does to time limits.
    Cache.layerWith({
      lease: leaseMillis,
      leaseWait: leaseWaitMillis,
      storeTimeout: "10 seconds",
      storeBudget: "20 seconds"
    }).pipe(Layer.provide([storeOf(place), Reporter.layerLog]))
  )

const call = (order: Order) =>
  Effect.gen(function* () {
    const redis = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis(order.counter)),
      (connection) => Effect.sync(() => connection.disconnect())
    )
    const lookup = Effect.gen(function* () {
      const nth = yield* Effect.promise(() => redis.incr(`lookups:${order.name}`))
      tell({ _tag: "LookingUp", name: order.name, nth })
      yield* Effect.sleep(order.lookupMillis[nth - 1] ?? order.lookupMillis.at(-1)!)
      return `looked up by ${process.pid}`
    })
    const policy = { timeToLive: "10 minutes", singleFlight: order.singleFlight } as const
    const one = Cache.withCache(lookup, Key(order.name), policy)
    const values = yield* Effect.all(
      Array.from({ length: order.callers }, () => one),
      { concurrency: "unbounded" }
    )
    tell({ _tag: "Answered", name: order.name, values: [...new Set(values)], answers: values.length })
  }).pipe(Effect.scoped)

// Whoever gave the orders is gone, whatever has become of it.
process.on("disconnect", () => process.exit())
process.on("message", (order: Order) => void open(order).runPromise(call(order)))
tell({ _tag: "Ready", name: "" })
