import { expect, it } from "@effect/vitest"
import type { RedisClient } from "@larder/cache/RedisClient"
import * as Generic from "@larder/cache/RedisStore"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { IoredisClient } from "../src/index.js"
import { by, client, eventually, resources, run, send, took, until } from "./support/support.js"

const ping = (redis: RedisClient["Type"]) => by(redis, run("PING"))

const failure = (redis: RedisClient["Type"]) =>
  Effect.map(Effect.flip(by(redis, send(["PING"]))), ({ message }) => message)

const onServer = <A, E>(
  effect: Effect.Effect<A, E, RedisServer.RedisServer | Scope.Scope>,
  ...args: ReadonlyArray<string>
) =>
  Effect.provide(effect, RedisServer.layerWith({ args })) as Effect.Effect<
    A,
    E | RedisServer.RedisServerError,
    Scope.Scope
  >

describeWithRedis("faults / a server that goes away", () => {
  it.scopedLive("while it is down commands fail at once, and after its restart they work again", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client()
      for (let i = 0; i < 3; i++) {
        expect(yield* eventually(ping(redis))).toBe("PONG")
        yield* server.stop
        yield* until(Effect.exit(ping(redis)), Exit.isFailure)
        const [reason, millis] = yield* took(failure(redis))
        expect(reason).toMatch(/^Unavailable: /)
        expect(millis).toBeLessThan(500)
        yield* server.start
      }
      expect(yield* eventually(ping(redis))).toBe("PONG")
    }).pipe(onServer)
  )

  it.scopedLive("what was sent to a server that died fails once, with nothing sent again", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ commandTimeout: "5 seconds" })
      yield* eventually(ping(redis))
      yield* server.suspend
      const waiting = yield* Effect.fork(by(redis, send(["INCR", "n"], ["INCR", "n"])))
      yield* Effect.yieldNow()
      yield* server.stop
      expect((yield* Effect.flip(Fiber.join(waiting))).message).toMatch(
        /^Unavailable: the connection ended before the reply/
      )
      yield* server.start
      expect(yield* eventually(by(redis, run("GET", "n")))).toBe(null)
    }).pipe(onServer)
  )

  it.scopedLive("a killed connection is made anew", () =>
    Effect.gen(function* () {
      const [redis, other] = [yield* client(), yield* client()]
      const id = yield* by(redis, run("CLIENT", "ID"))
      yield* by(other, run("CLIENT", "KILL", "ID", String(id)))
      expect(yield* eventually(by(redis, run("CLIENT", "ID")))).not.toBe(id)
    }).pipe(onServer)
  )

  it.scopedLive("scripts that a server has forgotten are sent again", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client()
      const store = yield* by(redis, Generic.make())
      const invalidate = store.invalidate({ keys: [], tags: ["t"] })
      yield* invalidate
      yield* by(redis, run("SCRIPT", "FLUSH"))
      yield* invalidate
      yield* server.stop
      yield* server.start
      yield* eventually(invalidate)
    }).pipe(onServer)
  )
})

describeWithRedis("faults / a server that is frozen", () => {
  it.scopedLive("commands end within the limit, the connection with them, and the server is found again", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ commandTimeout: 500, connectTimeout: 500 })
      yield* eventually(ping(redis))
      yield* server.suspend
      const [, millis] = yield* took(failure(redis))
      expect(millis).toBeGreaterThan(400)
      expect(millis).toBeLessThan(2_000)
      // Later ones do not wait for a server that is known not to answer.
      yield* until(failure(redis), (message) => /no connection/.test(message))
      const [again, soon] = yield* took(failure(redis))
      expect([again, soon < 400]).toEqual([again, true])
      yield* server.resume
      expect(yield* eventually(ping(redis))).toBe("PONG")
    }).pipe(onServer)
  )

  it.scopedLive("commands that nobody waits for any more are bounded in number", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ commandTimeout: "5 seconds", maxInFlight: 10 })
      yield* eventually(ping(redis))
      yield* server.suspend
      for (let i = 0; i < 10; i++) yield* Effect.timeoutOption(by(redis, send(["PING"])), 1)
      expect(yield* failure(redis)).toBe("Unavailable: too many commands wait for a reply")
      yield* server.resume
      expect(yield* eventually(ping(redis))).toBe("PONG")
    }).pipe(onServer)
  )

  it.scopedLive("large values count for more", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ commandTimeout: "5 seconds", maxInFlight: 100 })
      const large = by(redis, send(["SET", "k", new Uint8Array(1_000_000)]))
      // What is too large for the bound passes alone.
      yield* large
      yield* server.suspend
      yield* Effect.timeoutOption(large, 1)
      expect(yield* failure(redis)).toBe("Unavailable: too many commands wait for a reply")
    }).pipe(onServer)
  )

  it.scopedLive("a subscription learns of it", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ commandTimeout: 200 })
      const listener = yield* Effect.fork(Stream.runDrain(redis.subscribe("news")))
      yield* until(by(redis, run("PUBSUB", "NUMSUB", "news")), (reply) => (reply as ReadonlyArray<unknown>)[1] === 1)
      yield* server.suspend
      expect((yield* Effect.flip(Fiber.join(listener))).reason).toBe("Unavailable")
    }).pipe(onServer)
  )
})

