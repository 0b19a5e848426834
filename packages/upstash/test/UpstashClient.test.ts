import { expect, it, layer } from "@effect/vitest"
import { RedisClient } from "@larder/cache/RedisClient"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { UpstashLocal } from "@larder/upstash-local"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import { UpstashClient } from "../src/index.js"
import { layerWithServer, recorder, run, send } from "./support.js"

const bad = (detail: RegExp) => ({
  _tag: "RedisError",
  reason: "BadReply",
  code: "",
  detail: expect.stringMatching(detail)
})

describeWithRedis("UpstashClient", () => {
  layer(layerWithServer, { excludeTestServices: true })((it) => {
    it.effect("one command is one POST /, several are one POST /pipeline, none sends nothing", () =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        yield* requests.reset
        expect(yield* send()).toEqual([])
        expect(yield* requests.counts).toMatchObject({ requests: 0, commands: 0 })
        expect(yield* send(["PING"])).toEqual([Either.right("PONG")])
        expect(yield* requests.counts).toMatchObject({ requests: 1, commands: 1 })
        expect(yield* send(["PING"], ["ECHO", "a"], ["STRLEN", "none"])).toHaveLength(3)
        expect(yield* requests.counts).toMatchObject({ requests: 2, commands: 4 })
      })
    )

    it.effect("each command has its own outcome, alone or with others", () =>
      Effect.gen(function* () {
        const wrong = Either.left(expect.objectContaining({ reason: "Rejected", code: "WRONGTYPE" }))
        const [set, alone] = [yield* send(["SET", "text", "1"]), yield* send(["LPUSH", "text", "x"])]
        expect([set, alone]).toEqual([[Either.right("OK")], [wrong]])
        const lost = ["EVALSHA", "0".repeat(40), "0"] as const
        expect(yield* send(["INCR", "text"], ["LPUSH", "text", "x"], lost, ["MGET", "text", "none"])).toEqual([
          Either.right(2),
          wrong,
          Either.left(expect.objectContaining({ reason: "Rejected", code: "NOSCRIPT" })),
          Either.right(["2", null])
        ])
      })
    )

    it.effect("replies keep their shape: null, numbers, and lists within lists", () =>
      Effect.gen(function* () {
        const script = "return {1, 'a', {'b', {2, false}}, {}}"
        expect(yield* run("EVAL", script, "0")).toEqual([1, "a", ["b", [2, null]], []])
        expect(yield* run("GET", "none")).toBeNull()
        yield* run("HSET", "hash", "a", "1", "b", "2")
        expect(yield* run("HGETALL", "hash")).toEqual(["a", "1", "b", "2"])
      })
    )

    it.effect.prop(
      "any text comes back as it went, alone and in a pipeline",
      [FastCheck.string({ unit: "binary" }).filter((text) => !/\p{Surrogate}/u.test(text))],
      ([text]) =>
        Effect.gen(function* () {
          expect(yield* run("SET", text, text)).toBe("OK")
          expect(yield* run("GET", text)).toBe(text)
          expect(yield* send(["GET", text], ["MGET", text])).toEqual([Either.right(text), Either.right([text])])
        }),
      { fastCheck: { numRuns: 100 } }
    )

    it.effect("half a surrogate pair is refused: UTF-8 would make another text of it", () =>
      Effect.gen(function* () {
        yield* run("SET", "half", "whole")
        expect(yield* Effect.flip(run("SET", "half", "\ud83e"))).toMatchObject({ reason: "Rejected", code: "" })
        expect(yield* run("GET", "half")).toBe("whole")
      })
    )

    it.effect("a value of a megabyte comes back", () =>
      Effect.gen(function* () {
        const large = "é".repeat(500_000)
        yield* run("SET", "large", large)
        expect(yield* run("GET", "large")).toBe(large)
      })
    )

    it.effect("a wrong token is a failure of the whole request, for one command and for several", () =>
      Effect.gen(function* () {
        const { url } = yield* UpstashLocal.UpstashLocal
        const client = yield* UpstashClient.make({ url, token: Redacted.make("wrong") })
        for (const commands of [[["PING"]], [["PING"], ["PING"]]] as const) {
          expect(yield* Effect.flip(client.send(commands))).toMatchObject({ reason: "Rejected", code: "WRONGPASS" })
        }
      })
    )

    it.effect("white space around address and token is ignored", () =>
      Effect.gen(function* () {
        const { token, url } = yield* UpstashLocal.UpstashLocal
        const client = yield* UpstashClient.make({
          url: `\u00a0 ${url}/\n`,
          token: Redacted.make(`\t${Redacted.value(token)} \n`)
        })
        expect(yield* client.send([["PING"]])).toEqual([Either.right("PONG")])
      })
    )

    it.effect("layerConfig reads a configuration of the user's own", () =>
      Effect.gen(function* () {
        const { token, url } = yield* UpstashLocal.UpstashLocal
        const provider = ConfigProvider.fromMap(
          new Map([
            ["A", url],
            ["B", Redacted.value(token)]
          ])
        )
        const live = UpstashClient.layerConfig({ url: Config.string("A"), token: Config.redacted("B") })
        const ping = Effect.flatMap(RedisClient, (client) => client.send([["PING"]])).pipe(Effect.provide(live))
        expect(yield* Effect.withConfigProvider(ping, provider)).toEqual([Either.right("PONG")])
      })
    )
  })
})

