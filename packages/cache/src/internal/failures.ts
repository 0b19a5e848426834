/** Failures of lookups: which are answers like a value, and who is told of the others. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Core } from "./core.js"

interface FailurePolicy {
  readonly schema: Schema.Schema.AnyNoContext
}

/** The failure, if the policy speaks of it. */
export const described = (failures: FailurePolicy | undefined, cause: Cause.Cause<unknown>): Option.Option<unknown> =>
  failures === undefined || Cause.isDie(cause) || Cause.isInterrupted(cause)
    ? Option.none()
    : Option.filter(Cause.failureOption(cause), Schema.is(failures.schema))

/**
 * Reports a failed lookup, once for all who wait for it. One that its caller gets and the policy describes is an answer:
 * nobody has to be told at night that a user was not found.
 */
export const reportLookup = (
  core: Pick<Core, "report">,
  about: {
    readonly cache: string
    readonly operation: string
    readonly surfaced: boolean
    readonly failures: FailurePolicy | undefined
  },
  cause: Cause.Cause<unknown>
): Effect.Effect<void> => {
  const { cache, failures, operation, surfaced } = about
  return surfaced && Option.isSome(described(failures, cause))
    ? Effect.void
    : core.report({ kind: "Lookup", cache, operation, surfaced, cause })
}
