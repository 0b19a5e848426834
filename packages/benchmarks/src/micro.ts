/**
 * `pnpm bench:micro`: what a hit and a miss cost, in time, forks, spans, commands, requests and memory.
 *
 * It prints and judges nothing that depends on the machine. What does not (a hit forks nothing, opens no span, costs
 * one command) is asserted: the exit code is 1 when it does not hold.
 */
import { Cache, CacheKey, type MemoryTier, RedisStore, Reporter, Store } from "@larder/cache"
import { UpstashClient } from "@larder/upstash"
import { UpstashLocal } from "@larder/upstash-local"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import * as Supervisor from "effect/Supervisor"
import * as Tracer from "effect/Tracer"
import { heapBytes, nanoseconds } from "./Measure.js"

const User = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  email: Schema.String,
  teams: Schema.Array(Schema.Number)
})
const makeUser = (id: number) => ({ id, name: `user ${id}`, email: `user.${id}@example.com`, teams: [id, 2, 3] })
const UserKey = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: User })
const lookup = (id: number) => Effect.sync(() => makeUser(id))

const memory = Layer.provide(Cache.layer, [Store.layerMemory, Reporter.layerNoop])
const row = (what: string, figure: string) => console.log(`  ${what.padEnd(58)} ${figure}`)
const micro = (nanos: number) => `${(nanos / 1000).toFixed(2)} µs`

let broken = 0
const must = (claim: string, holds: boolean) => {
  if (!holds) broken += 1
  console.log(`  ${holds ? "✓" : "✗"} ${claim}`)
}

const time = Effect.gen(function* () {
  const cache = yield* Cache.Cache
  const hot = UserKey(1)
  const cachedHot = lookup(1).pipe(Cache.withCache(hot))
  yield* cachedHot
  yield* lookup(2).pipe(Cache.withCache(UserKey(2)))
  const hits = yield* nanoseconds(5000, {
    step: () => Effect.succeed(1),
    kept: () => cachedHot,
    made: () => cache.getOrSet(UserKey(2), lookup(2))
  })
  console.log("\nA hit from the store in memory, decoded (median of 15 rounds)")
  row("one step of an Effect fiber, for comparison", `${hits["step"]!.toFixed(0)} ns`)
  row("withCache, built once", micro(hits["kept"]!))
  row("getOrSet with its key and lookup built for each call", micro(hits["made"]!))

  let next = 1_000_000
  const misses = yield* nanoseconds(500, {
    bare: lookup,
    miss: () => cache.getOrSet(UserKey(next++), lookup(next)),
    off: () => Cache.withoutCache(lookup(1).pipe(Cache.withCache(hot)))
  })
  console.log("\nA miss: lease, lookup on a fiber of its own, encode, fill (median of 15 rounds)")
  row("the bare lookup", `${misses["bare"]!.toFixed(0)} ns`)
  row("the same with a cold cache", micro(misses["miss"]!))
  row("the same under Cache.withoutCache", micro(misses["off"]!))
}).pipe(Effect.provide(memory))

const structure = Effect.gen(function* () {
  let spans = 0
  const native = yield* Effect.tracer
  const tracer = Tracer.make({
    span: (...args) => {
      spans += 1
      return native.span(...args)
    },
    context: (f, fiber) => native.context(f, fiber)
  })
  const supervisor = yield* Supervisor.track
  const cached = lookup(1).pipe(Cache.withCache(UserKey(1)))
  yield* cached
  const forks = yield* Effect.supervised(
    Effect.gen(function* () {
      for (let i = 0; i < 1000; i++) yield* cached
      return (yield* supervisor.value).length
    }),
    supervisor
  ).pipe(Effect.withTracer(tracer))
  console.log("\nWhat 1 000 hits in memory leave behind")
  must(`no fork (${forks})`, forks === 0)
  must(`no span (${spans})`, spans === 0)
}).pipe(Effect.provide(memory))

