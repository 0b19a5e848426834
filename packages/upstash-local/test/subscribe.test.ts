import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Redis } from "@upstash/redis"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { UpstashLocal } from "../src/index.js"
import { command, until } from "./support/support.js"

/** The lines of an event stream, as they come; a failure when the connection breaks. */
const streamOf = (path: string, headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const response = yield* Effect.tryPromise((signal) =>
      fetch(url + path, {
        headers: { authorization: `Bearer ${Redacted.value(token)}`, ...headers },
        signal
      })
    )
    expect(response.headers.get("content-type")).toBe("text/event-stream")
    const queue = yield* Queue.unbounded<string>()
    const done = yield* Stream.fromReadableStream(
      () => response.body!,
      (error) => error
    ).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) => Queue.offer(queue, line)),
      Effect.forkScoped
    )
    const take = (count: number) => Effect.map(Queue.takeN(queue, count), Chunk.toReadonlyArray)
    return { take, done }
  })

const lines = (channel: string) => streamOf(`/subscribe/${encodeURIComponent(channel)}`)

const server = UpstashLocal.layerWithRedis()

describeWithRedis("UpstashLocal / subscribe", () => {
  it.scopedLive("confirms, then sends each message as it was published", () =>
    Effect.gen(function* () {
      const { take } = yield* lines("news")
      expect(yield* take(2)).toEqual(["data: subscribe,news,1", ""])
      yield* command("PUBLISH", "news", '{"a":1,"b":[2]}')
      yield* command("PUBLISH", "news", "é,漢")
      yield* command("PUBLISH", "other", "no")
      yield* command("PUBLISH", "news", "last")
      expect(yield* take(6)).toEqual([
        'data: message,news,{"a":1,"b":[2]}',
        "",
        "data: message,news,é,漢",
        "",
        "data: message,news,last",
        ""
      ])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a message of several lines is one event of several data lines", () =>
    Effect.gen(function* () {
      const { take } = yield* lines("multi")
      yield* take(2)
      yield* command("PUBLISH", "multi", "a\n\nb")
      expect(yield* take(4)).toEqual(["data: message,multi,a", "data: ", "data: b", ""])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a client that leaves gives its connection to Redis back", () =>
    Effect.gen(function* () {
      const subscribers = Effect.map(
        command("PUBSUB", "NUMSUB", "left"),
        (answer) => answer as { result: [string, number] }
      )
      const scope = yield* Scope.make()
      const { take } = yield* Scope.extend(lines("left"), scope)
      yield* take(2)
      expect((yield* subscribers).result[1]).toBe(1)
      yield* Scope.close(scope, Exit.void)
      yield* until(subscribers, ({ result }) => result[1] === 0)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a disconnect breaks open subscriptions", () =>
    Effect.gen(function* () {
      const { done, take } = yield* lines("cut")
      yield* take(2)
      const { faults } = yield* UpstashLocal.UpstashLocal
      yield* faults.disconnect
      expect(Exit.isFailure(yield* done.await)).toBe(true)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a redis-server that goes away ends its subscriptions: no silence", () =>
    Effect.gen(function* () {
      const { done, take } = yield* lines("gone")
      yield* take(2)
      const redis = yield* RedisServer.RedisServer
      yield* redis.stop
      expect(Exit.isSuccess(yield* done.await)).toBe(true)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("several channels are one stream, each confirmed", () =>
    Effect.gen(function* () {
      const { take } = yield* streamOf("/subscribe/one/t%2Fwo")
      expect(yield* take(4)).toEqual(["data: subscribe,one,1", "", "data: subscribe,t/wo,2", ""])
      yield* command("PUBLISH", "t/wo", "2")
      yield* command("PUBLISH", "one", "1")
      expect(yield* take(4)).toEqual(["data: message,t/wo,2", "", "data: message,one,1", ""])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("a pattern hears every channel that it matches, and is told which", () =>
    Effect.gen(function* () {
      const { take } = yield* streamOf("/psubscribe/news%3A*")
      expect(yield* take(2)).toEqual(["data: psubscribe,news:*,1", ""])
      yield* command("PUBLISH", "weather", "no")
      yield* command("PUBLISH", "news:a", '{"a":1}')
      expect(yield* take(2)).toEqual(['data: pmessage,news:*,news:a,{"a":1}', ""])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("an event is text whatever encoding of answers was asked for", () =>
    Effect.gen(function* () {
      const { take } = yield* streamOf("/subscribe/plain", {
        "upstash-encoding": "base64",
        "upstash-response-format": "resp2"
      })
      yield* take(2)
      yield* command("PUBLISH", "plain", "é")
      expect(yield* take(2)).toEqual(["data: message,plain,é", ""])
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("the monitor tells of every command, as Redis writes it down", () =>
    Effect.gen(function* () {
      const { take } = yield* streamOf("/monitor")
      expect(yield* take(2)).toEqual(['data: "OK"', ""])
      yield* command("SET", "k", 'two\nlines "é"')
      const seen = yield* Effect.iterate("", {
        while: (line) => !line.includes('"SET" "k"'),
        body: () => Effect.map(take(1), ([line]) => line!)
      })
      expect(seen).toMatch(/^data: \d+\.\d+ \[0 127\.0\.0\.1:\d+\] "SET" "k" "two\\nlines \\"\\xc3\\xa9\\""$/)
    }).pipe(Effect.provide(server))
  )

  it.scopedLive("Upstash's client hears channels and patterns", () =>
    Effect.gen(function* () {
      const { token, url } = yield* UpstashLocal.UpstashLocal
      const redis = new Redis({ url, token: Redacted.value(token) })
      const heard = yield* Queue.unbounded<unknown>()
      const ready = yield* Queue.unbounded<unknown>()
      for (const subscriber of [redis.subscribe("club:1"), redis.psubscribe("club:*")]) {
        yield* Effect.addFinalizer(() => Effect.promise(() => subscriber.unsubscribe()))
        for (const kind of ["subscribe", "psubscribe"] as const)
          subscriber.on(kind, (count) => ready.unsafeOffer(count))
        for (const kind of ["message", "pmessage"] as const) {
          subscriber.on(kind, ({ channel, message }) => heard.unsafeOffer([kind, channel, message]))
        }
      }
      yield* Queue.takeN(ready, 2)
      yield* Effect.promise(() => redis.publish("club:1", { hello: "world" }))
      expect(new Set(yield* Queue.takeN(heard, 2))).toEqual(
        new Set([
          ["message", "club:1", { hello: "world" }],
          ["pmessage", "club:1", { hello: "world" }]
        ])
      )
    }).pipe(Effect.provide(server))
  )
})
