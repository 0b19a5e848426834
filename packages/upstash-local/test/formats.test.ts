import { expect, layer } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import { UpstashLocal } from "../src/index.js"
import { asBytes, command, post } from "./support/support.js"

const notAvailable = (name: string) =>
  `-ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details\r\n`

describeWithRedis("UpstashLocal / RESP2", () => {
  layer(UpstashLocal.layerWithRedis(), { excludeTestServices: true })((it) => {
    it.effect("an answer is the bytes of Redis: statuses, strings, numbers, nothing, lists", () =>
      Effect.gen(function* () {
        const set = yield* asBytes("/", ["SET", "k", "OK"])
        expect(set).toMatchObject({ status: 200, type: "application/octet-stream", text: "+OK\r\n" })
        expect(set.syncToken).toMatch(/\S/)
        expect((yield* asBytes("/", ["GET", "k"])).text).toBe("$2\r\nOK\r\n")
        expect((yield* asBytes("/get/nobody", undefined)).text).toBe("$-1\r\n")
        expect((yield* asBytes("/", ["STRLEN", "k"])).text).toBe(":2\r\n")
        expect((yield* asBytes("/", ["MGET", "k", "nobody"])).text).toBe("*2\r\n$2\r\nOK\r\n$-1\r\n")
      })
    )

    it.effect("bytes that are no text come through as they are, however many", () =>
      Effect.gen(function* () {
        const size = 2_000_000
        yield* command("SETBIT", "bits", size * 8 - 1, 1)
        yield* command("SETBIT", "bits", 0, 1)
        const { text } = yield* asBytes("/", ["GET", "bits"])
        expect(text.length).toBe(`$${size}\r\n`.length + size + 2)
        expect(text.slice(0, 12)).toBe("$2000000\r\n\x80\0")
        expect(text.slice(-3)).toBe("\x01\r\n")
      })
    )

    it.effect("an error is a line with a minus and a 400", () =>
      Effect.gen(function* () {
        yield* command("SET", "text", "t")
        expect(yield* asBytes("/", ["LPUSH", "text", "x"])).toMatchObject({
          status: 400,
          text: "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        })
        expect(yield* asBytes("/", ["SUBSCRIBE", "c"])).toMatchObject({ status: 400, text: notAvailable("SUBSCRIBE") })
      })
    )

    it.effect("the answers of a pipeline follow each other, refusals among them", () =>
      Effect.gen(function* () {
        const commands = [
          ["SET", "p", "1"],
          ["BLPOP", "p", "0"],
          ["LPUSH", "p", "x"],
          ["INCR", "p"]
        ]
        expect(yield* asBytes("/pipeline", commands)).toMatchObject({
          status: 200,
          text: `+OK\r\n${notAvailable("BLPOP")}-WRONGTYPE Operation against a key holding the wrong kind of value\r\n:2\r\n`
        })
      })
    )

    it.effect("a transaction is answered in JSON", () =>
      Effect.gen(function* () {
        const answer = yield* asBytes("/multi-exec", [
          ["SET", "t", "1"],
          ["INCR", "t"]
        ])
        expect(answer.type).toBe("application/json")
        expect(JSON.parse(answer.text)).toEqual([{ result: "OK" }, { result: 2 }])
      })
    )

    it.effect("another format, and RESP2 in base64, are refused", () =>
      Effect.gen(function* () {
        yield* command("SET", "f", "0")
        for (const headers of [{ "Upstash-Response-Format": "resp3" }, { "Upstash-Encoding": "base64" }]) {
          const answer = yield* asBytes("/", ["INCR", "f"], headers)
          expect([answer.status, JSON.parse(answer.text)]).toEqual([
            400,
            { error: expect.stringMatching(/^ERR Upstash-/) }
          ])
        }
        const json = yield* post("/", ["GET", "f"], { "Upstash-Response-Format": "JSON" })
        expect(json.body).toEqual({ result: "0" })
      })
    )
  })
})
