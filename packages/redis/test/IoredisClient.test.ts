import { expect, it } from "@effect/vitest"
import { RedisClient } from "@larder/cache/RedisClient"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestServices from "effect/TestServices"
import { vi } from "vitest"
import { IoredisClient } from "../src/index.js"
import { by, client, eventually, layerClient, run, send, until } from "./support/support.js"

const live = layerClient().pipe(Layer.provideMerge(RedisServer.layer))

describeWithRedis("IoredisClient / commands", () => {
  it.scopedLive("every byte goes out and comes back as it is", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      const view = bytes.subarray(10, 20)
      yield* send(["SET", "all", bytes], ["SET", "view", view], ["SET", "none", new Uint8Array(0)])
      const outcomes = yield* send(["GET", "all"], ["GET", "view"], ["GET", "none"], ["GET", "missing"])
      expect(outcomes.map(Either.getOrThrow)).toEqual(
        [bytes, view, new Uint8Array(0), null].map((value) => (value === null ? null : Buffer.from(value)))
      )
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("text, numbers, lists and maps keep the form of the protocol", () =>
    Effect.gen(function* () {
      expect(yield* run("SET", "k", "ä🙂")).toBe("OK")
      expect(yield* run("GET", "k")).toBe("ä🙂")
      expect(yield* run("INCR", "n")).toBe(1)
      yield* run("HSET", "h", "a", "1", "b", "2")
      // ioredis makes an object of it where the name is in lower case.
      expect(yield* run("HGETALL", "h")).toEqual(["a", "1", "b", "2"])
      expect(yield* run("EVAL", "return { 1, { 'two', false } }", "0")).toEqual([1, ["two", null]])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("each command of a round trip has its own outcome, and none repeats what was sent", () =>
    Effect.gen(function* () {
      const outcomes = yield* send(
        ["SET", "secret-key", "v"],
        ["INCR", "secret-key"],
        ["NOSUCH", "secret"],
        ["EVAL", "return redis.error_reply('SECRET ' .. ARGV[1])", "0", "secret"],
        ["GET", "secret-key"]
      )
      expect(outcomes.map((outcome) => (Either.isRight(outcome) ? "ok" : outcome.left.message))).toEqual([
        "ok",
        "Rejected: ERR",
        "Rejected: ERR",
        "Rejected: ERR",
        "ok"
      ])
      expect(JSON.stringify(outcomes)).not.toMatch(/secret/i)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("what is neither text nor bytes is refused, and nothing of its round trip is sent", () =>
    Effect.gen(function* () {
      for (const value of [undefined, null, 1n, 1, {}, [["a"]]]) {
        const error = yield* Effect.flip(send(["SET", "k", "v"], ["SET", "secret", value as unknown as string]))
        expect(error.message).toBe("Rejected: argument 2 of command 1 is neither text nor bytes")
      }
      expect(yield* run("GET", "k")).toBe(null)
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("no commands are no round trip", () =>
    Effect.gen(function* () {
      expect(yield* send()).toEqual([])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("an interrupted command leaves the others their own replies", () =>
    Effect.gen(function* () {
      yield* run("SET", "a", "alice")
      yield* run("SET", "b", "bob")
      for (let i = 0; i < 50; i++) {
        const given = yield* Effect.fork(run("GET", "a"))
        const kept = yield* Effect.fork(run("GET", "b"))
        yield* Fiber.interrupt(given)
        expect(yield* Fiber.join(kept)).toBe("bob")
      }
    }).pipe(Effect.provide(live))
  )
})

describeWithRedis("IoredisClient / channels", () => {
  it.scopedLive("a subscription hears what is published after it was confirmed, line breaks included", () =>
    Effect.gen(function* () {
      const redis = yield* RedisClient
      const heard = yield* Queue.unbounded<string>()
      yield* Effect.forkScoped(Stream.runForEach(redis.subscribe("news"), (message) => Queue.offer(heard, message)))
      yield* until(run("PUBSUB", "NUMSUB", "news"), (reply) => (reply as ReadonlyArray<unknown>)[1] === 1)
      for (const message of ["one", "two\nlines", "", "drei: ä"]) yield* redis.publish("news", message)
      yield* redis.publish("other", "nothing")
      expect(Chunk.toReadonlyArray(yield* Queue.takeN(heard, 4))).toEqual(["one", "two\nlines", "", "drei: ä"])
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("a subscription ends its connection with itself", () =>
    Effect.gen(function* () {
      const redis = yield* RedisClient
      const listener = yield* Effect.fork(Stream.runDrain(redis.subscribe("news")))
      yield* until(run("PUBSUB", "NUMSUB", "news"), (reply) => (reply as ReadonlyArray<unknown>)[1] === 1)
      yield* Fiber.interrupt(listener)
      yield* until(run("CLIENT", "LIST", "TYPE", "pubsub"), (list) => list === "")
    }).pipe(Effect.provide(live))
  )

  it.scopedLive("a subscription fails when its connection is lost", () =>
    Effect.gen(function* () {
      const redis = yield* RedisClient
      const listener = yield* Effect.fork(Stream.runDrain(redis.subscribe("news")))
      yield* until(run("PUBSUB", "NUMSUB", "news"), (reply) => (reply as ReadonlyArray<unknown>)[1] === 1)
      yield* run("CLIENT", "KILL", "TYPE", "pubsub")
      expect((yield* Effect.flip(Fiber.join(listener))).reason).toBe("Unavailable")
    }).pipe(Effect.provide(live))
  )
})

describeWithRedis("IoredisClient / life", () => {
  it.scopedLive("the first commands wait for the first attempt to connect, and not longer", () =>
    Effect.gen(function* () {
      expect(yield* by(yield* client(), run("PING"))).toBe("PONG")
      const server = yield* RedisServer.RedisServer
      yield* server.suspend
      const redis = yield* client({ connectTimeout: 100 })
      const error = yield* Effect.flip(by(redis, send(["PING"])))
      expect(error.message).toBe(`Unavailable: no connection to 127.0.0.1:${server.port} within 100 ms`)
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("it is said where nobody answers, and never who asked", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      yield* server.stop
      const { port } = server
      const path = "/nowhere/redis.sock"
      const messages = yield* Effect.forEach(
        [`redis://ada:s3cret@127.0.0.1:${port}/3`, `redis://:s3cret@[::ffff:127.0.0.1]:${port}`, `unix://${path}`],
        (url) =>
          Effect.flatMap(IoredisClient.make({ url }), (redis) =>
            Effect.map(Effect.flip(by(redis, send(["PING"]))), ({ message }) => message)
          )
      )
      expect(messages).toEqual([
        `Unavailable: no connection to 127.0.0.1:${port} (ECONNREFUSED)`,
        `Unavailable: no connection to [::ffff:7f00:1]:${port} (ECONNREFUSED)`,
        `Unavailable: no connection to ${path} (ENOENT)`
      ])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scoped("its time is real under a virtual clock", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const redis = yield* client({ connectTimeout: 100, commandTimeout: 100 })
      expect(yield* by(redis, run("PING"))).toBe("PONG")
      yield* server.suspend
      expect((yield* Effect.flip(by(redis, send(["PING"])))).reason).toBe("Unavailable")
      yield* server.resume
      yield* TestServices.provideLive(eventually(by(redis, run("PING"))))
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("nothing is printed while a server is away", () =>
    Effect.gen(function* () {
      const printed: Array<unknown> = []
      const spies = (["log", "warn", "error"] as const).map((name) =>
        vi.spyOn(console, name).mockImplementation((...args) => void printed.push(args))
      )
      const server = yield* RedisServer.RedisServer
      const redis = yield* client()
      yield* by(redis, run("PING"))
      yield* server.stop
      yield* until(Effect.flip(by(redis, send(["PING"]))), ({ detail }) => detail.includes("ECONNREFUSED"))
      yield* Effect.sync(() => spies.forEach((spy) => spy.mockRestore()))
      expect(printed).toEqual([])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.scopedLive("a program starts without its server, whose first commands fail, and finds it later", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      yield* server.stop
      const redis = yield* client()
      const error = yield* Effect.flip(by(redis, send(["PING"])))
      expect(error.message).toBe(`Unavailable: no connection to 127.0.0.1:${server.port} (ECONNREFUSED)`)
      yield* server.start
      expect(yield* by(redis, eventually(run("PING")))).toBe("PONG")
    }).pipe(Effect.provide(RedisServer.layer))
  )
})
