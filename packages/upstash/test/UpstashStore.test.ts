import { expect, it, layer } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as StoreSuite from "@larder/testing/StoreSuite"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { describe } from "vitest"
import { UpstashCache, UpstashClient, UpstashStore } from "../src/index.js"
import { until } from "./support.js"

const server = UpstashLocal.layerWithRedis()

/** What Upstash's console would give to an environment. */
const environment = Layer.unwrapEffect(
  Effect.map(UpstashLocal.UpstashLocal, ({ token, url }) =>
    Layer.setConfigProvider(
      ConfigProvider.fromMap(
        new Map([
          ["UPSTASH_REDIS_REST_URL", url],
          ["UPSTASH_REDIS_REST_TOKEN", Redacted.value(token)]
        ])
      )
    )
  )
)

const store = Layer.unwrapEffect(
  Effect.map(UpstashLocal.UpstashLocal, ({ token, url }) => UpstashStore.layer({ url, token, keyPrefix: "suite:" }))
)

describeWithRedis("UpstashStore", () => {
  StoreSuite.suite("upstash", Layer.provideMerge(store, server), {
    advance: Effect.sleep,
    capabilities: {
      virtualTime: { lacking: "a server keeps its own time" },
      sharedFences: true,
      survivesRestart: true
    },
    another: store
  })
})

const Key = CacheKey.make({ prefix: "words", key: (word: string) => [word], schema: Schema.String })

const cached = (word: string, onLookup: () => void = () => {}) =>
  Effect.sync(() => {
    onLookup()
    return `${word}!`
  }).pipe(Cache.withCache(Key(word)))

/** With patience, so that a slow computer is no reason to answer without the store. */
const patient = Layer.provide(
  Cache.layerWith({ storeTimeout: "20 seconds", storeBudget: "20 seconds", leaseWait: "20 seconds" }),
  [Layer.provide(UpstashCache.storeFromEnv, environment), Reporter.layerNoop]
)

/** With the budgets that programs have, and a circuit breaker that knows nothing yet. */
const inAHurry = Layer.fresh(Layer.provide(UpstashCache.layerFromEnv, [environment, Reporter.layerNoop]))

const send = (...command: readonly [string, ...Array<string>]) =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const client = yield* UpstashClient.make({ url, token })
    const [outcome] = yield* client.send([command])
    return yield* outcome!
  })

describeWithRedis("UpstashCache / a cache over HTTP", () => {
  layer(Layer.provideMerge(patient, server), { excludeTestServices: true })((it) => {
    it.effect("what one cache stored, another one over the same database answers", () =>
      Effect.gen(function* () {
        let lookups = 0
        expect(yield* cached("shared", () => lookups++)).toBe("shared!")
        expect(
          yield* Effect.provide(
            cached("shared", () => lookups++),
            Layer.fresh(patient)
          )
        ).toBe("shared!")
        expect(lookups).toBe(1)
      })
    )

    it.effect("a cold miss is three requests, a hit is one, sixty-four hits of one turn are one", () =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        const cache = yield* Cache.Cache
        const words = Array.from({ length: 64 }, (_, index) => `word-${index}`)
        // A value is stored behind its caller's back: wait until it is there. This also loads the scripts.
        yield* Effect.forEach(["first", ...words], (word) => cached(word), { concurrency: 8 })
        for (const word of ["first", ...words]) yield* until(cache.get(Key(word)), Option.isSome)

        yield* requests.reset
        yield* cached("cold")
        yield* until(requests.counts, (counts) => counts.requests >= 3)
        yield* cached("cold")
        expect(yield* requests.counts).toMatchObject({ requests: 4 })
        yield* Effect.forEach(words, (word) => cached(word), { concurrency: "unbounded" })
        expect(yield* requests.counts).toMatchObject({ requests: 5 })
      })
    )

    it.effect("a thousand cold calls of one key run one lookup", () =>
      Effect.gen(function* () {
        let lookups = 0
        const calls = Array.from({ length: 1_000 }, () => cached("stampede", () => lookups++))
        const answers = yield* Effect.all(calls, { concurrency: "unbounded" })
        expect([new Set(answers), lookups]).toEqual([new Set(["stampede!"]), 1])
      })
    )

    it.effect.each([
      Fault.reset,
      Fault.internalError,
      Fault.tooManyRequests,
      Fault.hang,
      Fault.garbage(),
      Fault.garbage("{}")
    ])("the lookup answers while the server's fault is $_tag", (fault) =>
      Effect.gen(function* () {
        const { faults, requests } = yield* UpstashLocal.UpstashLocal
        yield* faults.set(fault)
        yield* requests.reset
        expect(yield* Effect.provide(cached("during"), inAHurry)).toBe("during!")
        expect((yield* requests.counts).requests).toBeGreaterThan(0)
        yield* faults.set(Fault.none)
      })
    )

    it.effect("every key that is written goes away by itself", () =>
      Effect.gen(function* () {
        yield* cached("mortal")
        const keys = (yield* send("KEYS", "*")) as ReadonlyArray<string>
        expect(keys.length).toBeGreaterThan(0)
        for (const key of keys) {
          // -1: lives for ever. -2: is gone since.
          expect([key, (yield* send("PTTL", key)) === -1]).toEqual([key, false])
        }
      })
    )
  })
})

