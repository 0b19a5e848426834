/** What `@upstash/redis` does by default, and what must not happen to us. */
import { expect, it, layer } from "@effect/vitest"
import { RedisClient, type RedisError } from "@larder/cache/RedisClient"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import { describe } from "vitest"
import { UpstashClient } from "../src/index.js"
import * as Requester from "../src/internal/requester.js"
import { layerWithServer, listen, recorder, run, send, unbuildable, until } from "./support.js"

const circular: { self?: unknown } = {}
circular.self = circular

describeWithRedis("traps of @upstash/redis", () => {
  layer(layerWithServer, { excludeTestServices: true })((it) => {
    it.effect.each([
      ["bigint", 1n],
      ["circular", circular],
      ["bytes", new Uint8Array(2)],
      ["undefined", undefined]
    ] as const)(
      "auto-pipelining: a %s argument fails its own command and hands nobody another caller's data",
      ([, value]) =>
        Effect.gen(function* () {
          yield* send(["SET", "alice", "value of alice"], ["SET", "bob", "value of bob"], ["SET", "lock", "held"])
          const { requests } = yield* UpstashLocal.UpstashLocal
          yield* requests.reset
          const outcomes = yield* Effect.all(
            [
              send(unbuildable(value)),
              send(["GET", "alice"]),
              send(["GET", "bob"], unbuildable(value)),
              send(["SET", "lock", "mine", "NX"]),
              send(["GET", "bob"], ["GET", "alice"])
            ].map(Effect.either),
            { concurrency: "unbounded" }
          )
          expect(outcomes).toEqual([
            expect.objectContaining({ _tag: "Left" }),
            Either.right([Either.right("value of alice")]),
            expect.objectContaining({ _tag: "Left" }),
            Either.right([Either.right(null)]),
            Either.right([Either.right("value of bob"), Either.right("value of alice")])
          ])
          for (const index of [0, 2]) {
            const error = Either.getOrThrow(Either.flip(outcomes[index]!)) as RedisError
            expect(error).toMatchObject({ reason: "Rejected", detail: expect.stringMatching(/is not text/) })
          }
          // Not sent at all: three requests with four commands.
          expect(yield* requests.counts).toMatchObject({ requests: 3, commands: 4 })
        })
    )

    it.effect("deserialization: what looks like JSON stays the string it was", () =>
      Effect.gen(function* () {
        for (const text of ["123", "1e3", "true", "false", "null", "{}", "[1]", '"a"', "", "OK", "undefined", "T0s="]) {
          yield* run("SET", "text", text)
          expect(yield* run("GET", "text")).toBe(text)
          expect(yield* send(["GET", "text"], ["MGET", "text"])).toEqual([Either.right(text), Either.right([text])])
          expect(yield* run("EVAL", "return {{ARGV[1]}}", "0", text)).toEqual([[text]])
        }
      })
    )

    it.effect("retry: a server that breaks the connection is asked exactly once, by one command and by several", () =>
      Effect.gen(function* () {
        const { faults, requests } = yield* UpstashLocal.UpstashLocal
        for (const commands of [
          [["INCR", "n"]],
          [
            ["INCR", "n"],
            ["INCR", "n"]
          ]
        ] as const) {
          for (const fault of [Fault.reset, Fault.internalError, Fault.garbage()]) {
            yield* requests.reset
            yield* faults.set(fault)
            yield* Effect.ignore(send(...commands))
            yield* faults.set(Fault.none)
            expect([fault._tag, (yield* requests.counts).requests]).toEqual([fault._tag, 1])
          }
        }
      })
    )

    it.effect("signal: interrupting a command closes its connection, and no other command's", () =>
      Effect.gen(function* () {
        const { faults, requests } = yield* UpstashLocal.UpstashLocal
        yield* faults.set(Fault.hang)
        yield* requests.reset
        const [one, two] = [yield* Effect.fork(run("PING")), yield* Effect.fork(send(["PING"], ["PING"]))]
        yield* until(requests.counts, (counts) => counts.requests === 2)
        yield* faults.set(Fault.latency("100 millis"))
        const other = yield* Effect.fork(run("ECHO", "still here"))
        yield* until(requests.counts, (counts) => counts.requests === 3)
        yield* faults.set(Fault.none)
        yield* Fiber.interrupt(one)
        yield* until(requests.counts, (counts) => counts.aborted === 1)
        yield* Fiber.interrupt(two)
        yield* until(requests.counts, (counts) => counts.aborted === 2)
        expect(yield* Fiber.join(other)).toBe("still here")
        expect((yield* requests.counts).aborted).toBe(2)
      })
    )

    it.effect("signal: an aborted request rejects, where a static signal would resolve it with nonsense", () =>
      Effect.gen(function* () {
        const { faults, requests, token, url } = yield* UpstashLocal.UpstashLocal
        const request = Requester.make({ url, host: new URL(url).host, token })
        yield* faults.set(Fault.hang)
        yield* requests.reset
        for (const [path, body] of [
          [[], ["PING"]],
          [["pipeline"], [["PING"]]]
        ] as const) {
          const controller = new AbortController()
          const answer = request(path, body, controller.signal).then(Either.right, Either.left)
          yield* until(requests.counts, (counts) => counts.requests > 0)
          yield* requests.reset
          controller.abort()
          expect(yield* Effect.promise(() => answer)).toEqual(
            Either.left(expect.objectContaining({ name: "AbortError" }))
          )
        }
        yield* faults.set(Fault.none)
      })
    )

    it.effect("hgetall: the reply is the flat list that Redis answers", () =>
      Effect.gen(function* () {
        yield* run("HSET", "h", "1", "true")
        expect(yield* run("HGETALL", "h")).toEqual(["1", "true"])
      })
    )

    it.effect("no time limit: a server that never answers is left when the caller's own limit says so", () =>
      Effect.gen(function* () {
        const { faults, requests } = yield* UpstashLocal.UpstashLocal
        yield* faults.set(Fault.hang)
        yield* requests.reset
        const exit = yield* Effect.exit(Effect.timeout(run("PING"), "50 millis"))
        yield* faults.set(Fault.none)
        expect(Exit.isFailure(exit)).toBe(true)
        yield* until(requests.counts, (counts) => counts.aborted === 1)
      })
    )
  })
})

