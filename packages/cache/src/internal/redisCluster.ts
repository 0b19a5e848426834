/**
 * The operations of a store on a Redis Cluster. A script touches one slot, so each operation has a half where the key
 * lies and a half where the tags and the counter lie; their order is what keeps stale values out.
 *
 * - A read takes the value with its key's epoch, and afterwards the tags and the counter: no epoch is older than the
 *   value that it judges.
 * - A lease takes the tags' epochs before the key's; a fill asks for them once more after the lookup. A fence that
 *   falls between the two halves leaves a stamp that is too old, which is a miss.
 * - A fence falls where the key lies first, then on the tags, and the counter rises last. It goes as far as it can: a
 *   node that does not answer keeps no other from being told, nor does a caller who no longer waits, and the operation
 *   has failed all the same.
 *
 * A node that is gone costs the keys that lie on it. The node of the tags costs all of them, until its replica takes
 * over: without the counter no value can be judged.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { StoreError } from "../CacheError.js"
import type { RedisClient, Reply } from "../RedisClient.js"
import type { FenceRequest, Found, LeaseAnswer, ReadAnswer, ReadRequest } from "../Store.js"
import * as redisClusterScripts from "./redisClusterScripts.js"
import * as redisCommands from "./redisCommands.js"
import * as redisEpochs from "./redisEpochs.js"
import * as redisFrame from "./redisFrame.js"
import type { RedisKeys } from "./redisKeys.js"
import * as redisKeys from "./redisKeys.js"
import * as redisOperations from "./redisOperations.js"
import * as token from "./token.js"

const { further, judging, millis, telling, texts, unique } = redisOperations

type Outcome<A> = Either.Either<A, StoreError>
type Outcomes<A> = ReadonlyArray<Outcome<A>>

/** Goes on with what succeeded; what failed keeps its place and its failure. */
const andThen = <A, B>(
  outcomes: Outcomes<A>,
  step: (values: ReadonlyArray<A>) => Effect.Effect<Outcomes<B>, StoreError>
): Effect.Effect<Outcomes<B>, StoreError> => {
  const values = outcomes.flatMap((outcome) => (Either.isRight(outcome) ? [outcome.right] : []))
  const answers = values.length === 0 ? Effect.succeed([]) : step(values)
  return Effect.map(answers, (some) => {
    let next = 0
    return outcomes.map((outcome): Outcome<B> => (Either.isLeft(outcome) ? Either.left(outcome.left) : some[next++]!))
  })
}

/** A value as it lay with its key's epoch, before anybody has judged it. */
interface Unjudged {
  readonly request: ReadRequest
  readonly found: Found
  readonly epoch: string | undefined
}

/**
 * A time limit of the caller may be shorter than the client's for a node that is frozen: interruption detaches, and the
 * others are told all the same.
 */
const asFarAsItCan = <A, E, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.disconnect(Effect.uninterruptible(operation))

