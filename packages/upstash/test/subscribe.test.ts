import { expect, it, layer } from "@effect/vitest"
import { RedisClient } from "@larder/cache/RedisClient"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import { describe } from "vitest"
import { UpstashClient } from "../src/index.js"
import { layerWithServer, listen, run, until } from "./support.js"

const subscribers = (channel: string) =>
  Effect.map(run("PUBSUB", "NUMSUB", channel), (reply) => (reply as readonly [string, number])[1])

/** A subscription that the server has confirmed: what it heard, and how it ends. */
const listening = (channel: string) =>
  Effect.gen(function* () {
    const client = yield* RedisClient
    const heard = yield* Queue.unbounded<string>()
    const before = yield* subscribers(channel)
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(client.subscribe(channel), (message) => Queue.offer(heard, message))
    )
    yield* until(subscribers(channel), (count) => count === before + 1)
    return { heard, fiber }
  })

describeWithRedis("UpstashClient / subscribe", () => {
  layer(layerWithServer, { excludeTestServices: true })((it) => {
    it.scoped("messages arrive in order and untouched: commas, what looks like JSON, any script, nothing", () =>
      Effect.gen(function* () {
        const client = yield* RedisClient
        const { heard } = yield* listening("news")
        const messages = [
          "a,b,,c",
          "123",
          "true",
          "null",
          '{"a":[1,2]}',
          '"x"',
          "é漢🦊",
          "",
          " ",
          "data: x",
          "message,news,y"
        ]
        for (const message of messages) yield* client.publish("news", message)
        for (const message of messages) expect(yield* Queue.take(heard)).toBe(message)
      })
    )

    it.scoped("a channel's name may hold commas, slashes, per cent signs and spaces", () =>
      Effect.gen(function* () {
        const client = yield* RedisClient
        const channel = "a,b/c?d=%2F é#"
        const { heard } = yield* listening(channel)
        yield* client.publish("a", "b/c?d=%2F é#,no")
        yield* client.publish(channel, "yes")
        expect(yield* Queue.take(heard)).toBe("yes")
      })
    )

    it.scoped("a message longer than any one packet arrives whole", () =>
      Effect.gen(function* () {
        const client = yield* RedisClient
        const { heard } = yield* listening("long")
        const message = "é".repeat(300_000)
        yield* client.publish("long", message)
        expect((yield* Queue.take(heard)) === message).toBe(true)
      })
    )

    it.effect.each([
      ["a\nb", "c"],
      ["a\rb", "c"],
      ["c", "a\nb"]
    ])("a line break is refused before it is sent: %j, %j", ([channel, message]) =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        const client = yield* RedisClient
        yield* requests.reset
        const refused = { reason: "Rejected", detail: expect.stringMatching(/line break/) }
        expect(yield* Effect.flip(client.publish(channel!, message!))).toMatchObject(refused)
        if (channel !== "c") {
          expect(yield* Effect.flip(Stream.runDrain(client.subscribe(channel!)))).toMatchObject(refused)
        }
        expect((yield* requests.counts).requests).toBe(0)
      })
    )

    it.scoped("a message with a line break, published by other means, fails the stream and is not cut in silence", () =>
      Effect.gen(function* () {
        const { fiber } = yield* listening("foreign")
        yield* run("PUBLISH", "foreign", "first\nsecond")
        expect(yield* Effect.flip(Fiber.join(fiber))).toMatchObject({ reason: "BadReply" })
      })
    )

    it.scoped("a dropped connection fails the stream: never silent", () =>
      Effect.gen(function* () {
        const { faults } = yield* UpstashLocal.UpstashLocal
        const { fiber } = yield* listening("dropped")
        yield* faults.disconnect
        expect(yield* Effect.flip(Fiber.join(fiber))).toMatchObject({ reason: "Unavailable" })
      })
    )

    it.scoped("an end of the stream in good order fails it, too", () =>
      Effect.gen(function* () {
        const redis = yield* RedisServer.RedisServer
        const { fiber } = yield* listening("ended")
        yield* redis.stop
        expect(yield* Effect.flip(Fiber.join(fiber))).toMatchObject({
          reason: "Unavailable",
          detail: "the event stream ended"
        })
        yield* redis.start
        yield* until(Effect.either(run("PING")), ({ _tag }) => _tag === "Right")
      })
    )

    it.scoped("interrupting the listener closes its connection", () =>
      Effect.gen(function* () {
        const { fiber } = yield* listening("left")
        yield* Fiber.interrupt(fiber)
        yield* until(subscribers("left"), (count) => count === 0)
      })
    )

    it.scoped("interrupting a subscription that is not confirmed closes its connection", () =>
      Effect.gen(function* () {
        const { faults, requests } = yield* UpstashLocal.UpstashLocal
        const client = yield* RedisClient
        yield* faults.set(Fault.hang)
        yield* requests.reset
        const fiber = yield* Effect.forkScoped(Stream.runDrain(client.subscribe("pending")))
        yield* until(requests.counts, (counts) => counts.requests === 1)
        yield* Fiber.interrupt(fiber)
        yield* until(requests.counts, (counts) => counts.aborted === 1)
        yield* faults.set(Fault.none)
      })
    )

    it.effect("a wrong token, a server in trouble and a foreign page are errors of their kind", () =>
      Effect.gen(function* () {
        const { faults, token, url } = yield* UpstashLocal.UpstashLocal
        const ending = (token: Redacted.Redacted, fault: Fault.Fault) =>
          Effect.gen(function* () {
            const client = yield* UpstashClient.make({ url, token })
            yield* faults.set(fault)
            const error = yield* Effect.flip(Stream.runDrain(client.subscribe("c")))
            yield* faults.set(Fault.none)
            return error
          })
        expect(yield* ending(Redacted.make("wrong"), Fault.none)).toMatchObject({ code: "WRONGPASS" })
        expect(yield* ending(token, Fault.internalError)).toMatchObject({ reason: "Unavailable" })
        expect(yield* ending(token, Fault.status(502, ""))).toMatchObject({ reason: "Unavailable" })
        expect(yield* ending(token, Fault.reset)).toMatchObject({ reason: "Unavailable" })
        expect(yield* ending(token, Fault.garbage())).toMatchObject({ reason: "BadReply" })
      })
    )
  })
})

describe("UpstashClient / subscribe, on any event stream", () => {
  it.scopedLive("lines cut anywhere are put together; the rest of a stream that ends early is no message", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(
        ": hello\r\n\r\ndata: subscribe,c,1\r\n\r\ndata: message,c,é1\r\n\r\ndata:message,c,2\n\ndata: message,c,half"
      )
      const server = Http.createServer((_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
        let sent = 0
        const next = () => {
          if (sent === bytes.length) return response.end()
          response.write(bytes.subarray(sent, ++sent), () => setImmediate(next))
        }
        next()
      })
      const url = yield* listen(server)
      const client = yield* UpstashClient.make({ url, token: Redacted.make("t") })
      const heard: Array<string> = []
      const end = yield* Effect.flip(
        Stream.runForEach(client.subscribe("c"), (message) => Effect.sync(() => heard.push(message)))
      )
      expect(heard).toEqual(["é1", "2"])
      expect(end).toMatchObject({ reason: "Unavailable" })
    })
  )
})