describeWithRedis("faults / a server that refuses", () => {
  it.scopedLive("a wrong password is said by its code, and right again when it is right again", () =>
    Effect.gen(function* () {
      const admin = yield* client()
      yield* eventually(ping(admin))
      yield* by(admin, run("CONFIG", "SET", "requirepass", "first-secret"))
      const right = yield* client({ password: Redacted.make("first-secret") })
      const none = yield* client()
      const wrong = yield* client({ password: Redacted.make("other-secret") })
      expect(yield* ping(right)).toBe("PONG")
      expect((yield* Effect.flip(ping(none))).message).toBe("Rejected: NOAUTH")
      expect(yield* failure(wrong)).toBe("Rejected: WRONGPASS: the server did not let us in")

      yield* by(admin, run("CONFIG", "SET", "requirepass", "other-secret"))
      expect(yield* eventually(ping(wrong))).toBe("PONG")
      // Connections that are in stay in.
      expect(yield* ping(right)).toBe("PONG")
      const id = yield* by(right, run("CLIENT", "ID"))
      yield* by(admin, run("CLIENT", "KILL", "ID", String(id)))
      yield* until(failure(right), (message) => message === "Rejected: WRONGPASS: the server did not let us in")
      yield* by(admin, run("CONFIG", "SET", "requirepass", "first-secret"))
      expect(yield* eventually(ping(right))).toBe("PONG")
    }).pipe(onServer)
  )

  it.scopedLive("a user is known by name and password, and thrown out when it is deleted", () =>
    Effect.gen(function* () {
      const admin = yield* client()
      const create = by(admin, run("ACL", "SETUSER", "app", "on", ">p@ss/secret", "~*", "&*", "+@all"))
      yield* create
      const { port } = yield* RedisServer.RedisServer
      const redis = yield* IoredisClient.make({ url: `redis://app:p%40ss%2Fsecret@127.0.0.1:${port}` })
      expect(yield* by(redis, run("ACL", "WHOAMI"))).toBe("app")
      yield* by(admin, run("ACL", "DELUSER", "app"))
      yield* until(failure(redis), (message) => message === "Rejected: WRONGPASS: the server did not let us in")
      yield* create
      expect(yield* eventually(ping(redis))).toBe("PONG")
    }).pipe(onServer)
  )

  it.scopedLive("commands go to the database of the options", () =>
    Effect.gen(function* () {
      const third = yield* client({ database: 3 })
      yield* by(third, run("SET", "k", "v"))
      expect(yield* by(yield* client(), run("GET", "k"))).toBe(null)
      expect(yield* by(yield* client({ database: 3 }), run("GET", "k"))).toBe("v")
    }).pipe(onServer)
  )

  it.scopedLive("a database that is not there is an error, not database 0", () =>
    Effect.gen(function* () {
      const redis = yield* client({ database: 99 })
      expect(yield* failure(redis)).toBe("Rejected: ERR: the server refused the database")
    }).pipe(onServer)
  )

  it.scopedLive("a full server refuses what is written, by its code, and answers what is read", () =>
    Effect.gen(function* () {
      const redis = yield* client()
      yield* by(redis, run("SET", "k", "v"))
      yield* by(redis, run("CONFIG", "SET", "maxmemory", "1"))
      expect((yield* Effect.flip(by(redis, run("SET", "k", "w")))).message).toBe("Rejected: OOM")
      expect(yield* by(redis, run("GET", "k"))).toBe("v")
    }).pipe((effect) => onServer(effect, "--maxmemory-policy", "noeviction"))
  )

  it.scopedLive("a primary that became a replica is left, and not asked without a pause", () =>
    Effect.gen(function* () {
      const [redis, admin] = [yield* client(), yield* client()]
      yield* by(redis, run("SET", "k", "v"))
      const before = yield* by(redis, run("CLIENT", "ID"))
      yield* by(admin, run("REPLICAOF", "127.0.0.1", "1"))
      const write = by(redis, run("SET", "k", "w"))
      expect((yield* Effect.flip(write)).message).toBe("Rejected: READONLY")
      // Writing all the time for half a second makes a handful of connections: the pause doubles.
      yield* Effect.timeoutOption(Effect.forever(Effect.zipRight(Effect.ignore(write), Effect.sleep(1))), 500)
      const after = yield* eventually(by(redis, run("CLIENT", "ID")))
      expect(after).toBeGreaterThan(before as number)
      expect((after as number) - (before as number)).toBeLessThan(12)
      yield* by(admin, run("REPLICAOF", "NO", "ONE"))
      expect(yield* eventually(write)).toBe("OK")
    }).pipe(onServer)
  )
})

