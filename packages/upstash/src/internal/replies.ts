/** The JSON of an answer, taken for what it is and nothing else. */
import type { Command, RedisError, Reply } from "@larder/cache/RedisClient"
import * as Either from "effect/Either"
import { badReply, fromText, refused } from "./redisError.js"

const isReply = (value: unknown): value is Reply =>
  value === null ||
  typeof value === "string" ||
  typeof value === "number" ||
  (Array.isArray(value) && value.every(isReply))

/** What one command was answered; `undefined` for what is no answer. */
const outcome = (answer: unknown): Either.Either<Reply, RedisError> | undefined => {
  if (typeof answer !== "object" || answer === null) return undefined
  const { error, result } = answer as { readonly error?: unknown; readonly result?: unknown }
  if (typeof error === "string") return Either.left(fromText(error))
  return isReply(result) ? Either.right(result) : undefined
}

export type Outcomes = ReadonlyArray<Either.Either<Reply, RedisError>>

/** An answer for each command, or none for any. */
export const outcomes = (answers: unknown, count: number): Either.Either<Outcomes, RedisError> => {
  if (!Array.isArray(answers)) return Either.left(badReply("a pipeline was not answered with a list"))
  if (answers.length !== count) {
    return Either.left(badReply(`${count} commands were answered with ${answers.length} results`))
  }
  const all = answers.map(outcome)
  return all.every((one) => one !== undefined)
    ? Either.right(all)
    : Either.left(badReply("a command was answered with neither a result nor an error"))
}

/** The first argument that is not well-formed text, if there is one. Half a surrogate pair does not survive UTF-8. */
export const notText = (commands: ReadonlyArray<Command>): RedisError | undefined => {
  for (const [index, command] of commands.entries()) {
    const wrong = command.findIndex((part) => typeof part !== "string" || /\p{Surrogate}/u.test(part))
    if (wrong >= 0) {
      return refused(`argument ${wrong} of command ${index} is not text, and this client sends nothing else`)
    }
  }
  return undefined
}
