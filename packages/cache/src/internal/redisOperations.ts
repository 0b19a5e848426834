/**
 * The operations of a store on Redis, before those of one turn are sent together: on one server (`redisSingle`), where
 * each is one script, or on a cluster (`redisCluster`), where each is two. Also what both say in the same words.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { StoreError } from "../CacheError.js"
import type { Counter, Stamps } from "../Epoch.js"
import type { Reply } from "../RedisClient.js"
import type {
  Announcement,
  FillRequest,
  LeaseAnswer,
  LeaseRequest,
  Outcome,
  ReadAnswer,
  ReadRequest,
  Store
} from "../Store.js"
import type { RedisCommands } from "./redisCommands.js"
import * as redisFrame from "./redisFrame.js"
import * as token from "./token.js"

/** Each request has an outcome of its own. */
type Each<Request, Answer> = (
  requests: ReadonlyArray<Request>
) => Effect.Effect<ReadonlyArray<Either.Either<Answer, StoreError>>, StoreError>

export interface RedisOperations extends Omit<
  Context.Tag.Service<Store>,
  "name" | "remote" | "read" | "lease" | "fill"
> {
  readonly read: Each<ReadRequest, ReadAnswer>
  readonly lease: Each<LeaseRequest, LeaseAnswer>
  readonly fill: Each<FillRequest, Outcome>
}

/** A whole number of milliseconds that Redis takes: at least one, at most some thirty thousand years. */
export const millis = (value: number): string => String(value >= 1 ? Math.min(Math.floor(value), 1e15) : 1)

export const unique = (tags: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(tags)]

/** Tags that the lookup learnt, and that were not declared. */
export const further = (learnt: ReadonlyArray<string>, stamps: Stamps): ReadonlyArray<string> =>
  unique(learnt).filter((tag) => !stamps.tags.some(([name]) => name === tag))

/** What stands in a script's arguments about the tags of a value: `nonce era n millis declared name stamp… name…` */
export const judging = (
  stamps: Stamps,
  counter: Counter,
  learnt: ReadonlyArray<string>,
  timeToLiveMillis: number
): ReadonlyArray<string> => [
  token.nonce(),
  counter.era,
  String(counter.n),
  millis(timeToLiveMillis),
  String(stamps.tags.length),
  ...stamps.tags.flatMap(([tag, epoch]) => [redisFrame.encodeTag(tag), epoch]),
  ...further(learnt, stamps).map(redisFrame.encodeTag)
]

/** The last arguments of a script that lets a fence fall: where it is told, and what. */
export const telling = (announcement: Announcement | undefined): readonly [channel: string, text: string] => [
  announcement?.channel ?? "",
  announcement?.text ?? ""
]

export const texts = (reply: Reply | undefined): ReadonlyArray<string> =>
  Array.isArray(reply) ? reply.map((part: Reply) => redisFrame.text(part) ?? "") : []

/** What scripts answer, taken for that and nothing else. */
export const make = ({ badReply }: RedisCommands) => {
  const counter = (operation: string, text: string | undefined): Effect.Effect<Counter, StoreError> => {
    const parsed = token.parseCounter(text ?? "")
    return parsed === undefined
      ? Effect.fail(badReply(operation, "the script answered no counter"))
      : Effect.succeed(parsed)
  }
  const outcome = (operation: string, reply: Reply | undefined): Effect.Effect<Outcome, StoreError> => {
    const text = redisFrame.text(reply)
    return text === "S" || text === "R"
      ? Effect.succeed(text === "S" ? "Stored" : "Refused")
      : Effect.fail(badReply(operation, "the script answered no outcome"))
  }
  /** The verdict of a lease script: found, busy or granted. */
  const verdict = (text: string | undefined): Effect.Effect<"F" | "B" | "G", StoreError> =>
    text === "F" || text === "B" || text === "G"
      ? Effect.succeed(text)
      : Effect.fail(badReply("lease", "the script answered no verdict"))
  return { counter, outcome, verdict }
}
