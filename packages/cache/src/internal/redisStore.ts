/**
 * A store on Redis: what many fibers ask for in one turn goes out together, to one server or to a cluster.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { RedisClient } from "../RedisClient.js"
import type { Store } from "../Store.js"
import * as redisCarrier from "./redisCarrier.js"
import * as redisCluster from "./redisCluster.js"
import * as redisKeys from "./redisKeys.js"
import * as redisSingle from "./redisSingle.js"
import * as turnBatch from "./turnBatch.js"

/** So many bytes of values weigh as much in a turn's round trip as one command: a request of some megabytes at most. */
const fillBytes = 4_096

export const make = (client: RedisClient["Type"], keyPrefix: string): Effect.Effect<Context.Tag.Service<Store>> =>
  Effect.gen(function* () {
    const { fill, lease, read, ...operations } = yield* (client.cluster ? redisCluster : redisSingle).make(
      client,
      redisKeys.make(keyPrefix)
    )
    // A thousand cold keys in one turn are one round trip each of reading, leasing and filling, not a thousand.
    const turns = {
      read: yield* turnBatch.make(read),
      lease: yield* turnBatch.make(lease),
      fill: yield* turnBatch.make(fill, ({ bytes }) => 1 + bytes.length / fillBytes)
    }
    return {
      ...operations,
      name: client.name,
      remote: true,
      apart: client.cluster,
      carrier: redisCarrier.of(client, keyPrefix),
      read: (requests) => (requests.length === 0 ? Effect.succeed([]) : turns.read(requests)),
      lease: (requests) => (requests.length === 0 ? Effect.succeed([]) : turns.lease(requests)),
      fill: (requests) => (requests.length === 0 ? Effect.succeed([]) : turns.fill(requests))
    }
  })