describeWithRedis("faults / a unix socket", () => {
  it.scopedLive("is as good as a port", () =>
    Effect.gen(function* () {
      // A server that is killed leaves its socket behind.
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const path = join(folder, "redis.sock")
      yield* Effect.gen(function* () {
        for (const options of [{ path }, { url: `unix://${path}` }]) {
          const redis = yield* IoredisClient.make(options)
          expect(yield* ping(redis)).toBe("PONG")
        }
      }).pipe((effect) => onServer(effect, "--unixsocket", path))
    })
  )
})

describeWithRedis("faults / nothing is left", () => {
  const states: ReadonlyArray<readonly [string, (server: RedisServer.RedisServer["Type"]) => Effect.Effect<void>]> = [
    ["that answers", () => Effect.void],
    ["that is down", (server) => server.stop],
    ["that is frozen", (server) => server.suspend]
  ]
  it.scopedLive.each(states)("of a client of a server %s", ([, bring]) =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const before = yield* resources
      for (let i = 0; i < 5; i++) {
        const scope = yield* Scope.make()
        const redis = yield* Scope.extend(client({ connectTimeout: "20 seconds", commandTimeout: "20 seconds" }), scope)
        if (i % 2 === 0) yield* eventually(ping(redis))
        yield* bring(server)
        const waiting = yield* Effect.fork(failure(redis))
        const listener = yield* Effect.fork(Stream.runDrain(redis.subscribe("news")))
        yield* Effect.sleep(20)
        yield* Effect.zip(Fiber.interrupt(waiting), Fiber.interrupt(listener), { concurrent: true })
        yield* Scope.close(scope, Exit.void)
        yield* server.resume
        yield* Effect.orDie(server.start)
      }
      const [after, millis] = yield* took(until(resources, (count) => count <= before))
      expect(after).toBeLessThanOrEqual(before)
      expect(millis).toBeLessThan(1_000)
    }).pipe(onServer)
  )

  it.scopedLive("over many connections lost and made, one is there at a time", () =>
    Effect.gen(function* () {
      const [redis, admin] = [yield* client(), yield* client()]
      yield* eventually(ping(redis))
      const before = yield* resources
      // Each pause is twice the one before, up to a second.
      for (let i = 0; i < 8; i++) {
        const id = yield* eventually(by(redis, run("CLIENT", "ID")))
        const list = String(yield* by(admin, run("CLIENT", "LIST")))
        expect(list.split("name=larder").length - 1).toBe(2)
        yield* by(admin, run("CLIENT", "KILL", "ID", String(id)))
      }
      yield* eventually(ping(redis))
      yield* until(resources, (count) => count <= before)
    }).pipe(onServer)
  )
})
