/** What a command says when it fails: one line for a failure that was foreseen, everything for one that was not. */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Option from "effect/Option"

const foreseen = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return [error.message, error.cause instanceof Error ? error.cause.message : ""]
    .filter((text) => text !== "")
    .join(": ")
}

/** What ran beside the failure and was interrupted by it has nothing to add. */
export const explain = (cause: Cause.Cause<unknown>): string => {
  const failure = Cause.failureOption(cause)
  return Option.isSome(failure) && Chunk.isEmpty(Cause.defects(cause))
    ? foreseen(failure.value)
    : Cause.pretty(cause, { renderErrorCause: true })
}
