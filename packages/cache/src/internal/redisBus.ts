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
import * as busWire from "./busWire.js"
import * as redisCarrier from "./redisCarrier.js"
import * as redisCommands from "./redisCommands.js"
import * as redisKeys from "./redisKeys.js"
import { publishCounted } from "./redisScripts.js"
import * as token from "./token.js"

/** What the server saw as a message of a sender that counts nothing. */
const textOf = (keys: redisKeys.RedisKeys, names: ReadonlyArray<string> | "everything"): string => {
  const owners = names === "everything" ? [] : names.map(keys.owner).filter((owner) => owner !== undefined)
  const message = {
    _tag: "Fence",
    origin: "the server",
    kind: "change",
    keys: [...new Set(owners.flatMap((owner) => ("key" in owner ? [owner.key] : [])))],
    tags: owners.flatMap((owner) => ("tag" in owner ? [owner.tag] : [])),
    everything: names === "everything"
  } as const
  return `- ${busWire.print(message)}`
}

export const make = (
  client: RedisClient["Type"],
  keyPrefix: string,
  tracking: boolean
): Effect.Effect<Context.Tag.Service<InvalidationBus>> =>
  Effect.gen(function* () {
    const script = yield* redisCommands.script(publishCounted)
    const keys = redisKeys.make(keyPrefix)
    const { channel, counter, nobody } = keys
    const commands = redisCommands.make(client, `${client.name} bus`)
    const busError = (operation: string) => (error: RedisError) =>
      new StoreError({
        store: `${client.name} bus`,
        operation,
        reason: error.reason,
        detail: [error.code, error.detail].filter((part) => part !== "").join(": ")
      })
    const told = Stream.mapError(client.subscribe(channel), busError("listen"))
    if (tracking && client.changes === undefined) {
      yield* Effect.logWarning(`${client.name} cannot tell what others do to its keys: the bus goes without tracking`)
    }
    const changed =
      tracking && client.changes !== undefined
        ? Stream.mapError(
            Stream.map(client.changes(keyPrefix), (names) => textOf(keys, names)),
            busError("track")
          )
        : undefined
    return {
      name: client.name,
      channel,
      carrier: redisCarrier.of(client, keyPrefix),
      publish: (text) => Effect.mapError(client.publish(channel, text), busError("publish")),
      publishCounted: (text) =>
        Effect.asVoid(
          commands.run("publish", script, [{ keys: [counter, nobody], args: [token.nonce(), channel, text] }])
        ),
      texts: changed === undefined ? told : Stream.merge(told, changed, { haltStrategy: "either" })
    }
  })
