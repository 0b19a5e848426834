/**
 * Failures as lines of the log, and what may be said of an error at all.
 *
 * An error of the application may carry a value in its message, in its fields and in those of its causes: a database
 * says which row it refused, a parser what it could not read. So a line names the errors (`_tag`, or the name of the
 * class) down their chain of causes and, for a defect, the places in the code, and nothing else. Larder's own errors
 * are written never to hold a value, a token or a key part: they keep their message.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CodecError, ConfigurationError, StoreError } from "../CacheError.js"
import type { CacheFailure, CacheRecovery, LogOptions, Severity } from "../Reporter.js"
import * as rateLimit from "./rateLimit.js"

export const severity = (failure: CacheFailure): Severity =>
  failure.surfaced || Cause.isDie(failure.cause) ? "Error" : "Warning"

// What may stand as a name: an identifier, a path such as "@app/NotFound". Anything else may be a sentence.
const nameLike = /^[A-Za-z_$@][\w$@./:-]{0,99}$/

const isNameLike = (name: unknown): name is string => typeof name === "string" && nameLike.test(name)

// What an application's error answers may throw: a getter, a proxy.
const total = <A>(read: (error: unknown) => A, otherwise: A): ((error: unknown) => A) => {
  const lifted = Option.liftThrowable(read)
  return (error) => Option.getOrElse(lifted(error), () => otherwise)
}

export const errorName = total((error) => {
  if (typeof error !== "object" || error === null) return error === null ? "null" : typeof error
  if ("_tag" in error && isNameLike(error._tag)) return error._tag
  if (error instanceof Error && isNameLike(error.name)) return error.name
  const constructed: unknown = error.constructor?.name
  return isNameLike(constructed) ? constructed : "object"
}, "unreadable")

export const isOwn = total(
  (error) => error instanceof StoreError || error instanceof CodecError || error instanceof ConfigurationError,
  false
) as (error: unknown) => error is StoreError | CodecError | ConfigurationError

// A chain of causes may be a ring without an end.
const describe = total((error) => {
  const names: Array<string> = []
  for (let at = error; names.length < 5; at = at.cause) {
    names.push(isOwn(at) ? `${errorName(at)}: ${at.message.slice(0, 500)}` : errorName(at))
    if (!(at instanceof Error) || at.cause === undefined) break
  }
  return names.join(", caused by ")
}, "unreadable")

const pretty = total((error) => Cause.prettyErrors(Cause.fail(error))[0], undefined)

const frame = /^\s+at \S.*$/

// The frames stand at the end of a stack, after the message, which may itself have lines that look like frames.
export const errorFrames = (error: unknown): ReadonlyArray<string> => {
  const { message = "", stack = "" } = pretty(error) ?? {}
  const at = stack.indexOf(message)
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split("\n")
  return lines.slice(lines.findLastIndex((line) => !frame.test(line)) + 1)
}

const also = (suppressed: number): string => (suppressed === 0 ? "" : ` (and ${suppressed} more not logged)`)

/** What concerns no single cache has no name. */
const nameOf = (cache: string): string => (cache === "*" ? "all caches" : cache)

const line = (failure: CacheFailure, suppressed: number): string => {
  const defects = Chunk.toReadonlyArray(Cause.defects(failure.cause))
  const errors = [
    ...Chunk.toReadonlyArray(Cause.failures(failure.cause)).map(describe),
    ...defects.map((defect) => `died with ${describe(defect)}`)
  ]
  const { cache, instead = "answered without it", kind, operation, surfaced } = failure
  return [
    `${nameOf(cache)}: ${operation} failed (${kind})${surfaced ? "" : `, ${instead}`}`,
    `: ${[...new Set(errors)].join("; ")}`,
    also(suppressed),
    ...defects.flatMap((defect) =>
      errorFrames(defect)
        .slice(0, 12)
        .map((frame) => `\n${frame}`)
    )
  ].join("")
}

export const make = (options: LogOptions) =>
  Effect.sync(() => {
    const admit = rateLimit.make(options)

    const log = (failure: CacheFailure, suppressed: number) =>
      Effect.suspend(() => {
        const text = line(failure, suppressed)
        return severity(failure) === "Error" ? Effect.logError(text) : Effect.logWarning(text)
      }).pipe(
        Effect.annotateLogs({
          cache: failure.cache,
          operation: failure.operation,
          kind: failure.kind,
          ...(suppressed === 0 ? {} : { suppressed })
        })
      )

    const limited = (
      sort: string,
      cache: string,
      operation: string,
      log: (suppressed: number) => Effect.Effect<void>
    ) =>
      admit(JSON.stringify([sort, cache, operation])).pipe(
        Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: log })),
        // A logger may throw: a report has no failure of its own.
        Effect.catchAllCause(() => Effect.void)
      )

    return {
      report: (failure: CacheFailure): Effect.Effect<void> =>
        Cause.isInterruptedOnly(failure.cause)
          ? Effect.void
          : limited(failure.kind, failure.cache, failure.operation, (suppressed) => log(failure, suppressed)),
      recovered: ({ cache, millis, operation }: CacheRecovery): Effect.Effect<void> =>
        limited("Recovery", cache, operation, (suppressed) =>
          Effect.annotateLogs(
            Effect.logInfo(
              `${nameOf(cache)}: ${operation} works again (Store), after ${Duration.format(Duration.millis(millis))}` +
                also(suppressed)
            ),
            { cache, operation, kind: "Store" }
          )
        )
    }
  })
