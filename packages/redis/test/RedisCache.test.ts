import { expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { UpstashCache } from "@larder/upstash"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describe } from "vitest"
import { RedisCache } from "../src/index.js"
import { by, client, run, until } from "./support/support.js"

type Variables = Readonly<Record<string, string | undefined>>

const under =
  (variables: Variables) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) => {
    const set = Object.entries(variables).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const]
    )
    return Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(set)))
  }

const upstash = { UPSTASH_REDIS_REST_URL: "https://host.upstash.io", UPSTASH_REDIS_REST_TOKEN: "token-secret" }
const redis = { REDIS_URL: "redis://user:pass-secret@host:6380/2" }

/** What building a layer says in the log, from information upwards. */
const saidBy = <A, E>(layer: Layer.Layer<A, E>, variables: Variables) =>
  Effect.gen(function* () {
    const said: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (LogLevel.greaterThanEqual(logLevel, LogLevel.Info)) said.push(`${logLevel.label} ${String(message)}`)
    })
    yield* under(variables)(Effect.scoped(Layer.build(layer))).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All)
    )
    return said
  })

describe("RedisCache / what the environment asks for", () => {
  it.effect.each([
    [{}, "Memory"],
    [{ REDIS_URL: " \t\n" }, "Memory"],
    [{ REDIS_URL: "" }, "Memory"],
    [redis, "Redis"],
    [{ REDIS_URL: "  rediss://host\n" }, "Redis"],
    [{ ...redis, UPSTASH_REDIS_REST_URL: " ", UPSTASH_REDIS_REST_TOKEN: "" }, "Redis"],
    [upstash, "Upstash"],
    [{ ...upstash, REDIS_URL: " " }, "Upstash"],
    [{ ...upstash, ...redis }, "Upstash"],
    [{ KV_REST_API_URL: "https://host.upstash.io", KV_REST_API_TOKEN: "token", ...redis }, "Upstash"]
  ] as const)("%j: %s", ([variables, tag]) =>
    Effect.gen(function* () {
      expect((yield* under(variables)(RedisCache.choice))._tag).toBe(tag)
    })
  )

  it.effect("half of Upstash's configuration is an error, also where there is a REDIS_URL", () =>
    Effect.gen(function* () {
      const half = { UPSTASH_REDIS_REST_URL: "https://host.upstash.io", ...redis }
      const error = yield* Effect.flip(under(half)(RedisCache.choice))
      expect(error).toMatchObject({ _op: "MissingData", path: ["UPSTASH_REDIS_REST_TOKEN"] })
    })
  )

  it.effect("an address that cannot be used is an error that names the variable, not the value", () =>
    Effect.gen(function* () {
      const broken = under({ REDIS_URL: "http://:pass-secret@host" })
      const build = Effect.scoped(Layer.build(RedisCache.storeFromEnv))
      for (const effect of [Effect.asVoid(RedisCache.choice), Effect.asVoid(build)]) {
        const error = yield* Effect.flip(broken(effect))
        expect(error).toMatchObject({ _op: "InvalidData", path: ["REDIS_URL"] })
        expect(String(error)).not.toContain("secret")
      }
    })
  )

  it.effect("the sentence says what was chosen and why, without user and password", () =>
    Effect.gen(function* () {
      const choice = yield* under(redis)(RedisCache.choice)
      expect(choice).toEqual({
        _tag: "Redis",
        address: "host:6380",
        variable: "REDIS_URL",
        sentence: "the cache is Redis at host:6380, from REDIS_URL"
      })
      const socket = yield* under({ REDIS_URL: "unix:///run/redis.sock" })(RedisCache.choice)
      expect(socket.sentence).toBe("the cache is Redis at /run/redis.sock, from REDIS_URL")
      expect((yield* under({})(RedisCache.choice)).sentence).toBe(
        "the cache is this process's memory: neither UPSTASH_REDIS_REST_URL nor KV_REST_API_URL is set, nor is REDIS_URL"
      )
    })
  )
})

describe("RedisCache / what is said", () => {
  it.effect.each([
    ["nothing set", RedisCache.storeFromEnv, {}, [/^INFO the cache is this process's memory: .*REDIS_URL$/]],
    ["Redis", RedisCache.storeFromEnv, { REDIS_URL: "redis://127.0.0.1:1" }, []],
    ["Upstash", RedisCache.storeFromEnv, upstash, []],
    [
      "both",
      RedisCache.storeFromEnv,
      { ...upstash, ...redis },
      [/^WARN REDIS_URL is not used: UPSTASH_REDIS_REST_URL/]
    ],
    ["both, asked of upstash", UpstashCache.storeFromEnv, { ...upstash, ...redis }, [/^WARN REDIS_URL is not used: /]],
    [
      "REDIS_URL alone, asked of upstash",
      UpstashCache.storeFromEnv,
      redis,
      [
        /^WARN REDIS_URL is not used: it needs RedisCache.layerFromEnv of @larder\/redis$/,
        /^INFO the cache is this process/
      ]
    ]
  ] as const)("%s", ([_, layer, variables, expected]) =>
    Effect.gen(function* () {
      const said = yield* saidBy(layer, variables)
      expect(said).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
      expect(said.join()).not.toContain("secret")
    })
  )
})

const Key = CacheKey.make({ prefix: "words", key: (word: string) => [word], schema: Schema.String })

describeWithRedis("RedisCache / a cache over a native connection", () => {
  it.live("what one cache stored, another one over the same server answers", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const live = Layer.fresh(Layer.provide(RedisCache.layerFromEnv, Reporter.layerNoop))
      let lookups = 0
      const cached = Effect.gen(function* () {
        const answer = yield* Effect.sync(() => `answer ${++lookups}`).pipe(Cache.withCache(Key("shared")))
        // A value is stored behind its caller's back.
        yield* until(
          Effect.flatMap(Cache.Cache, (cache) => cache.get(Key("shared"))),
          Option.isSome
        )
        return answer
      })
      const ask = under({ REDIS_URL: url })(Effect.provide(cached, live))
      expect([yield* ask, yield* ask, yield* ask]).toEqual(["answer 1", "answer 1", "answer 1"])
    }).pipe(Effect.provide(RedisServer.layer))
  )

  it.live("a prefix of one's own goes before every key", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const invalidate = Effect.flatMap(Store.Store, (store) => store.invalidate({ keys: [], tags: ["t"] }))
      yield* under({ REDIS_URL: url })(Effect.provide(invalidate, RedisCache.storeFromEnvWith({ keyPrefix: "mine:" })))
      const keys = (yield* Effect.scoped(
        Effect.flatMap(client(), (redis) => by(redis, run("KEYS", "*")))
      )) as ReadonlyArray<string>
      expect(keys.length).toBeGreaterThan(0)
      expect(keys.filter((key) => !key.startsWith("mine:"))).toEqual([])
    }).pipe(Effect.provide(RedisServer.layer))
  )
})