// `layer` puts its own `effect` and `scoped` in the place of everybody's; `live` and `scopedLive` stay what they are.
describe("UpstashClient / what is not in the protocol", () => {
  it.scopedLive.each<readonly [string, RegExp]>([
    ["<html>Bad gateway</html>", /not JSON/],
    ["", /not JSON/],
    ["{", /not JSON/],
    ["null", /neither/],
    ["42", /neither/],
    ["{}", /neither/],
    ["[]", /neither/],
    ['{"result":{"a":1}}', /neither/],
    ['{"result":true}', /neither/],
    ['{"result":[1,{}]}', /neither/],
    ['{"error":1}', /neither/]
  ])("%j in answer to one command is a BadReply", ([body, detail]) =>
    Effect.gen(function* () {
      const { client } = yield* recorder(() => [200, body])
      expect(yield* Effect.flip(client.send([["GET", "k"]]))).toMatchObject(bad(detail))
    })
  )

  it.scopedLive.each<readonly [string, RegExp]>([
    ["<html>Bad gateway</html>", /not JSON/],
    ["null", /list/],
    ['{"result":"OK"}', /list/],
    ["[]", /2 commands were answered with 0 results/],
    ['[{"result":1}]', /2 commands were answered with 1 results/],
    ['[{"result":1},{"result":2},{"result":3}]', /2 commands were answered with 3 results/],
    ['[{"result":1},null]', /neither/],
    ['[{"result":1},{}]', /neither/]
  ])("%j in answer to two commands is a BadReply, never another command's result", ([body, detail]) =>
    Effect.gen(function* () {
      const { client } = yield* recorder(() => [200, body])
      expect(
        yield* Effect.flip(
          client.send([
            ["GET", "a"],
            ["GET", "b"]
          ])
        )
      ).toMatchObject(bad(detail))
    })
  )

  it.scopedLive.each([
    [500, '{"error":"internal server error"}', "Unavailable", ""],
    [503, '{"error":null}', "Unavailable", ""],
    [500, "null", "Unavailable", ""],
    [401, '{"error":"Unauthorized"}', "Rejected", "WRONGPASS"],
    [502, "<html>Bad gateway</html>", "BadReply", ""],
    [429, '[{"error":"ERR max requests limit exceeded"}]', "Unavailable", ""]
  ] as const)("%i %s fails the effect: %s %s", ([status, body, reason, code]) =>
    Effect.gen(function* () {
      const { client } = yield* recorder(() => [status, body])
      for (const commands of [[["PING"]], [["PING"], ["PING"]]] as const) {
        expect(yield* Effect.flip(client.send(commands))).toMatchObject({ reason, code })
      }
    })
  )

  it.scopedLive("a used-up quota is refused, and says so", () =>
    Effect.gen(function* () {
      const { client } = yield* recorder(() => [429, '{"error":"ERR max requests limit exceeded. Limit: 10000"}'])
      const refused = { reason: "Rejected", code: "ERR", detail: "a limit of the database's plan is reached" }
      expect(yield* client.send([["PING"]])).toEqual([Either.left(expect.objectContaining(refused))])
      expect(yield* Effect.flip(client.send([["PING"], ["PING"]]))).toMatchObject(refused)
    })
  )
})

// `it.live`: after a `layer` of @effect/vitest, `it.effect` has that layer in the whole file.
describe("UpstashClient / bad configuration", () => {
  const build = (url: string, token: string) => Effect.flip(UpstashClient.make({ url, token: Redacted.make(token) }))

  it.live.each([
    "",
    " ",
    "nonsense",
    "redis://127.0.0.1:6379",
    "rediss://u:pass-word@host:6379",
    "ftp://host",
    "//host",
    "https://",
    "https://u:pass-word@host",
    "https://host?a=pass-word",
    "https://host#pass-word",
    "http://a"
  ])("the address %j is refused, and not repeated", (url) =>
    Effect.gen(function* () {
      const error = yield* build(url, "token")
      expect(error).toMatchObject({ _op: "InvalidData", path: ["url"] })
      expect(String(error)).not.toContain("pass-word")
    })
  )

  it.live.each(["", " ", "two words", "line\nbreak", "é"])("the token %j is refused, and not repeated", (token) =>
    Effect.gen(function* () {
      const error = yield* build("https://host.upstash.io", token)
      expect(error).toMatchObject({ _op: "InvalidData", path: ["token"] })
      if (token.trim() !== "") expect(String(error)).not.toContain(token)
    })
  )
})
