import { type Command, RedisClient, type Reply } from "@larder/cache/RedisClient"
import { RedisServer } from "@larder/redis-server/RedisServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { IoredisClient } from "../../src/index.js"

/** The client over the server of the context, with further options. */
export const client = (options: Omit<IoredisClient.Options, "url" | "host" | "path"> = {}) =>
  Effect.flatMap(RedisServer, ({ url }) => IoredisClient.make({ ...options, url }))

export const layerClient = (options: Omit<IoredisClient.Options, "url" | "host" | "path"> = {}) =>
  Layer.scoped(RedisClient, client(options))

export const send = (...commands: ReadonlyArray<Command>) =>
  Effect.flatMap(RedisClient, (client) => client.send(commands))

/** A reply with its bytes as text. */
export const text = (reply: Reply): unknown => {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString("utf8")
  return Array.isArray(reply) ? reply.map((part: Reply) => text(part)) : reply
}

/** One command's result as text; its own failure in the error channel. */
export const run = (...command: Command) => Effect.flatMap(send(command), ([outcome]) => Either.map(outcome!, text))

export const by = <A, E, R>(client: RedisClient["Type"], effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, RedisClient, client)

/** Waits, in real time, until a condition holds. */
export const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (a: A) => boolean) =>
  Effect.repeat(effect, { until: holds, schedule: Schedule.spaced("2 millis") })

/** Waits, in real time, until it succeeds. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.retry(effect, Schedule.spaced("5 millis"))
