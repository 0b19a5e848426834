/**
 * The lookup that the running code is part of, carried in its context: where `Cache.addTags` puts its tags, and how
 * a lookup that comes back to a key of its own is recognised.
 */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import type { Run } from "../SingleFlight.js"
import type { Dependency } from "./dependencies.js"

export interface Lookup {
  readonly learn: (tags: ReadonlyArray<string>) => void
  /** A tag that cannot be used: what it should have fenced must not be stored. */
  readonly refuse: (error: unknown) => void
  /** Told of every cached value that the lookup reads; absent where its values do not end with those. */
  readonly depends: ((dependency: Dependency) => void) | undefined
  /** Absent for a lookup outside the single flight. */
  readonly run: Run | undefined
  readonly flightIds: ReadonlySet<string>
  readonly outer: Lookup | undefined
}

/** Where a lookup's tags go. */
export type Learner = Pick<Lookup, "learn" | "refuse" | "depends">

export class CurrentLookup extends Context.Tag("@larder/cache/internal/CurrentLookup")<CurrentLookup, Lookup>() {}

/** The lookup that the code with this context is part of, if it is part of one. */
export const outerOf = (context: Context.Context<never>): Lookup | undefined =>
  Option.getOrUndefined(Context.getOption(context, CurrentLookup))

/** Whether this lookup, or one it is part of, is for this key. */
export const isFor = (lookup: Lookup | undefined, flightId: string): boolean =>
  lookup !== undefined && (lookup.flightIds.has(flightId) || isFor(lookup.outer, flightId))

/** The runs that end only after this lookup does. */
export const runsOf = (lookup: Lookup | undefined): ReadonlySet<Run> => {
  const runs = new Set<Run>()
  for (let one = lookup; one !== undefined; one = one.outer) if (one.run !== undefined) runs.add(one.run)
  return runs
}

/** The run that waits when the code of this lookup waits. */
export const runOf = (lookup: Lookup | undefined): Run | undefined =>
  lookup === undefined ? undefined : (lookup.run ?? runOf(lookup.outer))
