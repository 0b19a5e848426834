/** What a cache did as text: one line for each event or report, with nothing in it that differs from run to run. */
import type { CacheEvent } from "@larder/cache/CacheEvent"
import * as Reporter from "@larder/cache/Reporter"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"

export type Recorded =
  | { readonly _tag: "Event"; readonly atMillis: number; readonly event: CacheEvent }
  | { readonly _tag: "Report"; readonly atMillis: number; readonly failure: Reporter.CacheFailure }

// A fence names a set: in whatever order, the text is the same.
const names = (what: string, some: ReadonlyArray<string>): ReadonlyArray<string> =>
  some.length === 0 ? [] : [`${what} ${some.toSorted().join(", ")}`]

const eventLine = (event: CacheEvent): string => {
  switch (event._tag) {
    case "Stale":
      return `Stale (${event.because}) ${event.key}`
    case "LookupSucceeded":
    case "LookupFailed":
      return `${event._tag} ${event.key} in ${Math.round(event.millis)} ms`
    case "Invalidated":
    case "Expired":
    case "Replayed":
    case "Recalled": {
      const acknowledged = "acknowledged" in event && !event.acknowledged ? ["not acknowledged"] : []
      return [event._tag, [...names("keys", event.keys), ...names("tags", event.tags), ...acknowledged].join("; ")]
        .join(" ")
        .trim()
    }
    case "StoreFailed":
      return `StoreFailed ${event.operation}: ${event.reason}`
    case "CircuitOpened":
    case "CircuitClosed":
      return event._tag
    case "Heard":
      return ["Heard", event.kind, ...(event.everything ? ["everything"] : [...event.keys, ...event.tags])].join(" ")
    case "Gap":
      return `Gap ${event.because}`
    case "BusLost":
      return `BusLost ${event.reason}`
    default:
      return `${event._tag} ${event.key}`
  }
}

const reportLine = ({ cache, cause, kind, operation, surfaced }: Reporter.CacheFailure): string => {
  const errors = [
    ...Chunk.toReadonlyArray(Cause.failures(cause)).map(Reporter.errorName),
    ...Chunk.toReadonlyArray(Cause.defects(cause)).map((defect) => `defect ${Reporter.errorName(defect)}`)
  ]
  return `! ${kind} ${operation} of ${cache} ${surfaced ? "surfaced" : "swallowed"}: ${errors.join(", ")}`
}

export const line = (one: Recorded): string => (one._tag === "Event" ? eventLine(one.event) : reportLine(one.failure))

export const timedLine = (one: Recorded): string => `${Math.round(one.atMillis)} ms  ${line(one)}`
