/** One lookup in the cluster, shown with real processes on a real server, natively and through REST. */
import { expect, layer } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as UpstashLocal from "@larder/upstash-local/UpstashLocal"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Redis } from "ioredis"
import * as Callers from "./support/Callers.js"
import type { Order } from "./support/calling.js"

const processes = 4
const callers = 250

/** Four processes that have started, and what they call. */
class Cluster extends Context.Tag("test/Cluster")<
  Cluster,
  {
    readonly all: ReadonlyArray<Callers.Caller>
    readonly places: Readonly<Record<Client, Order["place"]>>
    readonly counter: string
    readonly lookups: (name: string) => Effect.Effect<number>
  }
>() {}

type Client = "redis" | "upstash"
const clients: ReadonlyArray<Client> = ["redis", "upstash"]

const cluster = Layer.scoped(
  Cluster,
  Effect.gen(function* () {
    const server = yield* RedisServer.make()
    const rest = yield* UpstashLocal.make({ redisUrl: server.url })
    const redis = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis(server.url)),
      (connection) => Effect.sync(() => connection.disconnect())
    )
    return {
      all: yield* Effect.all(
        Array.from({ length: processes }, () => Callers.make),
        { concurrency: "unbounded" }
      ),
      places: {
        redis: { redis: server.url },
        upstash: { rest: rest.url, token: Redacted.value(rest.token) }
      },
      counter: server.url,
      lookups: (name) =>
        Effect.map(
          Effect.promise(() => redis.get(`lookups:${name}`)),
          Number
        )
    }
  })
)

const orderOf = (
  { counter, places }: Context.Tag.Service<Cluster>,
  client: Client,
  what: string,
  more: Partial<Order> = {}
): Order => ({
  place: places[client],
  counter,
  name: `${what} ${client}`,
  callers,
  lookupMillis: [300],
  leaseMillis: 10_000,
  leaseWaitMillis: 25_000,
  singleFlight: "Cluster",
  ...more
})

/** All call at once; what each of them got, as one list. */
const callFromAll = (some: ReadonlyArray<Callers.Caller>, order: Order) =>
  Effect.gen(function* () {
    for (const caller of some) yield* caller.send(order)
    const told = yield* Effect.forEach(some, (caller) => caller.next("Answered", order.name), {
      concurrency: "unbounded"
    })
    for (const { answers } of told) expect(answers).toBe(order.callers)
    return told.flatMap(({ values }) => values)
  })

describeWithRedis("A cold key that four processes with 250 callers each ask for at once", () => {
  layer(cluster, { excludeTestServices: true })((it) => {
    it.effect.each(clients)("is looked up once, and everybody gets that value: %s", (client) =>
      Effect.gen(function* () {
        const cluster = yield* Cluster
        const order = orderOf(cluster, client, "cold")
        const values = yield* callFromAll(cluster.all, order)
        expect(new Set(values).size).toBe(1)
        expect(yield* cluster.lookups(order.name)).toBe(1)
      })
    )

    it.effect.each(clients)("is looked up once though that takes three leases, since it is renewed: %s", (client) =>
      Effect.gen(function* () {
        const cluster = yield* Cluster
        const order = orderOf(cluster, client, "slow", { leaseMillis: 1_000, lookupMillis: [3_100] })
        const values = yield* callFromAll(cluster.all, order)
        expect(new Set(values).size).toBe(1)
        expect(yield* cluster.lookups(order.name)).toBe(1)
      })
    )

    it.effect.each(clients)("is looked up by one other when its holder is killed, within the lease: %s", (client) =>
      Effect.gen(function* () {
        const cluster = yield* Cluster
        // The first lookup would never end.
        const order = orderOf(cluster, client, "killed", { leaseMillis: 1_000, lookupMillis: [600_000, 300] })
        const holder = yield* Callers.make
        yield* holder.send(order)
        expect((yield* holder.next("LookingUp", order.name)).nth).toBe(1)
        const waiting = yield* Effect.fork(callFromAll(cluster.all.slice(1), order))
        yield* holder.kill
        const killedMillis = yield* Clock.currentTimeMillis
        const second = yield* Effect.raceAll(cluster.all.slice(1).map((caller) => caller.next("LookingUp", order.name)))
        expect(second.nth).toBe(2)
        // The lease, a pause between two questions, and what a busy machine adds.
        expect((yield* Clock.currentTimeMillis) - killedMillis).toBeLessThan(1_000 + 100 + 1_500)
        const values = yield* Fiber.join(waiting)
        expect(new Set(values).size).toBe(1)
        expect(values[0]).not.toContain(String(holder.pid))
        expect(yield* cluster.lookups(order.name)).toBe(2)
      }).pipe(Effect.scoped)
    )

    it.effect.each(clients)("is looked up once by each process where they do not take turns: %s", (client) =>
      Effect.gen(function* () {
        const cluster = yield* Cluster
        const order = orderOf(cluster, client, "own", { singleFlight: "Instance", lookupMillis: [2_000] })
        const values = yield* callFromAll(cluster.all, order)
        expect(new Set(values).size).toBe(processes)
        expect(yield* cluster.lookups(order.name)).toBe(processes)
        // One of them was stored, and is what all get from now on.
        const afterwards = yield* callFromAll(cluster.all, order)
        expect(new Set(afterwards).size).toBe(1)
        expect(values).toContain(afterwards[0])
        expect(yield* cluster.lookups(order.name)).toBe(processes)
      })
    )
  })
})
