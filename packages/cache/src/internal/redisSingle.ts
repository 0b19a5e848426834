/**
 * The operations of a store on one Redis server: one script each, whatever they name. What they mean is said in
 * `memoryStore`; how the server carries them out, in `redisScripts`.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { StoreError } from "../CacheError.js"
import type { RedisClient, Reply } from "../RedisClient.js"
import type { Capture, FenceRequest, LeaseAnswer, LeaseRequest } from "../Store.js"
import * as redisCommands from "./redisCommands.js"
import * as redisEpochs from "./redisEpochs.js"
import * as redisFrame from "./redisFrame.js"
import type { RedisKeys } from "./redisKeys.js"
import * as redisOperations from "./redisOperations.js"
import * as redisReads from "./redisReads.js"
import * as redisScripts from "./redisScripts.js"
import * as token from "./token.js"

const { further, judging, millis, telling, texts, unique } = redisOperations

export const make = (client: RedisClient["Type"], keys: RedisKeys): Effect.Effect<redisOperations.RedisOperations> =>
  Effect.gen(function* () {
    const commands = redisCommands.make(client)
    const replies = redisOperations.make(commands)
    const reads = redisReads.make(keys, commands)
    const scripts = yield* Effect.all({
      lease: redisCommands.script(redisScripts.lease),
      fill: redisCommands.script(redisScripts.fill),
      renew: redisCommands.script(redisScripts.renew),
      release: redisCommands.script(redisScripts.release),
      invalidate: redisCommands.script(redisScripts.invalidate),
      expire: redisCommands.script(redisScripts.expire),
      capture: redisCommands.script(redisScripts.capture),
      commit: redisCommands.script(redisScripts.commit)
    })

    const leaseAnswer = (request: LeaseRequest, reply: Reply): Effect.Effect<LeaseAnswer, StoreError> =>
      Effect.gen(function* () {
        const { key, shape } = request
        const [first, held, counted, own = "", ...epochs] = texts(reply)
        const verdict = yield* replies.verdict(first)
        if (verdict === "B") return { _tag: "Busy" }
        const counter = yield* replies.counter("lease", counted)
        const tags = unique(request.tags).map((tag, i) => [tag, epochs[i] ?? ""] as const)
        if (verdict === "G") {
          return { _tag: "Granted", lease: { key, shape, token: held!, stamps: { key: own, tags }, counter } }
        }
        const value = redisEpochs.found((reply as ReadonlyArray<Reply>)[1])
        const answer = yield* reads.complete(request, value, { counter, key: own, tags: new Map(tags) })
        return { _tag: "Found", answer }
      })

    /** KEYS and ARGV of fills and commits. */
    const storing = (
      { counter, key, shape, stamps }: Capture,
      learntTags: ReadonlyArray<string>,
      bytes: Uint8Array | undefined,
      timeToLiveMillis: number,
      held: string,
      beside: ReadonlyArray<string> = []
    ): redisCommands.Call => {
      const payload = bytes === undefined ? undefined : redisFrame.payload(bytes, client.encoding)
      return {
        keys: [
          keys.counter,
          keys.epoch(key),
          keys.value(key, shape),
          keys.lease(key, shape),
          ...beside,
          ...stamps.tags.map(([tag]) => keys.tag(tag)),
          ...further(learntTags, stamps).map(keys.tag)
        ],
        args: [
          ...judging(stamps, counter, learntTags, timeToLiveMillis),
          held,
          stamps.key,
          payload?.encoding ?? "",
          payload?.content ?? ""
        ]
      }
    }

    const fence = (operation: "invalidate" | "expire", names: (request: FenceRequest) => ReadonlyArray<string>) => {
      return (request: FenceRequest) =>
        Effect.suspend(() => {
          const call = {
            keys: [keys.counter, keys.stream, ...new Set(names(request))],
            args: [token.nonce(), request.everything === true ? "1" : "0", ...telling(request.announcement)]
          }
          return Effect.flatMap(commands.run(operation, scripts[operation], [call]), ([reply]) =>
            replies.counter(operation, redisFrame.text(reply))
          )
        })
    }

    return {
      read: (requests) => Effect.map(reads.read(requests), (answers) => answers.map(Either.right)),

      lease: (requests) =>
        Effect.suspend(() => {
          const calls = requests.map(({ key, leaseMillis, retainMillis, seen, shape, shared, tags }) => ({
            keys: [
              keys.counter,
              keys.epoch(key),
              keys.value(key, shape),
              keys.lease(key, shape),
              ...unique(tags).map(keys.tag)
            ],
            args: [token.nonce(), millis(retainMillis), seen ?? "", millis(leaseMillis), shared === true ? "1" : "0"]
          }))
          return Effect.flatMap(commands.runEach("lease", scripts.lease, calls), (outcomes) =>
            Effect.forEach(
              outcomes,
              (outcome, i) => Effect.either(Effect.flatMap(outcome, (reply) => leaseAnswer(requests[i]!, reply))),
              { concurrency: "unbounded" }
            )
          )
        }),

      fill: (requests) =>
        Effect.suspend(() => {
          const calls = requests.map(({ bytes, learntTags, lease, timeToLiveMillis }) =>
            storing(lease, learntTags, bytes, timeToLiveMillis, lease.token)
          )
          return Effect.flatMap(
            commands.runEach("fill", scripts.fill, calls),
            Effect.forEach((outcome, i) =>
              Effect.either(
                Effect.tap(
                  Effect.flatMap(outcome, (reply) => replies.outcome("fill", reply)),
                  (verdict) => {
                    const { learntTags, lease } = requests[i]!
                    if (verdict === "Stored") reads.expect(lease.key, lease.shape, further(learntTags, lease.stamps))
                    return Effect.void
                  }
                )
              )
            )
          )
        }),

      renew: (leases, leaseMillis) => {
        const calls = leases.map(({ counter, key, shape, stamps, token: held }) => ({
          keys: [keys.counter, keys.epoch(key), keys.lease(key, shape), ...stamps.tags.map(([tag]) => keys.tag(tag))],
          args: ["", held, counter.era, millis(leaseMillis), stamps.key, ...stamps.tags.map(([, epoch]) => epoch)]
        }))
        return Effect.map(commands.run("renew", scripts.renew, calls), (answers) => answers.map((one) => one === 1))
      },

      release: (leases) => {
        const calls = leases.map(({ key, shape, token: held }) => ({ keys: [keys.lease(key, shape)], args: [held] }))
        return Effect.asVoid(commands.run("release", scripts.release, calls))
      },

      invalidate: fence("invalidate", keys.fenced),
      expire: fence("expire", keys.marked),

      capture: ({ key, retainMillis, shape, tags: named }) =>
        Effect.suspend(() => {
          const tags = unique(named)
          const call = {
            keys: [keys.counter, keys.epoch(key), ...tags.map(keys.tag)],
            args: [token.nonce(), millis(retainMillis)]
          }
          return Effect.flatMap(commands.run("capture", scripts.capture, [call]), ([reply]) => {
            const [counted, own = "", ...epochs] = texts(reply)
            const stamps = { key: own, tags: tags.map((tag, i) => [tag, epochs[i] ?? ""] as const) }
            return Effect.map(replies.counter("capture", counted), (counter) => ({ key, shape, stamps, counter }))
          })
        }),

      commit: ({ announcement, bytes, capture, learntTags, timeToLiveMillis }) =>
        Effect.suspend(() => {
          const beside = [keys.tag(capture.key), keys.stream]
          const call = storing(capture, learntTags, bytes, timeToLiveMillis, "", beside)
          const told = { ...call, args: [...call.args, ...telling(announcement)] }
          return Effect.flatMap(commands.run("commit", scripts.commit, [told]), ([reply]) => {
            const [outcome, counted] = texts(reply)
            return Effect.all({
              outcome: replies.outcome("commit", outcome),
              counter: replies.counter("commit", counted)
            })
          })
        })
    }
  })
