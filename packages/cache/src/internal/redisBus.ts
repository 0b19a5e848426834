/**
 * Redis's channels as a bus. A beat is a script where the store's counter lies, and so takes the way of the store's own
 * messages: what was published there before it is heard before it, or is lost, and then the counts do not fit.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { RedisClient, RedisError } from "../RedisClient.js"
import * as redisCommands from "./redisCommands.js"
import * as redisKeys from "./redisKeys.js"
import { publishCounted } from "./redisScripts.js"
import * as token from "./token.js"

export const make = (
  client: RedisClient["Type"],
  keyPrefix: string
): Effect.Effect<Context.Tag.Service<InvalidationBus>> =>
  Effect.map(redisCommands.script(publishCounted), (script) => {
    const { channel, counter } = redisKeys.make(keyPrefix)
    const commands = redisCommands.make(client)
    const busError = (operation: string) => (error: RedisError) =>
      new StoreError({
        store: `${client.name} bus`,
        operation,
        reason: error.reason,
        detail: [error.code, error.detail].filter((part) => part !== "").join(": ")
      })
    return {
      name: client.name,
      channel,
      carrier: client,
      publish: (text) => Effect.mapError(client.publish(channel, text), busError("publish")),
      publishCounted: (text) =>
        Effect.asVoid(commands.run("publish", script, [{ keys: [counter], args: [token.nonce(), channel, text] }])),
      texts: Stream.mapError(client.subscribe(channel), busError("listen"))
    }
  })
