import { expect, it } from "@effect/vitest"
import * as CircuitBreaker from "@larder/cache/CircuitBreaker"
import type { RedisClient } from "@larder/cache/RedisClient"
import * as Generic from "@larder/cache/RedisStore"
import * as StoreTier from "@larder/cache/StoreTier"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import { IoredisClient } from "../src/index.js"
import { by, eventually, resources, run, send, text, took, until } from "./support/support.js"

const client = (options: IoredisClient.Options = {}) =>
  Effect.flatMap(RedisCluster.RedisCluster, ({ masters }) =>
    IoredisClient.make({ cluster: masters.map(({ host, port }) => ({ host, port })), ...options })
  )

/** A client of one node alone. */
const alone = ({ url }: { readonly url: string }) => IoredisClient.make({ url })

/** A key in the slots of each node. */
const keys = Effect.gen(function* () {
  const { masters } = yield* RedisCluster.RedisCluster
  const node = yield* alone(masters[0]!)
  const names = Array.from({ length: 60 }, (_, i) => `key-${i}`)
  const slots = yield* by(
    node,
    Effect.forEach(names, (name) => run("CLUSTER", "KEYSLOT", name))
  )
  return masters.map(({ slots: [first, last] }) => {
    const index = slots.findIndex((slot) => Number(slot) >= first && Number(slot) <= last)
    return { key: names[index]!, slot: String(slots[index]) }
  })
}).pipe(Effect.scoped)

const texts = (outcomes: ReadonlyArray<Either.Either<Parameters<typeof text>[0], { readonly message: string }>>) =>
  outcomes.map((outcome) => (Either.isRight(outcome) ? text(outcome.right) : outcome.left.message))

const set = (redis: RedisClient["Type"], key: string, value = "v") => by(redis, run("SET", key, value))

const on =
  (options: RedisCluster.Options = {}) =>
  <A, E>(effect: Effect.Effect<A, E, RedisCluster.RedisCluster | Scope.Scope>) =>
    Effect.provide(effect, RedisCluster.layerWith(options))