// `it.live`: after a `layer` of @effect/vitest, `it.effect` has that layer in the whole file.
describe("traps of @upstash/redis / the wire", () => {
  it.scopedLive("retry: one connection, and no wait of 4.3 s, when nobody answers", () =>
    Effect.gen(function* () {
      let connections = 0
      const url = yield* listen(
        Net.createServer((socket) => {
          connections++
          socket.destroy()
        })
      )
      const client = yield* UpstashClient.make({ url, token: Redacted.make("t") })
      for (const commands of [
        [["GET", "k"]],
        [
          ["GET", "k"],
          ["GET", "k"]
        ]
      ] as const) {
        connections = 0
        const error = yield* Effect.flip(client.send(commands)).pipe(Effect.timeout("2 seconds"))
        expect(error).toMatchObject({ reason: "Unavailable", detail: expect.stringMatching(/^no answer/) })
        expect(connections).toBe(1)
      }
    })
  )

  it.scopedLive("retry: a port nobody listens on is an error at once, by its name", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(listen(Net.createServer()))
      const client = yield* UpstashClient.make({ url, token: Redacted.make("t") })
      const error = yield* Effect.flip(client.send([["GET", "k"]])).pipe(Effect.timeout("2 seconds"))
      expect(error).toMatchObject({
        reason: "Unavailable",
        detail: `no answer from ${new URL(url).host} (ECONNREFUSED)`
      })
    })
  )

  it.scopedLive("telemetry and base64: no header but those that are needed", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* recorder(() => [200, '{"result":"PONG"}'])
      yield* client.send([["PING"]])
      const [{ headers }] = requests as [(typeof requests)[0]]
      expect(headers["authorization"]).toBe("Bearer secret-token")
      expect(Object.keys(headers).filter((name) => /upstash/.test(name))).toEqual(["upstash-sync-token"])
    })
  )

  it.scopedLive("readYourWrites: each request carries the sync token of the answer before", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* recorder(() => [200, '{"result":"PONG"}'])
      for (let count = 0; count < 3; count++) yield* client.send([["PING"]])
      expect(requests.map(({ headers }) => headers["upstash-sync-token"])).toEqual(["", "token-1", "token-2"])
    })
  )

  it.live("credentials: without them nothing is built that would fail at its first command", () =>
    Effect.gen(function* () {
      const client = UpstashClient.layer({ url: "", token: Redacted.make("") })
      expect(yield* Effect.flip(Effect.provide(RedisClient, client))).toMatchObject({ _op: "InvalidData" })
    })
  )
})
