import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Redis } from "@upstash/redis"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestContext from "effect/TestContext"
import { Fault, UpstashLocal } from "../src/index.js"
import { ask, asBytes, command, post, until } from "./support/support.js"

const server = UpstashLocal.layerWithRedis()

/** A process of its own, as far as Upstash can tell. */
const client = (options: { readonly readYourWrites?: boolean } = {}) =>
  Effect.map(
    UpstashLocal.UpstashLocal,
    ({ token, url }) => new Redis({ url, token: Redacted.value(token), enableAutoPipelining: false, ...options })
  )

const get = (redis: Redis, key = "k") => Effect.promise(() => redis.get<string>(key))
const set = (redis: Redis, value: string, key = "k") => Effect.promise(() => redis.set(key, value))

const lag = (millis: number) =>
  Effect.flatMap(UpstashLocal.UpstashLocal, ({ faults }) => faults.set(Fault.replicaLag(millis)))

/** Longer than a test takes: nothing arrives by itself. */
const forever = 600_000

describeWithRedis("UpstashLocal / replica lag", () => {
  it.scopedLive("a client sees its own writes, another one what was there before until the lag has passed", () =>
    Effect.gen(function* () {
      const writer = yield* client()
      const other = yield* client()
      yield* set(writer, "old")
      yield* lag(300)
      expect(yield* get(other)).toBe("old")
      const before = performance.now()
      yield* set(writer, "new")
      expect(yield* get(writer)).toBe("new")
      expect(yield* get(other)).toBe("old")
      yield* until(get(other), (value) => value === "new")
      expect(performance.now() - before).toBeGreaterThanOrEqual(299)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("without the sync token a client does not see its own writes", () =>
    Effect.gen(function* () {
      const forgetful = yield* client({ readYourWrites: false })
      yield* set(forgetful, "old")
      yield* lag(forever)
      yield* set(forgetful, "new")
      expect(yield* get(forgetful)).toBe("old")
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("who has seen a value does not see it go back", () =>
    Effect.gen(function* () {
      const writer = yield* client()
      yield* set(writer, "old")
      yield* lag(forever)
      yield* set(writer, "new")
      const { headers } = yield* post("/", ["SET", "other", "1"])
      const seen = { "upstash-sync-token": headers.get("upstash-sync-token")! }
      expect((yield* post("/", ["GET", "k"], seen)).body).toEqual({ result: "new" })
      expect(
        (yield* post(
          "/pipeline",
          [
            ["GET", "k"],
            ["EXISTS", "other"]
          ],
          seen
        )).body
      ).toEqual([{ result: "new" }, { result: 1 }])
      for (const token of ["", "nonsense", `${"0".repeat(12)}-1-999999`]) {
        expect((yield* post("/", ["GET", "k"], { "upstash-sync-token": token })).body).toEqual({ result: "old" })
      }
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("what an answer of the replica showed is what its token stands for, and no more", () =>
    Effect.gen(function* () {
      const other = yield* client()
      yield* command("SET", "k", "old")
      yield* lag(forever)
      yield* command("SET", "k", "new")
      expect([yield* get(other), yield* get(other)]).toEqual(["old", "old"])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("scripts, transactions and whatever writes meet the first server", () =>
    Effect.gen(function* () {
      yield* command("SET", "n", "1")
      yield* lag(forever)
      expect(yield* command("INCR", "n")).toEqual({ result: 2 })
      expect(yield* command("GET", "n")).toEqual({ result: "1" })
      expect(yield* command("EVAL", "return redis.call('GET', KEYS[1])", 1, "n")).toEqual({ result: "2" })
      expect(yield* command("EVAL_RO", "return redis.call('GET', KEYS[1])", 1, "n")).toEqual({ result: "2" })
      expect((yield* post("/multi-exec", [["GET", "n"]])).body).toEqual([{ result: "2" }])
      expect(
        (yield* post("/pipeline", [
          ["GET", "n"],
          ["INCR", "n"]
        ])).body
      ).toEqual([{ result: "2" }, { result: 3 }])
      expect((yield* asBytes("/", ["GET", "n"])).text).toBe("$1\r\n1\r\n")
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("writes arrive in order", () =>
    Effect.gen(function* () {
      const other = yield* client({ readYourWrites: false })
      yield* command("DEL", "list")
      yield* lag(50)
      const all = Array.from({ length: 60 }, (_, index) => String(index))
      const write = Effect.forEach(all, (value) => Effect.delay(command("RPUSH", "list", value), "2 millis"))
      const writing = yield* Effect.fork(write)
      const lengths: Array<number> = []
      yield* until(
        Effect.promise(() => other.lrange<number>("list", 0, -1)),
        (list) => {
          expect(list.map(String)).toEqual(all.slice(0, list.length))
          lengths.push(list.length)
          return list.length === all.length
        }
      )
      yield* writing.await
      expect(lengths).toEqual(lengths.toSorted((a, b) => a - b))
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a shorter lag lets arrive what waits, and without the fault nothing lags", () =>
    Effect.gen(function* () {
      const { faults } = yield* UpstashLocal.UpstashLocal
      const other = yield* client({ readYourWrites: false })
      yield* command("SET", "k", "old")
      yield* lag(forever)
      yield* command("SET", "k", "new")
      expect(yield* get(other)).toBe("old")
      yield* lag(0)
      yield* until(get(other), (value) => value === "new")
      yield* lag(forever)
      yield* command("SET", "k", "newer")
      expect(yield* get(other)).toBe("new")
      yield* faults.set(Fault.none)
      expect(yield* get(other)).toBe("newer")
    }).pipe(Effect.provide(server))
  )

  it.effect("under a virtual clock the replica is there when the fault is set, and lives in real time", () =>
    Effect.gen(function* () {
      yield* command("SET", "k", "old")
      yield* lag(forever)
      yield* command("SET", "k", "new")
      expect((yield* ask("/get/k")).body).toEqual({ result: "old" })
    }).pipe(Effect.provide(server), Effect.provide(TestContext.TestContext))
  )

  it.scopedLive("a server with a user, a password and a database is followed as well", () =>
    Effect.gen(function* () {
      const redis = yield* RedisServer.make({ args: ["--user", "app", "on", ">secret", "~*", "&*", "+@all"] })
      const redisUrl = `redis://app:secret@${redis.host}:${redis.port}/3`
      yield* Effect.gen(function* () {
        yield* command("SET", "k", "old")
        yield* lag(forever)
        yield* command("SET", "k", "new")
        expect(yield* command("GET", "k")).toEqual({ result: "old" })
      }).pipe(Effect.provide(UpstashLocal.layer({ redisUrl })))
    })
  )

  it.scopedLive("is there before Redis would begin its first copy, and leaves the configuration as it was", () =>
    Effect.gen(function* () {
      const setting = command("CONFIG", "GET", "repl-diskless-sync-delay")
      const before = yield* setting
      expect(before).toEqual({ result: ["repl-diskless-sync-delay", "5"] })
      const start = performance.now()
      yield* lag(0)
      expect(performance.now() - start).toBeLessThan(5_000)
      expect(yield* setting).toEqual(before)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("where no replica can be started, reads say so, and writes go on", () =>
    Effect.gen(function* () {
      const path = process.env["PATH"]
      yield* Effect.addFinalizer(() => Effect.sync(() => (process.env["PATH"] = path)))
      process.env["PATH"] = "/nowhere"
      yield* lag(0)
      const read = yield* ask("/get/k")
      expect([read.status, read.body]).toEqual([500, { error: expect.stringContaining("no redis-server on the PATH") }])
      expect(yield* command("SET", "k", "v")).toEqual({ result: "OK" })
      process.env["PATH"] = path
      yield* lag(0)
      yield* until(command("GET", "k"), (answer) => JSON.stringify(answer) === '{"result":"v"}')
    }).pipe(Effect.provide(server))
  )
})
