/** What the replies to a read say: the value that lies there, and the current epochs that judge it. */
import type { Epochs } from "../Epoch.js"
import type { Reply } from "../RedisClient.js"
import type { Found, ReadRequest } from "../Store.js"
import * as redisFrame from "./redisFrame.js"
import type { RedisKeys } from "./redisKeys.js"
import * as token from "./token.js"

/** The id of something that no store of ours wrote: refusing it refuses whatever is there. */
const anything = "*"

export const found = (reply: Reply | undefined): Found => {
  if (reply === null || reply === undefined) return { _tag: "Absent" }
  const framed = typeof reply === "string" || reply instanceof Uint8Array ? redisFrame.parse(reply) : undefined
  return framed === undefined ? { _tag: "Malformed", id: anything } : { _tag: "Stored", ...framed }
}

export const stampedTags = (found: Found): ReadonlyArray<string> =>
  found._tag === "Stored" ? found.stamps.tags.map(([tag]) => tag) : []

/** The replies to a read by the names of their keys. */
export type Replies = ReadonlyMap<string, Reply>

export const counter = (keys: RedisKeys, replies: Replies) =>
  token.parseCounter(redisFrame.text(replies.get(keys.counter)) ?? "")

/** The epochs of the request's key, of its tags, and of those that the value carries. */
export const of = (keys: RedisKeys, request: ReadRequest, found: Found, replies: Replies): Epochs => {
  const tags = new Map<string, string>()
  const add = (tag: string) => {
    const epoch = redisFrame.text(replies.get(keys.tag(tag)))
    if (epoch !== undefined) tags.set(tag, epoch)
  }
  request.tags.forEach(add)
  stampedTags(found).forEach(add)
  return { counter: counter(keys, replies), key: redisFrame.text(replies.get(keys.epoch(request.key))), tags }
}
