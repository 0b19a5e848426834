/**
 * The operations of a store, as commands and scripts. What they mean is said in `memoryStore`; how the server carries
 * them out, in `redisScripts`.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { StoreError } from "../CacheError.js"
import type { Counter, Stamps } from "../Epoch.js"
import type { RedisClient, Reply } from "../RedisClient.js"
import type {
  CaptureRequest,
  CommitRequest,
  FenceRequest,
  FillRequest,
  Lease,
  LeaseAnswer,
  LeaseRequest,
  Outcome,
  ReadRequest,
  Store
} from "../Store.js"
import * as redisCommands from "./redisCommands.js"
import * as redisFrame from "./redisFrame.js"
import * as redisKeys from "./redisKeys.js"
import * as redisReads from "./redisReads.js"
import * as redisScripts from "./redisScripts.js"
import * as token from "./token.js"
import * as turnBatch from "./turnBatch.js"

/** A whole number of milliseconds that Redis takes: at least one, at most some thirty thousand years. */
const millis = (value: number): string => String(value >= 1 ? Math.min(Math.floor(value), 1e15) : 1)

/** So many bytes of values weigh as much in a turn's round trip as one command: a request of some megabytes at most. */
const fillBytes = 4_096

const unique = (tags: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(tags)]

interface Storing {
  readonly token: string
  readonly stamps: Stamps
  readonly counter: Counter
  readonly key: string
  readonly shape: string
  readonly learntTags: ReadonlyArray<string>
  readonly bytes: Uint8Array | undefined
  readonly timeToLiveMillis: number
}