describeWithRedis("UpstashStore / key prefix and configuration", () => {
  layer(Layer.merge(server, Layer.provide(environment, server)), { excludeTestServices: true })((it) => {
    it.effect("a prefix of one's own goes before every key, from options, a configuration and the environment", () =>
      Effect.gen(function* () {
        const { token, url } = yield* UpstashLocal.UpstashLocal
        const layers = {
          "a:": UpstashStore.layer({ url, token, keyPrefix: "a:" }),
          "b:": UpstashStore.layerConfig({
            url: Config.string("UPSTASH_REDIS_REST_URL"),
            token: Config.redacted("UPSTASH_REDIS_REST_TOKEN"),
            keyPrefix: Config.succeed("b:")
          }),
          "c:": UpstashCache.storeFromEnvWith({ keyPrefix: "c:" })
        }
        for (const [prefix, live] of Object.entries(layers)) {
          yield* send("FLUSHALL")
          const invalidate = Effect.flatMap(Store.Store, (store) => store.invalidate({ keys: [], tags: ["t"] }))
          yield* Effect.provide(invalidate, live)
          const keys = (yield* send("KEYS", "*")) as ReadonlyArray<string>
          expect(keys.length).toBeGreaterThan(0)
          expect(keys.filter((key) => !key.startsWith(prefix))).toEqual([])
        }
      })
    )
  })
})

// `it.live`: after a `layer` of @effect/vitest, `it.effect` has that layer in the whole file.
describe("UpstashStore / bad configuration", () => {
  it.live("layerConfig knows no fallback: what is missing is an error", () =>
    Effect.gen(function* () {
      const live = UpstashStore.layerConfig({ url: Config.string("CACHE_URL"), token: Config.redacted("CACHE_TOKEN") })
      const error = yield* Effect.provide(Store.Store, live).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["CACHE_URL", "https://host.upstash.io"]]))),
        Effect.flip
      )
      expect(error).toMatchObject({ _op: "MissingData", path: ["CACHE_TOKEN"] })
    })
  )

  it.live("an option that is not usable is an error of the configuration, also where memory is chosen", () =>
    Effect.gen(function* () {
      const token = Redacted.make("token")
      for (const live of [
        UpstashStore.layer({ url: "https://host.upstash.io", token, keyPrefix: "{a}:" }),
        UpstashCache.storeFromEnvWith({ keyPrefix: "{a}:" })
      ]) {
        const error = yield* Effect.provide(Store.Store, live).pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
          Effect.flip
        )
        expect(error).toMatchObject({ _op: "InvalidData", path: ["keyPrefix"] })
      }
    })
  )
})