export const make = (client: RedisClient["Type"], keys: RedisKeys): Effect.Effect<redisOperations.RedisOperations> =>
  Effect.gen(function* () {
    const commands = redisCommands.make(client)
    const replies = redisOperations.make(commands)
    const scripts = yield* Effect.all({
      tagsStamp: redisCommands.script(redisClusterScripts.tagsStamp),
      tagsJudge: redisCommands.script(redisClusterScripts.tagsJudge),
      tagsRenew: redisCommands.script(redisClusterScripts.tagsRenew),
      tagsInvalidate: redisCommands.script(redisClusterScripts.tagsInvalidate),
      tagsExpire: redisCommands.script(redisClusterScripts.tagsExpire),
      keyStamp: redisCommands.script(redisClusterScripts.keyStamp),
      keyLease: redisCommands.script(redisClusterScripts.keyLease),
      keyFill: redisCommands.script(redisClusterScripts.keyFill),
      keyCommit: redisCommands.script(redisClusterScripts.keyCommit),
      keyRenew: redisCommands.script(redisClusterScripts.keyRenew),
      keyExpire: redisCommands.script(redisClusterScripts.keyExpire),
      release: redisCommands.script(redisClusterScripts.release)
    })

    const tagKeys = (tags: ReadonlyArray<string>) => [keys.counter, ...tags.map(keys.tag)]
    const fencedKeys = (tags: ReadonlyArray<string>) => [keys.counter, keys.stream, ...tags.map(keys.tag)]
    const entryKeys = (key: string, shape: string) => [keys.epoch(key), keys.value(key, shape), keys.lease(key, shape)]

    const judge = (values: ReadonlyArray<Unjudged>): Effect.Effect<ReadonlyArray<ReadAnswer>, StoreError> => {
      const tags = values.flatMap(({ found, request }) => [...request.tags, ...redisEpochs.stampedTags(found)])
      const names = tagKeys(unique(tags))
      return Effect.map(commands.mget("read", names), (answers) => {
        const current = new Map(names.map((name, i) => [name, answers[i]!]))
        return values.map(({ epoch, found, request }) => ({
          found,
          epochs: { ...redisEpochs.of(keys, request, found, current), key: epoch }
        }))
      })
    }

    const read = (requests: ReadonlyArray<ReadRequest>) =>
      Effect.suspend(() => {
        const shapes = new Map<string, Set<string>>()
        for (const { key, shape } of requests) shapes.set(key, (shapes.get(key) ?? new Set()).add(shape))
        const names = [...shapes].map(([key, some]) => [
          keys.epoch(key),
          ...Array.from(some, (shape) => keys.value(key, shape))
        ])
        const place = new Map([...shapes.keys()].map((key, i) => [key, i]))
        return Effect.flatMap(commands.mgetEach("read", names), (outcomes) => {
          const values = requests.map((request) => {
            const at = place.get(request.key)!
            return Either.map(outcomes[at]!, (answers): Unjudged => {
              const value = answers[names[at]!.indexOf(keys.value(request.key, request.shape))]
              return { request, found: redisEpochs.found(value), epoch: redisFrame.text(answers[0]) }
            })
          })
          return andThen(values, (some) => Effect.map(judge(some), (answers) => answers.map(Either.right)))
        })
      })

    /** The counter and the epochs of tags, made where they are missing. */
    const stamp = (operation: string, requests: ReadonlyArray<{ tags: ReadonlyArray<string>; retainMillis: number }>) =>
      Effect.flatMap(
        commands.runEach(
          operation,
          scripts.tagsStamp,
          requests.map(({ retainMillis, tags }) => ({
            keys: tagKeys(unique(tags)),
            args: [token.nonce(), millis(retainMillis)]
          }))
        ),
        Effect.forEach((outcome, i) =>
          Effect.either(
            Effect.flatMap(outcome, (reply) => {
              const [counted, ...epochs] = texts(reply)
              const tags = unique(requests[i]!.tags).map((tag, j) => [tag, epochs[j] ?? ""] as const)
              return Effect.map(replies.counter(operation, counted), (counter) => ({ counter, tags }))
            })
          )
        )
      )

    const lease: redisOperations.RedisOperations["lease"] = (requests) =>
      Effect.gen(function* () {
        const stamped = (yield* stamp("lease", requests)).map((outcome, i) =>
          Either.map(outcome, (stamps) => ({ ...stamps, request: requests[i]! }))
        )
        const leased = yield* andThen(stamped, (some) =>
          Effect.flatMap(
            commands.runEach(
              "lease",
              scripts.keyLease,
              some.map(({ counter, request, tags }) => ({
                keys: entryKeys(request.key, request.shape),
                args: [
                  token.nonce(),
                  millis(request.retainMillis),
                  counter.era,
                  String(counter.n),
                  request.seen ?? "",
                  millis(request.leaseMillis),
                  request.shared === true ? "1" : "0",
                  ...tags.flatMap(([tag, epoch]) => [keys.tag(tag), epoch])
                ]
              }))
            ),
            Effect.forEach((outcome, i) =>
              Effect.either(
                Effect.gen(function* () {
                  const { counter, request, tags } = some[i]!
                  const reply = yield* outcome
                  const [first, held = "", own = ""] = texts(reply)
                  const verdict = yield* replies.verdict(first)
                  if (verdict === "B") return { _tag: "Busy" } as const
                  if (verdict === "F") {
                    const found = redisEpochs.found((reply as ReadonlyArray<Reply>)[1])
                    return { _tag: "Unjudged", value: { request, found, epoch: own } } as const
                  }
                  const { key, shape } = request
                  return {
                    _tag: "Granted",
                    lease: { key, shape, token: held, stamps: { key: own, tags }, counter }
                  } as const
                })
              )
            )
          )
        )
        // What was found is judged by epochs that were read after it.
        const found = leased.flatMap((outcome) =>
          Either.isRight(outcome) && outcome.right._tag === "Unjudged" ? [outcome.right.value] : []
        )
        const answers = found.length === 0 ? Either.right([]) : yield* Effect.either(judge(found))
        let next = 0
        // What cannot be judged has failed; the leases that were granted beside it are their callers'.
        return leased.map((outcome) =>
          Either.flatMap(outcome, (answer): Outcome<LeaseAnswer> =>
            answer._tag === "Unjudged"
              ? Either.map(answers, (some) => ({ _tag: "Found", answer: some[next++]! }))
              : Either.right(answer)
          )
        )
      })

    /** Whether a value may be stored under its tags, and their stamps in the form that stands in a frame. */
    const judgeTags = (operation: string, calls: ReadonlyArray<redisCommands.Call>) =>
      Effect.map(commands.runEach(operation, scripts.tagsJudge, calls), (outcomes) =>
        outcomes.map((outcome) =>
          Either.flatMap(outcome, (reply) => {
            const [allowed, stamps] = texts(reply)
            return (allowed === "0" || allowed === "1") && stamps !== undefined
              ? Either.right({ allowed, stamps })
              : Either.left(commands.badReply(operation, "the script answered no judgement"))
          })
        )
      )

    const fill: redisOperations.RedisOperations["fill"] = (requests) =>
      Effect.gen(function* () {
        const judged = yield* judgeTags(
          "fill",
          requests.map(({ learntTags, lease: { counter, stamps }, timeToLiveMillis }) => ({
            keys: tagKeys([...stamps.tags.map(([tag]) => tag), ...further(learntTags, stamps)]),
            args: judging(stamps, counter, learntTags, timeToLiveMillis)
          }))
        )
        const written = judged.map((outcome, i) =>
          Either.map(outcome, (judgement) => ({ judgement, request: requests[i]! }))
        )
        return yield* andThen(written, (some) =>
          Effect.flatMap(
            commands.runEach(
              "fill",
              scripts.keyFill,
              some.map(({ judgement, request: { bytes, lease, timeToLiveMillis } }) => {
                const { content, encoding } = redisFrame.payload(bytes, client.encoding)
                const { allowed, stamps } = judgement
                return {
                  keys: entryKeys(lease.key, lease.shape),
                  args: [
                    token.nonce(),
                    millis(timeToLiveMillis),
                    allowed,
                    stamps,
                    lease.stamps.key,
                    encoding,
                    content,
                    lease.token
                  ]
                }
              })
            ),
            Effect.forEach((outcome) =>
              Effect.either(Effect.flatMap(outcome, (reply) => replies.outcome("fill", reply)))
            )
          )
        )
      })

    /** Every node is told, and then the first failure is the operation's. */
    const fence = (
      operation: "invalidate" | "expire",
      onKeys: (names: FenceRequest["keys"]) => Effect.Effect<Outcomes<unknown>, StoreError>
    ) => {
      const script = operation === "invalidate" ? scripts.tagsInvalidate : scripts.tagsExpire
      return ({ announcement, everything, keys: named, tags }: FenceRequest) =>
        Effect.gen(function* () {
          const told = named.length === 0 ? Either.right([]) : yield* Effect.either(onKeys(named))
          const args = [token.nonce(), everything === true ? "1" : "0", ...telling(announcement)]
          const call = { keys: fencedKeys(redisKeys.tagsOf({ keys: named, tags })), args }
          const [reply] = yield* commands.run(operation, script, [call])
          yield* Either.flatMap(told, Either.all)
          return yield* replies.counter(operation, redisFrame.text(reply))
        }).pipe(asFarAsItCan)
    }

    return {
      read,
      lease,
      fill,

      renew: (leases, leaseMillis) =>
        Effect.gen(function* () {
          if (leases.length === 0) return []
          const ofTags = yield* commands.run(
            "renew",
            scripts.tagsRenew,
            leases.map(({ counter, stamps }) => ({
              keys: tagKeys(stamps.tags.map(([tag]) => tag)),
              args: ["", counter.era, millis(leaseMillis), ...stamps.tags.map(([, epoch]) => epoch)]
            }))
          )
          const standing = leases.filter((_, i) => ofTags[i] === 1)
          const ofKeys = yield* commands.run(
            "renew",
            scripts.keyRenew,
            standing.map(({ key, shape, stamps, token: held }) => ({
              keys: [keys.epoch(key), keys.lease(key, shape)],
              args: ["", held, stamps.key, millis(leaseMillis)]
            }))
          )
          return leases.map((lease) => ofKeys[standing.indexOf(lease)] === 1)
        }),

      release: (leases) => {
        const calls = leases.map(({ key, shape, token: held }) => ({ keys: [keys.lease(key, shape)], args: [held] }))
        return Effect.asVoid(commands.run("release", scripts.release, calls))
      },

      invalidate: fence("invalidate", (named) => commands.deleteEach("invalidate", named.map(keys.entry))),
      expire: fence("expire", (named) =>
        commands.runEach(
          "expire",
          scripts.keyExpire,
          named.map(({ key }) => ({ keys: [keys.epoch(key)], args: [token.nonce()] }))
        )
      ),

      capture: ({ key, retainMillis, shape, tags }) =>
        Effect.gen(function* () {
          const [stamped] = yield* stamp("capture", [{ tags, retainMillis }])
          const { counter, tags: stamps } = yield* stamped!
          const call = {
            keys: [keys.epoch(key)],
            args: [token.nonce(), millis(retainMillis), counter.era, String(counter.n)]
          }
          const [reply] = yield* commands.run("capture", scripts.keyStamp, [call])
          return { key, shape, counter, stamps: { key: redisFrame.text(reply) ?? "", tags: stamps } }
        }),

      commit: ({ announcement, bytes, capture, learntTags, timeToLiveMillis }) =>
        Effect.gen(function* () {
          const { counter, key, shape, stamps } = capture
          const payload = bytes === undefined ? undefined : redisFrame.payload(bytes, client.encoding)
          const judged = yield* Effect.either(
            judgeTags("commit", [
              {
                keys: tagKeys([...stamps.tags.map(([tag]) => tag), ...further(learntTags, stamps)]),
                args: judging(stamps, counter, learntTags, timeToLiveMillis)
              }
            ])
          )
          // Whatever the tags say, or if they say nothing: the key's epoch is replaced.
          const judgement = Either.flatMap(judged, ([one]) => one!)
          const { allowed, stamps: carried } = Either.getOrElse(judgement, () => ({ allowed: "0", stamps: "" }))
          const written = yield* Effect.either(
            commands.run("commit", scripts.keyCommit, [
              {
                keys: entryKeys(key, shape),
                args: [
                  token.nonce(),
                  millis(timeToLiveMillis),
                  allowed,
                  carried,
                  stamps.key,
                  payload?.encoding ?? "",
                  payload?.content ?? "",
                  token.printCounter(counter)
                ]
              }
            ])
          )
          const call = { keys: fencedKeys([key]), args: [token.nonce(), "0", ...telling(announcement)] }
          const [counted] = yield* commands.run("commit", scripts.tagsInvalidate, [call])
          yield* judgement
          const [outcome] = yield* written
          return {
            outcome: yield* replies.outcome("commit", outcome),
            counter: yield* replies.counter("commit", redisFrame.text(counted))
          }
        }).pipe(asFarAsItCan)
    }
  })