export const make = (client: RedisClient["Type"], keyPrefix: string): Effect.Effect<Context.Tag.Service<Store>> =>
  Effect.gen(function* () {
    const keys = redisKeys.make(keyPrefix)
    const commands = redisCommands.make(client)
    const reads = redisReads.make(keys, commands)
    const read = yield* turnBatch.make((requests: ReadonlyArray<ReadRequest>) =>
      Effect.map(reads.read(requests), (answers) => answers.map(Either.right))
    )
    const scripts = {
      lease: yield* redisCommands.script(redisScripts.lease),
      fill: yield* redisCommands.script(redisScripts.fill),
      renew: yield* redisCommands.script(redisScripts.renew),
      release: yield* redisCommands.script(redisScripts.release),
      invalidate: yield* redisCommands.script(redisScripts.invalidate),
      expire: yield* redisCommands.script(redisScripts.expire),
      capture: yield* redisCommands.script(redisScripts.capture),
      commit: yield* redisCommands.script(redisScripts.commit)
    }

    const textsOf = (reply: Reply | undefined): ReadonlyArray<string> =>
      Array.isArray(reply) ? reply.map((part: Reply) => redisFrame.text(part) ?? "") : []
    const counterOf = (operation: string, text: string | undefined): Effect.Effect<Counter, StoreError> => {
      const counter = token.parseCounter(text ?? "")
      return counter === undefined
        ? Effect.fail(commands.badReply(operation, "the script answered no counter"))
        : Effect.succeed(counter)
    }
    /** `[counter, epoch of the key, epochs of the tags…]`, as the scripts that make epochs answer. */
    const stampsOf = (operation: string, tags: ReadonlyArray<string>, texts: ReadonlyArray<string>) =>
      Effect.map(counterOf(operation, texts[0]), (counter) => ({
        counter,
        stamps: { key: texts[1] ?? "", tags: tags.map((tag, i) => [tag, texts[2 + i] ?? ""] as const) }
      }))

    const leaseAnswer = (request: LeaseRequest, reply: Reply): Effect.Effect<LeaseAnswer, StoreError> => {
      const { key, shape } = request
      const tags = unique(request.tags)
      const [verdict, ...texts] = textsOf(reply)
      if (verdict === "B") return Effect.succeed({ _tag: "Busy" })
      if (verdict !== "G" && verdict !== "F") {
        return Effect.fail(commands.badReply("lease", "the script answered no verdict"))
      }
      return Effect.flatMap(
        stampsOf("lease", tags, texts),
        ({ counter, stamps }): Effect.Effect<LeaseAnswer, StoreError> => {
          if (verdict === "G") {
            return Effect.succeed({ _tag: "Granted", lease: { key, shape, token: texts.at(-1)!, stamps, counter } })
          }
          const value = redisReads.found((reply as ReadonlyArray<Reply>).at(-1))
          const known = { counter, key: stamps.key, tags: new Map(stamps.tags) }
          return Effect.map(reads.complete(request, value, known), (answer) => ({ _tag: "Found", answer }))
        }
      )
    }

    const lease = (requests: ReadonlyArray<LeaseRequest>) =>
      Effect.suspend(() => {
        const calls = requests.map(({ key, leaseMillis, retainMillis, seen, shape, tags }) => ({
          keys: [
            keys.counter,
            keys.epoch(key),
            keys.value(key, shape),
            keys.lease(key, shape),
            ...unique(tags).map(keys.tag)
          ],
          args: [token.nonce(), millis(retainMillis), seen ?? "", millis(leaseMillis)]
        }))
        return Effect.flatMap(commands.runEach("lease", scripts.lease, calls), (outcomes) =>
          Effect.forEach(
            outcomes,
            (outcome, i) => Effect.either(Effect.flatMap(outcome, (reply) => leaseAnswer(requests[i]!, reply))),
            { concurrency: "unbounded" }
          )
        )
      })

    const storingCall = (one: Storing): redisCommands.Call => {
      const declared = one.stamps.tags
      const learnt = unique(one.learntTags).filter((tag) => !declared.some(([name]) => name === tag))
      const payload = one.bytes === undefined ? undefined : redisFrame.payload(one.bytes, client.encoding)
      return {
        keys: [
          keys.counter,
          keys.epoch(one.key),
          keys.value(one.key, one.shape),
          keys.lease(one.key, one.shape),
          ...declared.map(([tag]) => keys.tag(tag)),
          ...learnt.map(keys.tag)
        ],
        args: [
          token.nonce(),
          one.token,
          one.counter.era,
          String(one.counter.n),
          millis(one.timeToLiveMillis),
          payload?.encoding ?? "",
          String(declared.length),
          one.stamps.key,
          ...declared.flatMap(([tag, epoch]) => [redisFrame.encodeTag(tag), epoch]),
          ...learnt.map(redisFrame.encodeTag),
          payload?.content ?? ""
        ]
      }
    }
    const outcomeOf = (operation: string, reply: string | undefined): Effect.Effect<Outcome, StoreError> =>
      reply === "S" || reply === "R"
        ? Effect.succeed(reply === "S" ? "Stored" : "Refused")
        : Effect.fail(commands.badReply(operation, "the script answered no outcome"))

    const fill = (requests: ReadonlyArray<FillRequest>) =>
      Effect.suspend(() =>
        Effect.flatMap(
          commands.runEach(
            "fill",
            scripts.fill,
            requests.map(({ lease, ...content }) => storingCall({ ...lease, ...content }))
          ),
          Effect.forEach((outcome, i) => {
            const { learntTags, lease } = requests[i]!
            const declared = lease.stamps.tags.map(([tag]) => tag)
            const stored = Effect.flatMap(outcome, (reply) => outcomeOf("fill", redisFrame.text(reply)))
            return Effect.either(
              Effect.tap(stored, (verdict) => {
                const learnt = unique(learntTags).filter((tag) => !declared.includes(tag))
                if (verdict === "Stored") reads.expect(lease.key, lease.shape, learnt)
                return Effect.void
              })
            )
          })
        )
      )

    const renew = (leases: ReadonlyArray<Lease>, leaseMillis: number) => {
      const calls = leases.map(({ counter, key, shape, stamps, token: held }) => ({
        keys: [keys.counter, keys.epoch(key), keys.lease(key, shape), ...stamps.tags.map(([tag]) => keys.tag(tag))],
        args: ["", held, counter.era, millis(leaseMillis), stamps.key, ...stamps.tags.map(([, epoch]) => epoch)]
      }))
      return Effect.map(commands.run("renew", scripts.renew, calls), (replies) => replies.map((reply) => reply === 1))
    }

    const release = (leases: ReadonlyArray<Lease>) => {
      const calls = leases.map(({ key, shape, token: held }) => ({ keys: [keys.lease(key, shape)], args: [held] }))
      return Effect.asVoid(commands.run("release", scripts.release, calls))
    }

    const fence = (operation: "invalidate" | "expire", names: (request: FenceRequest) => ReadonlyArray<string>) => {
      return (request: FenceRequest) =>
        Effect.suspend(() => {
          const call = {
            keys: [keys.counter, ...new Set(names(request))],
            args: [token.nonce(), request.everything === true ? "1" : "0"]
          }
          return Effect.flatMap(commands.run(operation, scripts[operation], [call]), ([reply]) =>
            counterOf(operation, redisFrame.text(reply))
          )
        })
    }

    const capture = ({ key, retainMillis, shape, tags: named }: CaptureRequest) =>
      Effect.suspend(() => {
        const tags = unique(named)
        const call = {
          keys: [keys.counter, keys.epoch(key), ...tags.map(keys.tag)],
          args: [token.nonce(), millis(retainMillis)]
        }
        return commands.run("capture", scripts.capture, [call]).pipe(
          Effect.flatMap(([reply]) => stampsOf("capture", tags, textsOf(reply))),
          Effect.map(({ counter, stamps }) => ({ key, shape, stamps, counter }))
        )
      })

    const commit = (request: CommitRequest) =>
      Effect.suspend(() => {
        const { bytes, capture, learntTags, timeToLiveMillis } = request
        const call = storingCall({ ...capture, token: "", learntTags, bytes, timeToLiveMillis })
        return Effect.flatMap(commands.run("commit", scripts.commit, [call]), ([reply]) => {
          const [outcome, counter] = textsOf(reply)
          return Effect.all({ outcome: outcomeOf("commit", outcome), counter: counterOf("commit", counter) })
        })
      })

    // A thousand cold keys in one turn are one round trip each of reading, leasing and filling, not a thousand.
    const leaseTurn = yield* turnBatch.make(lease)
    const fillTurn = yield* turnBatch.make(fill, ({ bytes }) => 1 + bytes.length / fillBytes)

    return {
      name: client.name,
      remote: true,
      read: (requests) => (requests.length === 0 ? Effect.succeed([]) : read(requests)),
      lease: (requests) => (requests.length === 0 ? Effect.succeed([]) : leaseTurn(requests)),
      fill: (requests) => (requests.length === 0 ? Effect.succeed([]) : fillTurn(requests)),
      renew,
      release,
      invalidate: fence("invalidate", keys.fenced),
      expire: fence("expire", keys.marked),
      capture,
      commit
    }
  })
