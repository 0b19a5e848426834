/**
 * Commands and scripts over a `RedisClient`, with failures that say which operation of the store they belong to.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { StoreError } from "../CacheError.js"
import type { Command, RedisClient, RedisError, Reply } from "../RedisClient.js"

type Client = RedisClient["Type"]

export interface Script {
  readonly source: string
  readonly sha1: string
}

/** The arguments of one run of a script. */
export interface Call {
  readonly keys: ReadonlyArray<string>
  readonly args: ReadonlyArray<string | Uint8Array>
}

export interface RedisCommands {
  /** One `MGET` for each list, all in one round trip: as many replies as keys. Each has its own outcome. */
  readonly mgetEach: (
    operation: string,
    lists: ReadonlyArray<ReadonlyArray<string>>
  ) => Effect.Effect<ReadonlyArray<Either.Either<ReadonlyArray<Reply>, StoreError>>, StoreError>
  /** One of them. */
  readonly mget: (operation: string, keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Reply>, StoreError>
  /** One `DEL` for each list, all in one round trip; each has its own outcome. */
  readonly deleteEach: (
    operation: string,
    lists: ReadonlyArray<ReadonlyArray<string>>
  ) => Effect.Effect<ReadonlyArray<Either.Either<Reply, StoreError>>, StoreError>
  /** Runs a script once for each call, all in one round trip; each has its own outcome. */
  readonly runEach: (
    operation: string,
    script: Script,
    calls: ReadonlyArray<Call>
  ) => Effect.Effect<ReadonlyArray<Either.Either<Reply, StoreError>>, StoreError>
  /** The same, where one failure is the failure of all. */
  readonly run: (
    operation: string,
    script: Script,
    calls: ReadonlyArray<Call>
  ) => Effect.Effect<ReadonlyArray<Reply>, StoreError>
  readonly badReply: (operation: string, detail: string) => StoreError
}

/** A script and the hash by which a server that has seen it knows it. */
export const script = (source: string): Effect.Effect<Script> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-1", new TextEncoder().encode(source))),
    (digest) => ({
      source,
      sha1: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
    })
  )

const call = (how: string, what: string, { args, keys }: Call): Command => [
  how,
  what,
  String(keys.length),
  ...keys,
  ...args
]

const isNoScript = (error: RedisError): boolean => error.code === "NOSCRIPT"

/** Over a client, for what is called `name` in errors. */
export const make = (client: Client, name = client.name): RedisCommands => {
  const storeError = (operation: string) => (error: RedisError) =>
    new StoreError({
      store: name,
      operation,
      reason: error.reason,
      detail: [error.code, error.detail].filter((part) => part !== "").join(": ")
    })
  const badReply = (operation: string, detail: string) =>
    new StoreError({ store: name, operation, reason: "BadReply", detail })

  const send = (operation: string, commands: ReadonlyArray<Command>) =>
    Effect.flatMap(Effect.mapError(client.send(commands), storeError(operation)), (outcomes) =>
      outcomes.length === commands.length
        ? Effect.succeed(outcomes)
        : Effect.fail(badReply(operation, `${outcomes.length} replies to ${commands.length} commands`))
    )
  const mapOutcomes = (operation: string, outcomes: ReadonlyArray<Either.Either<Reply, RedisError>>) =>
    outcomes.map((outcome) => Either.mapLeft(outcome, storeError(operation)))

  const runEach: RedisCommands["runEach"] = (operation, { sha1, source }, calls) =>
    Effect.gen(function* () {
      if (calls.length === 0) return []
      const outcomes = yield* send(
        operation,
        calls.map((one) => call("EVALSHA", sha1, one))
      )
      // A server that was restarted or flushed has forgotten the script, and has executed nothing of these.
      const unknown = outcomes.flatMap((outcome, i) => (Either.isLeft(outcome) && isNoScript(outcome.left) ? [i] : []))
      if (unknown.length === 0) return mapOutcomes(operation, outcomes)
      const again = yield* send(
        operation,
        unknown.map((i) => call("EVAL", source, calls[i]!))
      )
      return mapOutcomes(
        operation,
        outcomes.map((outcome, i) => again[unknown.indexOf(i)] ?? outcome)
      )
    })

  const mgetEach: RedisCommands["mgetEach"] = (operation, lists) =>
    Effect.map(
      send(
        operation,
        lists.map((keys) => ["MGET", ...keys] as const)
      ),
      (outcomes) =>
        outcomes.map((outcome, i) =>
          Either.flatMap(Either.mapLeft(outcome, storeError(operation)), (reply) =>
            Array.isArray(reply) && reply.length === lists[i]!.length
              ? Either.right(reply as ReadonlyArray<Reply>)
              : Either.left(badReply(operation, "MGET answered another number of values"))
          )
        )
    )

  return {
    badReply,
    mgetEach,
    mget: (operation, keys) => Effect.flatMap(mgetEach(operation, [keys]), ([outcome]) => outcome!),
    deleteEach: (operation, lists) =>
      Effect.map(
        send(
          operation,
          lists.map((keys) => ["DEL", ...keys] as const)
        ),
        (outcomes) => mapOutcomes(operation, outcomes)
      ),
    runEach,
    run: (operation, script, calls) => Effect.flatMap(runEach(operation, script, calls), Either.all)
  }
}
