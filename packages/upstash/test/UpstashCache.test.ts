import { expect, it } from "@effect/vitest"
import * as Store from "@larder/cache/Store"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import { UpstashCache } from "../src/index.js"
import * as Environment from "../src/internal/environment.js"

type Variables = Readonly<Record<string, string | undefined>>

const provider = (variables: Variables) =>
  ConfigProvider.fromMap(
    new Map(Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))
  )

const under =
  (variables: Variables) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withConfigProvider(effect, provider(variables))

const names = ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_URL", "KV_REST_API_TOKEN"] as const
const values = ["https://first.upstash.io", "first-token", "https://second.upstash.io", "second-token"] as const
const spellings = [
  () => undefined,
  () => "",
  () => " ",
  () => "\t\r\n",
  (v: string) => v,
  (v: string) => ` ${v}\n`
] as const

/** What must come of it, told from which of the four are set. */
const expected = (set: string): string => {
  const [first, second] = [set.slice(0, 2), set.slice(2)]
  const decisive = first === "00" ? second : first
  const offset = first === "00" ? 2 : 0
  if (decisive === "00") return "memory"
  if (decisive === "11") return `upstash ${values[offset]} ${values[offset + 1]}`
  return `missing ${decisive === "10" ? names[offset + 1] : names[offset]}`
}

const actual = Environment.choice.pipe(
  Effect.either,
  Effect.map(
    Either.match({
      onLeft: (error) => (error._op === "MissingData" ? `missing ${error.path.join(".")}` : error._op),
      onRight: (choice) =>
        choice._tag === "Memory" ? "memory" : `upstash ${choice.settings.url} ${Redacted.value(choice.settings.token)}`
    })
  )
)

describe("UpstashCache / what the environment asks for", () => {
  it.effect("every combination of set, blank and missing variables, with and without white space", () =>
    Effect.gen(function* () {
      for (const a of spellings)
        for (const b of spellings)
          for (const c of spellings)
            for (const d of spellings) {
              const given = [a, b, c, d].map((spell, index) => spell(values[index]!))
              const variables = Object.fromEntries(names.map((name, index) => [name, given[index]]))
              const set = given.map((value) => ((value ?? "").trim() === "" ? "0" : "1")).join("")
              expect([variables, yield* under(variables)(actual)]).toEqual([variables, expected(set)])
            }
    })
  )

  it.effect.each([
    ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"],
    ["KV_REST_API_URL", "KV_REST_API_TOKEN"]
  ])(
    "an address in %s that is no URL of a REST API is an error that names the variable, not the value",
    ([url, token]) =>
      Effect.gen(function* () {
        for (const value of ["rediss://default:pass-word@host:6379", "host.upstash.io/pass-word", "pass-word"]) {
          const error = yield* Effect.flip(under({ [url!]: value, [token!]: "token" })(UpstashCache.choice))
          expect(error).toMatchObject({ _op: "InvalidData", path: [url] })
          expect(String(error)).not.toContain("pass-word")
        }
        const swapped = under({ [url!]: "https://host.upstash.io", [token!]: "to ken" })(UpstashCache.choice)
        expect(yield* Effect.flip(swapped)).toMatchObject({ _op: "InvalidData", path: [token] })
      })
  )

  it.effect("an error is the layer's, before anything is built", () =>
    Effect.gen(function* () {
      const half = { UPSTASH_REDIS_REST_URL: "https://host.upstash.io" }
      const error = yield* Effect.flip(under(half)(Effect.provide(Store.Store, UpstashCache.storeFromEnv)))
      expect(error).toMatchObject({ _op: "MissingData", path: ["UPSTASH_REDIS_REST_TOKEN"] })
    })
  )

  it.effect("the sentence says what was chosen and why, without the token", () =>
    Effect.gen(function* () {
      expect((yield* under({})(UpstashCache.choice)).sentence).toBe(
        "the cache is this process's memory: neither UPSTASH_REDIS_REST_URL nor KV_REST_API_URL is set"
      )
      const kv = { KV_REST_API_URL: "https://host.upstash.io/", KV_REST_API_TOKEN: "secret" }
      const choice = yield* under(kv)(UpstashCache.choice)
      expect(choice.sentence).toBe(
        "the cache is Upstash at host.upstash.io, from KV_REST_API_URL and KV_REST_API_TOKEN"
      )
      expect(JSON.stringify(choice)).not.toContain("secret")
    })
  )

  it.effect("memory is said once, as information; Upstash is not said", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${String(message)}`))
      )
      const build = (variables: Variables) =>
        under(variables)(Effect.scoped(Layer.build(UpstashCache.storeFromEnv))).pipe(Effect.provide(logger))
      yield* build({ UPSTASH_REDIS_REST_URL: "https://host.upstash.io", UPSTASH_REDIS_REST_TOKEN: "token" })
      expect(said).toEqual([])
      yield* build({})
      expect(said).toEqual([expect.stringMatching(/^INFO the cache is this process's memory/)])
    })
  )

  it.effect("a REDIS_URL that is not used is one warning, without the address", () =>
    Effect.gen(function* () {
      const address = { REDIS_URL: "redis://:pass-word@host:6379" }
      const upstash = { UPSTASH_REDIS_REST_URL: "https://host.upstash.io", UPSTASH_REDIS_REST_TOKEN: "token" }
      const cases = [
        [{ ...address }, "REDIS_URL is not used: it needs RedisCache.layerFromEnv of @larder/redis"],
        [
          { ...address, ...upstash },
          "REDIS_URL is not used: UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN are set too"
        ],
        [{ ...upstash, REDIS_URL: " " }, undefined],
        [{ REDIS_URL: "" }, undefined]
      ] as const
      for (const [variables, warning] of cases) {
        expect((yield* under(variables)(UpstashCache.choice)).warning).toBe(warning)
        const said: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${String(message)}`))
        const build = Effect.scoped(Layer.build(UpstashCache.storeFromEnv))
        yield* under(variables)(build).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
        const warnings = said.filter((line) => line.startsWith("WARN"))
        expect(warnings).toEqual(warning === undefined ? [] : [`WARN ${warning}`])
        expect(said.join()).not.toContain("pass-word")
      }
    })
  )
})
