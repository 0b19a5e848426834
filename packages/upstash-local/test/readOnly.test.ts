import { expect, layer } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Redis } from "@upstash/redis"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { UpstashLocal } from "../src/index.js"
import { ask, command, post } from "./support/support.js"

const reader = { authorization: "Bearer for-reading" }
const read = (...args: ReadonlyArray<unknown>) => post("/", args, reader)

const refusal = (name: string) => ({ error: `NOPERM this user has no permissions to run the '${name}' command` })

describeWithRedis("UpstashLocal / a token for reading", () => {
  layer(UpstashLocal.layerWithRedis({ readOnlyToken: Redacted.make("for-reading") }), { excludeTestServices: true })(
    (it) => {
      it.effect("reads, by every way in", () =>
        Effect.gen(function* () {
          yield* command("SET", "k", "v")
          expect((yield* read("GET", "k")).body).toEqual({ result: "v" })
          expect((yield* ask("/get/k?_token=for-reading", { headers: {} })).body).toEqual({ result: "v" })
          expect((yield* post("/pipeline", [["MGET", "k"], ["PING"]], reader)).body).toEqual([
            { result: ["v"] },
            { result: "PONG" }
          ])
          expect((yield* post("/multi-exec", [["STRLEN", "k"]], reader)).body).toEqual([{ result: 1 }])
          expect((yield* read("EVAL_RO", "return redis.call('GET', KEYS[1])", 1, "k")).body).toEqual({ result: "v" })
          expect((yield* read("XINFO", "STREAM", "k")).body).toEqual({ error: expect.stringMatching(/^WRONGTYPE/) })
        })
      )

      it.effect("writes nothing, in the words of Upstash", () =>
        Effect.gen(function* () {
          yield* command("SET", "safe", "1")
          const writes: ReadonlyArray<readonly [name: string, ...args: ReadonlyArray<unknown>]> = [
            ["set", "safe", "2"],
            ["getdel", "safe"],
            ["getex", "safe", "EX", 1],
            ["sort", "safe", "STORE", "x"],
            ["flushall"],
            ["publish", "c", "m"],
            ["eval", "return redis.call('DEL', KEYS[1])", 1, "safe"],
            ["evalsha", "0".repeat(40), 0],
            ["fcall", "f", 0]
          ]
          for (const [name, ...args] of writes) {
            const answer = yield* read(name, ...args)
            expect([answer.status, answer.body]).toEqual([400, refusal(name)])
          }
          expect((yield* read("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")).body).toEqual(refusal("xgroup|create"))
          expect((yield* read("SCRIPT", "LOAD", "return 1")).body).toEqual(refusal("script|load"))
          expect((yield* read("ACL", "SETUSER", "me", "on")).body).toEqual(refusal("acl|setuser"))
          expect((yield* read("CONFIG", "SET", "maxmemory", "1")).body).toEqual(refusal("config|set"))
          expect(yield* command("GET", "safe")).toEqual({ result: "1" })
          expect(yield* command("EXISTS", "s")).toEqual({ result: 0 })
        })
      )

      it.effect("KEYS and SCAN are refused as well, and what nobody may is not said to be a matter of permission", () =>
        Effect.gen(function* () {
          expect((yield* read("KEYS", "*")).body).toEqual(refusal("keys"))
          expect((yield* read("SCAN", "0")).body).toEqual(refusal("scan"))
          expect((yield* read("SUBSCRIBE", "c")).body).toEqual({ error: expect.stringContaining("not available") })
        })
      )

      it.effect(
        "in a pipeline each command is judged by itself; a transaction with a write is refused as a whole",
        () =>
          Effect.gen(function* () {
            yield* command("SET", "n", "1")
            const commands = [
              ["GET", "n"],
              ["INCR", "n"],
              ["GET", "n"]
            ]
            expect((yield* post("/pipeline", commands, reader)).body).toEqual([
              { result: "1" },
              refusal("incr"),
              { result: "1" }
            ])
            const refused = yield* post("/multi-exec", commands, reader)
            expect([refused.status, refused.body]).toEqual([400, refusal("incr")])
          })
      )

      it.effect("listens to nothing", () =>
        Effect.gen(function* () {
          for (const [path, name] of [
            ["/subscribe/c", "subscribe"],
            ["/psubscribe/c*", "psubscribe"],
            ["/monitor", "monitor"]
          ] as const) {
            const answer = yield* ask(path, { headers: reader })
            expect([answer.status, answer.body]).toEqual([400, refusal(name)])
          }
        })
      )

      it.effect("Upstash's client reads with it and is told when it writes", () =>
        Effect.gen(function* () {
          const { url } = yield* UpstashLocal.UpstashLocal
          const redis = new Redis({ url, token: "for-reading" })
          yield* command("SET", "shared", "seen")
          expect(yield* Effect.promise(() => redis.get("shared"))).toBe("seen")
          const error = yield* Effect.flip(Effect.tryPromise(() => redis.set("shared", "changed")))
          expect(String(error.cause)).toContain("NOPERM")
        })
      )
    }
  )
})
