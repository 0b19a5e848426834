/**
 * Where the cache lives: a redis-server of its own, a network to it that can be broken, and two instances of the
 * application that reach it by one client or the other. On Upstash the network is the one between the application and
 * the REST server.
 */
import type { Store } from "@larder/cache/Store"
import * as RedisStore from "@larder/redis/RedisStore"
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as UpstashStore from "@larder/upstash/UpstashStore"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Redis } from "ioredis"
import { randomBytes } from "node:crypto"
import * as Far from "./Far.js"

export type Client = "redis" | "upstash"

export interface Place {
  readonly server: Context.Tag.Service<RedisServer.RedisServer>
  readonly far: Far.Network
  /** Tells the server something, past the network, on a connection of its own; answers the replies. */
  readonly tell: (
    commands: ReadonlyArray<readonly [name: string, ...args: ReadonlyArray<string>]>,
    password?: string
  ) => Effect.Effect<ReadonlyArray<unknown>>
  /** The store of an instance: each has connections of its own. */
  readonly store: Layer.Layer<Store, ConfigError.ConfigError>
}

const teller =
  ({ host, port }: Context.Tag.Service<RedisServer.RedisServer>): Place["tell"] =>
  (commands, password) =>
    Effect.promise(async () => {
      const redis = new Redis({
        host,
        port,
        lazyConnect: true,
        retryStrategy: () => null,
        ...(password === undefined ? {} : { password })
      })
      redis.on("error", () => {})
      try {
        await redis.connect()
        const replies: Array<unknown> = []
        for (const [name, ...args] of commands) replies.push(await redis.call(name, ...args))
        return replies
      } finally {
        redis.disconnect()
      }
    })

export const make = (
  client: Client
): Effect.Effect<Place, RedisServer.RedisServerError | Far.FarError, Far.Far | Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* RedisServer.make()
    const token = client === "upstash" ? randomBytes(24).toString("base64url") : undefined
    const far = yield* Effect.flatMap(Far.Far, ({ open }) => open({ redis: server.port, token }))
    const store =
      token === undefined
        ? RedisStore.layer({ url: `redis://127.0.0.1:${far.port}` })
        : UpstashStore.layer({ url: `http://127.0.0.1:${far.port}`, token: Redacted.make(token) })
    return { server, far, tell: teller(server), store }
  })
