/** What stands behind the cache when the environment is asked, and that nothing of ours stays there. */
import { describe, expect, it } from "@effect/vitest"
import * as RedisClient from "@larder/cache/RedisClient"
import * as Store from "@larder/cache/Store"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as UpstashLocal from "@larder/upstash-local/UpstashLocal"
import * as UpstashClient from "@larder/upstash/UpstashClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as CommandLine from "../src/CommandLine.js"
import * as Database from "../src/Database.js"
import * as Databases from "../src/live/Databases.js"
import * as Stores from "../src/live/Stores.js"

const useEnv = { ...CommandLine.defaults, useEnv: true }

const withEnv = (variables: Record<string, string>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const capture = (key: string) =>
  Effect.flatMap(Store.Store, (store) => store.capture({ key, shape: "s", tags: ["t"], retainMillis: 60_000 }))

describe("the database of the environment", () => {
  const place = Effect.flatMap(Database.Database, ({ place, schema }) => Effect.succeed([place, schema]))

  it.live("DATABASE_URL is used when asked for, in a schema of its own", () =>
    Effect.gen(function* () {
      const url = inject("databaseUrl")
      const answer = yield* Effect.provide(place, Databases.layer(useEnv, "test")).pipe(
        withEnv({ DATABASE_URL: ` ${url} ` })
      )
      expect(answer).toEqual([`PostgreSQL at ${new URL(url).host}`, "larder_demo_test"])
    })
  )

  it.live("a DATABASE_URL that is none is an error that names it and does not repeat it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(place, Databases.layer(useEnv, "test"))).pipe(
        withEnv({ DATABASE_URL: "mysql://root:secret@host/database" })
      )
      expect(String(error)).toContain("DATABASE_URL")
      expect(String(error)).not.toContain("secret")
    })
  )
})

describe("the store of the environment", () => {
  it.live("without Upstash's variables it is memory, and says why", () =>
    Effect.gen(function* () {
      const choice = yield* Effect.provide(Stores.Choice, Stores.layer(useEnv, "test")).pipe(withEnv({}))
      expect(choice.name).toBe("this process's memory")
      expect(choice.why).toContain("UPSTASH_REDIS_REST_URL")
    })
  )

  it.live("half of Upstash's variables is an error that names the other", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Stores.Choice, Stores.layer(useEnv, "test"))).pipe(
        withEnv({ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" })
      )
      expect(String(error)).toContain("UPSTASH_REDIS_REST_TOKEN")
    })
  )
})

describeWithRedis("the Upstash of the environment", () => {
  const local = Effect.map(UpstashLocal.UpstashLocal, ({ token, url }) => ({
    variables: withEnv({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: Redacted.value(token) }),
    keys: Effect.gen(function* () {
      const client = yield* RedisClient.RedisClient
      const [answer] = yield* client.send([["KEYS", "*"]])
      return (Either.getOrThrow(answer!) as Array<string>).toSorted()
    }).pipe(Effect.provide(UpstashClient.layer({ url, token }))),
    send: (...command: RedisClient.Command) =>
      Effect.flatMap(RedisClient.RedisClient, (client) => client.send([command])).pipe(
        Effect.provide(UpstashClient.layer({ url, token }))
      )
  }))

  it.scopedLive("what was written there is removed in the end, what others wrote is not", () =>
    Effect.gen(function* () {
      const { keys, send, variables } = yield* local
      yield* send("SET", "larder-demo-somebody-else:key", "1")
      const during = yield* Effect.zipRight(capture("a"), keys).pipe(
        Effect.provide(Stores.layer(useEnv, "test")),
        variables
      )
      expect(during.filter((key) => key.startsWith("larder-demo-test:")).length).toBeGreaterThan(1)
      expect(yield* keys).toEqual(["larder-demo-somebody-else:key"])
    }).pipe(Effect.provide(UpstashLocal.layerWithRedis()))
  )

  it.scopedLive(
    "no more commands are sent than --max-commands allows, and what was written is removed all the same",
    () =>
      Effect.gen(function* () {
        const { keys, variables } = yield* local
        const limited = Stores.layer({ ...useEnv, maxCommands: 5 }, "test")
        const outcomes = yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (key) =>
          Effect.either(capture(key))
        ).pipe(Effect.provide(limited), variables)
        expect(Either.isRight(outcomes[0]!)).toBe(true)
        const last = outcomes.at(-1)!
        expect(Either.isLeft(last) && last.left.reason).toBe("Rejected")
        expect(yield* keys).toEqual([])
      }).pipe(Effect.provide(UpstashLocal.layerWithRedis()))
  )
})