const network = Effect.gen(function* () {
  const { requests } = yield* UpstashLocal.UpstashLocal
  const counting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.zipRight(requests.reset, Effect.zipRight(effect, requests.counts))
  const cached = (id: number) => lookup(id).pipe(Cache.withCache(UserKey(id), { awaitWrite: true }))
  yield* cached(0)
  const cold = yield* counting(cached(1))
  const hit = yield* counting(cached(1))
  const turn = yield* counting(
    Effect.all(
      Array.from({ length: 64 }, () => cached(1)),
      { concurrency: "unbounded" }
    )
  )
  console.log("\nUpstash: what goes over the network")
  row("a cold miss", `${cold.commands} commands in ${cold.requests} requests`)
  row("a hit", `${hit.commands} command in ${hit.requests} request`)
  row("64 hits of one turn", `${turn.commands} command in ${turn.requests} request`)
  must("a hit costs one command", hit.commands === 1 && hit.requests === 1)
  must("a cold miss costs at most three", cold.commands <= 3 && cold.requests <= 3)
  must("hits of one turn cost one command together", turn.commands === 1 && turn.requests === 1)
})

/** The same over Upstash, with values in memory above it. */
const above = Effect.gen(function* () {
  const { requests } = yield* UpstashLocal.UpstashLocal
  const cached = lookup(7).pipe(Cache.withCache(UserKey(7), { awaitWrite: true }))
  const hits = (isolation: MemoryTier.Isolation) =>
    Effect.gen(function* () {
      yield* cached
      yield* requests.reset
      const nanos = yield* nanoseconds(5000, { kept: () => cached })
      return [nanos["kept"]!, (yield* requests.counts).requests] as const
    }).pipe(
      Effect.provide(upstash({ memory: { isolation, timeToLive: "1 minute" } })),
      Logger.withMinimumLogLevel(LogLevel.Warning)
    )
  console.log("\nA hit in memory above Upstash (median of 15 rounds)")
  let asked = 0
  for (const isolation of ["copy", "freeze", "share"] as const) {
    const [nanos, count] = yield* hits(isolation)
    asked += count
    row(`isolation: ${isolation}`, micro(nanos))
  }
  must(`nobody is asked (${asked})`, asked === 0)
})

const upstash = (options: Cache.Options) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const { url, token } = yield* UpstashLocal.UpstashLocal
      const store = Layer.provide(RedisStore.layer, UpstashClient.layer({ url, token }))
      return Layer.provide(Cache.layerWith(options), [store, Reporter.layerLog])
    })
  )

const space = Effect.gen(function* () {
  const cache = yield* Cache.Cache
  const fill = (from: number, to: number) =>
    Effect.gen(function* () {
      for (let id = from; id < to; id++) yield* cache.getOrSet(UserKey(id), lookup(id), { awaitWrite: true })
    })
  yield* fill(0, 100)
  const empty = heapBytes()
  yield* fill(100, 10_000)
  const full = heapBytes()
  yield* fill(10_000, 60_000)
  const later = heapBytes()
  console.log("\nMemory of the store in memory")
  row("for each entry of a small record", `${Math.round((full - empty) / 9900)} bytes`)
  row("10 000 entries", `${((full - empty) / 1e6).toFixed(1)} MB`)
  row("after 50 000 more", `${((later - empty) / 1e6).toFixed(1)} MB`)
  must("bounded: 50 000 more keys add less than half", later - empty < 1.5 * (full - empty))
}).pipe(Effect.provide(memory))

const main = Effect.gen(function* () {
  yield* time
  yield* structure
  yield* space
  if (yield* UpstashLocal.available) {
    yield* Effect.zipRight(above, network.pipe(Effect.provide(upstash({})))).pipe(
      Effect.provide(UpstashLocal.layerWithRedis())
    )
  } else {
    console.log("\nUpstash: left out, there is no redis-server on the PATH (apt-get install redis-server)")
  }
  if (broken > 0) process.exitCode = 1
})

await Effect.runPromise(main)
