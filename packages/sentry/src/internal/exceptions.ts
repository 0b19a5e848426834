/**
 * Errors as Sentry's list of exceptions, with nothing in it that could be a value.
 *
 * Sentry's own conversion takes the message and, with some integrations, the fields of an error and of each of its
 * causes. Here an exception is a type, a stack, and a message that went through `scrub`; the error itself is never
 * handed to the SDK, so that no integration can look into it.
 */
import * as Reporter from "@larder/cache/Reporter"
import type { Exception } from "@sentry/node"
import * as Option from "effect/Option"
import type { Options } from "../SentryReporter.js"
import type { Client } from "./sdk.js"

/** Sentry drops an exception that has neither message nor stack as useless, so something stands in its place. */
export const withheld = "(message withheld)"

const maximumLinks = 5
const maximumErrors = 5

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** An error and its causes, outermost first; a ring of causes ends. */
const chain = (error: unknown): ReadonlyArray<unknown> => {
  const links = [error]
  for (let at = error; at instanceof Error && at.cause !== undefined && links.length < maximumLinks;) {
    at = at.cause
    links.push(at)
  }
  return links
}

// What an application's error answers may throw: a getter, a `toString`, a scrub.
const orElse = <A>(read: () => A, otherwise: A): A => Option.getOrElse(Option.liftThrowable(read)(), () => otherwise)

// Sentry's parser takes a line without a place for the name of a file; a span may have none.
const placed = (line: string): string => (/[)\d]\s*$/.test(line) ? line : `${line} (<anonymous>)`)

const toException =
  (client: Client, scrub: Options["scrub"]) =>
  (error: unknown): Exception => {
    const type = Reporter.errorName(error)
    const frames = client.getOptions().stackParser(Reporter.errorFrames(error).map(placed).join("\n"))
    const kept = Reporter.isOwnError(error) ? error.message : withheld
    return {
      type,
      value: scrub === undefined ? kept : orElse(() => scrub(message(error), type), withheld),
      ...(frames.length === 0 ? {} : { stacktrace: { frames } })
    }
  }

/**
 * The first error is the one the event is about; Sentry wants it last, and before it what it came from. Errors that
 * happened beside it are its siblings in the tree Sentry draws from `parent_id`.
 */
export const make = (client: Client, scrub: Options["scrub"], errors: ReadonlyArray<unknown>): Array<Exception> => {
  const convert = toException(client, scrub)
  const values: Array<Exception> = []
  for (const [nth, error] of errors.slice(0, maximumErrors).entries()) {
    for (const [depth, link] of orElse<ReadonlyArray<unknown>>(() => chain(error), [error]).entries()) {
      const id = values.length
      const source = depth > 0 ? "cause" : `parallel[${nth}]`
      values.push({
        ...convert(link),
        mechanism:
          id === 0
            ? { type: "larder", handled: true, exception_id: 0 }
            : { type: "chained", handled: true, source, exception_id: id, parent_id: depth > 0 ? id - 1 : 0 }
      })
    }
  }
  return values.toReversed()
}
