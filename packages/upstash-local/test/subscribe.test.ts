import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { UpstashLocal } from "../src/index.js"
import { command, until } from "./support/support.js"

/** The lines of `/subscribe/{channel}`, as they come; a failure when the connection breaks. */
const lines = (channel: string) =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const response = yield* Effect.tryPromise((signal) =>
      fetch(`${url}/subscribe/${encodeURIComponent(channel)}`, {
        headers: { authorization: `Bearer ${Redacted.value(token)}` },
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
})