describeWithRedis("cluster / commands", () => {
  it.scopedLive("one round trip serves all nodes, each command where its first key lies, from the first on", () =>
    Effect.gen(function* () {
      const spread = yield* keys
      const redis = yield* client()
      expect(redis.cluster).toBe(true)
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      const sets = spread.flatMap(({ key }) => [["SET", key, "first"] as const, ["SET", key, bytes] as const])
      expect(texts(yield* by(redis, send(...sets)))).toEqual(["OK", "OK", "OK", "OK", "OK", "OK"])
      const gets = yield* by(redis, send(...spread.map(({ key }) => ["GET", key] as const)))
      expect(gets.map(Either.getOrThrow)).toEqual([1, 2, 3].map(() => Buffer.from(bytes)))
      const evals = spread.map(({ key }) => ["EVAL", "return redis.call('STRLEN', KEYS[1])", "1", key] as const)
      expect(texts(yield* by(redis, send(...evals)))).toEqual([256, 256, 256])
      const across = ["MGET", ...spread.map(({ key }) => key)] as const
      expect(texts(yield* by(redis, send(across)))).toEqual(["Rejected: CROSSSLOT"])
    }).pipe(on())
  )

  it.scopedLive("a slot that moves is followed, before and after it has moved", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      const redis = yield* client()
      const [{ key, slot }] = (yield* keys) as [{ key: string; slot: string }]
      yield* eventually(set(redis, key, "before"))
      const [from, to] = [yield* alone(masters[0]!), yield* alone(masters[1]!)]
      const ids = [yield* by(from, run("CLUSTER", "MYID")), yield* by(to, run("CLUSTER", "MYID"))].map(String)
      yield* by(to, run("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0]!))
      yield* by(from, run("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1]!))
      yield* by(from, run("MIGRATE", "127.0.0.1", String(masters[1]!.port), key, "0", "1000"))
      // ASK: the key has gone, the slot has not.
      expect(yield* by(redis, run("GET", key))).toBe("before")
      yield* by(to, run("CLUSTER", "SETSLOT", slot, "NODE", ids[1]!))
      yield* by(from, run("CLUSTER", "SETSLOT", slot, "NODE", ids[1]!))
      // MOVED.
      expect(yield* by(redis, run("GET", key))).toBe("before")
      expect(yield* by(to, run("GET", key))).toBe("before")
    }).pipe(on())
  )

  it.scopedLive("a script that one node has forgotten is sent there again", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      const redis = yield* client()
      const store = yield* by(redis, Generic.make())
      const names = Array.from({ length: 12 }, (_, i) => ({ key: `k${i}`, shapes: ["s"] }))
      const invalidate = store.invalidate({ keys: names, tags: ["t"] })
      yield* invalidate
      yield* Effect.scoped(Effect.flatMap(alone(masters[1]!), (node) => by(node, run("SCRIPT", "FLUSH"))))
      yield* invalidate
    }).pipe(on())
  )

  it.scopedLive("what is published is heard", () =>
    Effect.gen(function* () {
      const redis = yield* client()
      yield* eventually(redis.publish("news", "nobody"))
      const heard = yield* Effect.fork(Stream.runHead(redis.subscribe("news")))
      const again = yield* Effect.forkScoped(
        Effect.forever(Effect.zipRight(redis.publish("news", "x"), Effect.sleep(10)))
      )
      expect(yield* Fiber.join(heard)).toEqual(Option.some("x"))
      yield* Fiber.interrupt(again)
    }).pipe(on())
  )

  it.scopedLive("a wrong password is said by its code", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      for (const master of masters) {
        const node = yield* alone(master)
        yield* by(node, run("CONFIG", "SET", "requirepass", "right-secret"))
      }
      const wrong = yield* client({ password: Redacted.make("other-secret") })
      const error = yield* Effect.flip(by(wrong, run("GET", "k")))
      expect(error.message).toBe("Rejected: WRONGPASS: the cluster did not let us in")
      const right = yield* client({ password: Redacted.make("right-secret") })
      expect(yield* by(right, run("GET", "k"))).toBe(null)
    }).pipe(on())
  )
})

