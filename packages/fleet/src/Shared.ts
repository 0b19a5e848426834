/** What the instances share: the store of their caches and the database, and how each can be broken. */
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Database from "example-feature-flags/Database"
import { FeaturesSql } from "example-feature-flags/FeaturesSql"
import { Features } from "example-feature-flags/Features"
import * as Service from "example-feature-flags/live/Service"
import { randomBytes } from "node:crypto"
import * as Net from "node:net"
import type { Programs } from "./Bundle.js"
import * as Child from "./Child.js"
import * as Port from "./port.js"

export type Client = "redis" | "upstash"

export class StartError extends Data.TaggedError("StartError")<{ readonly message: string }> {}

/** Something that is broken for a while, and then not any more. */
export interface Outage {
  readonly kind: "store frozen" | "store restarted" | "REST server frozen"
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void, RedisServer.RedisServerError>
}

export interface Store {
  /** How an instance is told of it. */
  readonly variables: Readonly<Record<string, string>>
  readonly outages: ReadonlyArray<Outage>
}

const listens = (port: number) =>
  Effect.async<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.once("connect", () => resume(Effect.succeed(true)))
    socket.once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.repeat({ until: (up) => up, schedule: Schedule.spaced(50) }))

const upstash = (file: string, redisUrl: string) =>
  Effect.gen(function* () {
    const port = yield* Port.free
    const token = randomBytes(24).toString("base64url")
    const child = yield* Child.start({
      file,
      args: [],
      variables: { PORT: String(port), REDIS_URL: redisUrl, TOKEN: token }
    })
    yield* Effect.timeoutFail(listens(port), {
      duration: "30 seconds",
      onTimeout: () => new StartError({ message: `the local Upstash server did not start. ${child.said()}`.trim() })
    })
    return {
      variables: { UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${port}`, UPSTASH_REDIS_REST_TOKEN: token },
      outage: { kind: "REST server frozen", begin: child.suspend, end: child.resume } as const
    }
  })

export const store = (
  client: Client,
  programs: Programs
): Effect.Effect<Store, RedisServer.RedisServerError | StartError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* RedisServer.make()
    const outages: ReadonlyArray<Outage> = [
      { kind: "store frozen", begin: server.suspend, end: server.resume },
      { kind: "store restarted", begin: server.stop, end: server.start }
    ]
    if (client === "redis") return { variables: { REDIS_URL: server.url }, outages }
    const { outage, variables } = yield* upstash(programs.upstash, server.url)
    return { variables, outages: [...outages, outage] }
  })

export const schema = "larder_fleet"

/** An embedded database that the instances find seeded, with these flags switched off. Answers its URL. */
export const database = (slugs: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { url } = Context.get(yield* Layer.build(Database.layerEmbedded), Database.Database)
    const client = Layer.provideMerge(Database.layerClientOf({ connections: 1 }), Database.layerUrl(url, schema))
    const seed = Effect.gen(function* () {
      yield* Service.prepare
      const features = yield* Features
      yield* Effect.forEach(slugs, (slug) => features.setFeature(slug, false))
    })
    yield* Effect.provide(seed, Layer.provideMerge(FeaturesSql, client))
    return Redacted.value(url)
  })
