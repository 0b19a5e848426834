/**
 * Reads from Redis: one `MGET` for all requests of a turn, with values and epochs together.
 *
 * Tags that a lookup learnt are named only in the value's frame, so the first read of such a value costs a second
 * `MGET` for their epochs. A bounded memory of which entry carries which learnt tags makes it one from then on; a wrong
 * guess costs a key too many, or the second command again.
 *
 * An epoch that comes with the second command is newer than the value it judges, never older. Two replicas may answer
 * the two commands; the answer is as old as the older of them.
 */
import * as Effect from "effect/Effect"
import type { StoreError } from "../CacheError.js"
import type { Epochs } from "../Epoch.js"
import type { Reply } from "../RedisClient.js"
import type { Found, ReadAnswer, ReadRequest } from "../Store.js"
import * as Lru from "./lru.js"
import type { RedisCommands } from "./redisCommands.js"
import * as redisEpochs from "./redisEpochs.js"
import type { RedisKeys } from "./redisKeys.js"
import * as token from "./token.js"

const rememberedEntries = 10_000

export interface RedisReads {
  readonly read: (requests: ReadonlyArray<ReadRequest>) => Effect.Effect<ReadonlyArray<ReadAnswer>, StoreError>
  /** Notes which learnt tags an entry carries that this instance has just stored. */
  readonly expect: (key: string, shape: string, learntTags: ReadonlyArray<string>) => void
  /** The answer to a request whose value was found without a read, with the current epochs of all its tags. */
  readonly complete: (request: ReadRequest, value: Found, known: Epochs) => Effect.Effect<ReadAnswer, StoreError>
}

export const make = (keys: RedisKeys, { mget }: RedisCommands): RedisReads => {
  const learnt = Lru.make<ReadonlyArray<string>>(rememberedEntries)
  const entryName = ({ key, shape }: Pick<ReadRequest, "key" | "shape">) => `${key}\u0000${shape}`

  const remember = (request: ReadRequest, found: Found, remembered: ReadonlyArray<string>): void => {
    if (found._tag !== "Stored") return
    const extra = redisEpochs.stampedTags(found).filter((tag) => !request.tags.includes(tag))
    if (extra.length === remembered.length && extra.every((tag) => remembered.includes(tag))) return
    if (extra.length === 0) learnt.delete(entryName(request))
    else learnt.set(entryName(request), extra)
  }

  /** Asks for each name once. */
  const fetch = (names: Iterable<string>, into: Map<string, Reply>) => {
    const list = [...new Set(names)]
    return Effect.map(mget("read", list), (replies) => {
      for (const [i, name] of list.entries()) into.set(name, replies[i]!)
    })
  }

  /** Asks for more names; the counter is then the older of the two, and none when an era lies between them. */
  const fetchLater = (names: Iterable<string>, into: Map<string, Reply>) => {
    const first = redisEpochs.counter(keys, into)
    return Effect.map(fetch([keys.counter, ...names], into), () => {
      const second = redisEpochs.counter(keys, into)
      if (first === undefined || second?.era !== first.era) into.delete(keys.counter)
      else if (first.n < second.n) into.set(keys.counter, token.printCounter(first))
    })
  }

  const read = (requests: ReadonlyArray<ReadRequest>) =>
    Effect.suspend(() => {
      const remembered = requests.map((request) => learnt.get(entryName(request)) ?? [])
      const names = requests.flatMap(({ key, shape, tags }, i) => [
        keys.value(key, shape),
        keys.epoch(key),
        ...tags.map(keys.tag),
        ...remembered[i]!.map(keys.tag)
      ])
      const replies = new Map<string, Reply>()
      return Effect.flatMap(fetch([keys.counter, ...names], replies), () => {
        // Each request parses for itself, so that two askers for one value share no bytes.
        const values = requests.map(({ key, shape }) => redisEpochs.found(replies.get(keys.value(key, shape))))
        for (const [i, request] of requests.entries()) remember(request, values[i]!, remembered[i]!)
        const unknown = values
          .flatMap(redisEpochs.stampedTags)
          .map(keys.tag)
          .filter((name) => !replies.has(name))
        const answers = () =>
          requests.map((request, i) => ({
            found: values[i]!,
            epochs: redisEpochs.of(keys, request, values[i]!, replies)
          }))
        return unknown.length === 0 ? Effect.sync(answers) : Effect.map(fetchLater(unknown, replies), answers)
      })
    })

  const complete = (request: ReadRequest, value: Found, known: Epochs) => {
    remember(request, value, learnt.get(entryName(request)) ?? [])
    const unknown = redisEpochs.stampedTags(value).filter((tag) => !request.tags.includes(tag))
    if (unknown.length === 0) return Effect.succeed({ found: value, epochs: known })
    const replies = new Map<string, Reply>()
    if (known.counter !== undefined) replies.set(keys.counter, token.printCounter(known.counter))
    return Effect.map(fetchLater(unknown.map(keys.tag), replies), () => {
      const { counter, tags } = redisEpochs.of(keys, { ...request, tags: unknown }, value, replies)
      return { found: value, epochs: { counter, key: known.key, tags: new Map([...known.tags, ...tags]) } }
    })
  }

  const expect = (key: string, shape: string, learntTags: ReadonlyArray<string>): void => {
    if (learntTags.length > 0) learnt.set(entryName({ key, shape }), learntTags)
  }

  return { read, complete, expect }
}