describeWithRedis("cluster / faults", () => {
  it.scopedLive("while one node is frozen the others answer, and it is found again", () =>
    Effect.gen(function* () {
      const { masters, settled } = yield* RedisCluster.RedisCluster
      const redis = yield* client({ commandTimeout: 500 })
      const [a, b, c] = (yield* keys).map(({ key }) => key) as [string, string, string]
      for (const key of [a, b, c]) yield* eventually(set(redis, key))
      yield* masters[1]!.suspend
      const [, millis] = yield* took(Effect.exit(by(redis, run("GET", b))))
      expect(millis).toBeLessThan(2_000)
      expect(yield* by(redis, run("GET", a))).toBe("v")
      for (let i = 0; i < 20; i++) {
        const [exit, soon] = yield* took(Effect.exit(by(redis, run("GET", b))))
        expect([Exit.isFailure(exit), soon < 400]).toEqual([true, true])
        yield* Effect.sleep(10)
      }
      // One round trip for all, of which a part is answered.
      yield* until(by(redis, send(["GET", a], ["GET", b], ["GET", c])), (outcomes) => {
        const [first, second, third] = texts(outcomes)
        return first === "v" && third === "v" && String(second).startsWith("Unavailable: ")
      })
      yield* masters[1]!.resume
      yield* settled
      expect(yield* eventually(by(redis, run("GET", b)))).toBe("v")
    }).pipe(on({ nodeTimeoutMillis: 10_000, args: ["--cluster-require-full-coverage", "no"] }))
  )

  it.scopedLive.each(["invalidate", "expire"] as const)(
    "an %s that a frozen node holds up beyond its time limit is told to the node of the tags",
    (operation) =>
      Effect.gen(function* () {
        const { masters, settled } = yield* RedisCluster.RedisCluster
        const redis = yield* client()
        const store = yield* by(redis, Generic.make())
        const [operationMillis, leaseMillis, breaker] = [250, 10_000, CircuitBreaker.make({})]
        const tier = StoreTier.make(store, { operationMillis, leaseMillis, breaker, onSuccess: () => {} })
        yield* eventually(store.capture({ key: "k", shape: "s", tags: ["t"], retainMillis: 60_000 }))
        // The script is known where the tags lie.
        yield* store[operation]({ keys: [], tags: ["u"] })
        const tag = by(redis, run("GET", "larder:{larder:}t:t"))
        const before = yield* tag
        const slot = Number(yield* by(redis, run("CLUSTER", "KEYSLOT", "{larder:}")))
        const at = masters.findIndex(({ slots: [first, last] }) => slot < first || slot > last)
        const { key } = (yield* keys)[at]!
        yield* masters[at]!.suspend
        const request = { keys: [{ key, shapes: ["s"] }], tags: ["t"] }
        const [error, millis] = yield* took(Effect.flip(tier[operation](request)))
        expect([error.reason, millis < 400]).toEqual(["Timeout", true])
        yield* until(tag, (now) => now !== before)
        yield* masters[at]!.resume
        yield* settled
      }).pipe(on({ nodeTimeoutMillis: 10_000, args: ["--cluster-require-full-coverage", "no"] }))
  )

  it.scopedLive(
    "a set that a frozen node holds up beyond its time limit ends what was computed from the key's value",
    () =>
      Effect.gen(function* () {
        const { masters, settled } = yield* RedisCluster.RedisCluster
        const redis = yield* client()
        const store = yield* by(redis, Generic.make())
        const [operationMillis, leaseMillis, breaker] = [250, 10_000, CircuitBreaker.make({})]
        const tier = StoreTier.make(store, { operationMillis, leaseMillis, breaker, onSuccess: () => {} })
        const slot = Number(yield* by(redis, run("CLUSTER", "KEYSLOT", "{larder:}")))
        const at = masters.findIndex(({ slots: [first, last] }) => slot < first || slot > last)
        const { key } = (yield* keys)[at]!
        const capture = yield* eventually(store.capture({ key, shape: "s", tags: ["t"], retainMillis: 60_000 }))
        const other = (yield* keys).find((one) => one.key !== key)!.key
        yield* store.capture({ key: other, shape: "s", tags: [key], retainMillis: 60_000 })
        // The script is known where the tags lie.
        yield* store.invalidate({ keys: [], tags: ["u"] })
        const tag = by(redis, run("GET", `larder:{larder:}t:${key}`))
        expect(yield* tag).not.toBe(null)
        yield* masters[at]!.suspend
        const request = { capture, learntTags: [], bytes: undefined, timeToLiveMillis: 1_000 }
        const [error, millis] = yield* took(Effect.flip(tier.commit(request)))
        expect([error.reason, millis < 400]).toEqual(["Timeout", true])
        yield* until(tag, (now) => now === null)
        yield* masters[at]!.resume
        yield* settled
      }).pipe(on({ nodeTimeoutMillis: 10_000, args: ["--cluster-require-full-coverage", "no"] }))
  )

  it.scopedLive("what was sent to a node that died fails with its connection, and is not sent again", () =>
    Effect.gen(function* () {
      const { masters, settled } = yield* RedisCluster.RedisCluster
      const redis = yield* client({ commandTimeout: "20 seconds" })
      const [, { key }] = (yield* keys) as [unknown, { key: string }]
      yield* eventually(set(redis, key))
      yield* masters[1]!.suspend
      const sent = yield* Effect.fork(by(redis, send(["INCR", `{${key}}n`], ["INCR", `{${key}}n`])))
      yield* Effect.sleep(20)
      yield* masters[1]!.stop
      expect((yield* Effect.flip(Fiber.join(sent))).reason).toBe("Unavailable")
      yield* masters[1]!.start
      yield* settled
      expect(yield* eventually(by(redis, run("GET", `{${key}}n`)))).toBe(null)
    }).pipe(on())
  )

  it.scopedLive("a node that hangs up on whoever greets it is found when it lets in again", () =>
    Effect.gen(function* () {
      const { masters, settled } = yield* RedisCluster.RedisCluster
      const redis = yield* client()
      const [, { key }] = (yield* keys) as [unknown, { key: string }]
      yield* eventually(set(redis, key))
      const { host, port, start, stop } = masters[1]!
      yield* stop
      let greeted = 0
      const door = Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const server = Net.createServer((socket) => {
            socket.on("error", () => {})
            socket.once("data", () => (greeted++, socket.destroy()))
          })
          server.listen(port, host, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      const often = until(
        Effect.sync(() => greeted),
        (times) => times >= 3
      )
      yield* Effect.scoped(Effect.zipRight(door, Effect.timeout(often, "10 seconds")))
      yield* start
      yield* settled
      expect(yield* Effect.timeout(eventually(set(redis, key)), "10 seconds")).toBe("OK")
    }).pipe(on())
  )

  it.scopedLive("a replica that takes over is found, without a restart of this program", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      const redis = yield* client()
      const [a, b] = (yield* keys).map(({ key }) => key) as [string, string]
      for (const key of [a, b]) yield* eventually(set(redis, key))
      yield* masters[1]!.stop
      expect(yield* eventually(set(redis, b, "w"))).toBe("OK")
      expect(yield* eventually(by(redis, run("GET", b)))).toBe("w")
    }).pipe(on({ replicas: 1, nodeTimeoutMillis: 500 }))
  )

  it.scopedLive("a cluster that was down as a whole is found again", () =>
    Effect.gen(function* () {
      const { masters, settled } = yield* RedisCluster.RedisCluster
      const redis = yield* client()
      const [a, b, c] = (yield* keys).map(({ key }) => key) as [string, string, string]
      for (const key of [a, b, c]) yield* eventually(set(redis, key))
      yield* Effect.forEach(masters, ({ stop }) => stop, { concurrency: 3 })
      // Every node has been tried in vain, and the next cluster too.
      const reason = Effect.map(Effect.flip(by(redis, run("GET", a))), ({ message }) => message)
      const places = masters.map(({ host, port }) => `${host}:${port}`).join(", ")
      const nobody = `Unavailable: no node of the cluster at ${places} answers (ECONNREFUSED)`
      yield* until(reason, (message) => message === nobody)
      yield* Effect.sleep(500)
      const [, millis] = yield* took(reason)
      expect(millis).toBeLessThan(500)
      yield* Effect.forEach(masters, ({ start }) => start, { concurrency: 3 })
      yield* settled
      for (const key of [a, b, c]) expect(yield* eventually(set(redis, key))).toBe("OK")
    }).pipe(on())
  )

  it.scopedLive("nothing is left of a client of a cluster, whole, frozen or down", () =>
    Effect.gen(function* () {
      const { masters } = yield* RedisCluster.RedisCluster
      const before = yield* resources
      const states = [Effect.void, masters[0]!.suspend, masters[1]!.stop, Effect.all(masters.map(({ stop }) => stop))]
      for (const bring of states) {
        const scope = yield* Scope.make()
        const redis = yield* Scope.extend(client({ connectTimeout: "20 seconds", commandTimeout: "20 seconds" }), scope)
        if (bring === Effect.void) yield* eventually(by(redis, run("GET", "k")))
        yield* bring
        const waiting = yield* Effect.fork(by(redis, run("GET", "k")))
        yield* Effect.sleep(50)
        yield* Fiber.interrupt(waiting)
        yield* Scope.close(scope, Exit.void)
      }
      const [, millis] = yield* took(until(resources, (count) => count <= before))
      expect(millis).toBeLessThan(1_000)
    }).pipe(on())
  )
})
