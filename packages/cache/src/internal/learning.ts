/**
 * What is learnt from a lookup or a write while it runs: further tags, tags that cannot be used, and which cached values
 * it reads.
 */
import * as Effect from "effect/Effect"
import { ConfigurationError } from "../CacheError.js"
import type { Run } from "../SingleFlight.js"
import type { Item } from "../StoreTier.js"
import type { Core } from "./core.js"
import { CurrentLookup, type Learner, type Lookup } from "./currentLookup.js"
import * as dependencies from "./dependencies.js"
import { reportPolicy } from "./storable.js"

export interface Learning {
  readonly learner: Learner
  readonly tags: ReadonlySet<string>
  readonly inherited: dependencies.Inherited
  /** Tells of what cannot be used, when the lookup has ended. */
  readonly report: Effect.Effect<void>
  /** Whether what should end the value can: otherwise it must not be stored. */
  readonly isUsable: () => boolean
  /** No value lives longer than this. */
  readonly untilMillis: () => number
}

/** Told in the place of a tag that cannot be used: what should have ended the value cannot. */
const tooMuch = new ConfigurationError({
  where: "dependencies",
  detail:
    `a value was computed from others with more than ${dependencies.maximumNames} keys and tags together, and is not ` +
    "stored: give them a tag in common, add that to it, and set `dependencies: false`"
})

/** `heard` is told of tags as they are learnt. */
export const make = (core: Core, items: ReadonlyArray<Item>, heard: (tag: string) => void = () => {}): Learning => {
  const tags = new Set<string>()
  let unusable: { readonly error: unknown } | undefined
  const learn = (more: ReadonlyArray<string>): void => {
    for (const tag of more) {
      tags.add(tag)
      heard(tag)
    }
  }
  const refuse = (error: unknown): void => {
    unusable = { error }
  }
  const inherited = dependencies.make(
    items.map((item) => item.key.id),
    learn
  )
  return {
    learner: { learn, refuse, depends: items[0]!.policy.dependencies ? inherited.depends : undefined },
    tags,
    inherited,
    report: Effect.suspend(() => {
      if (inherited.isTooMuch()) refuse(tooMuch)
      return unusable === undefined ? Effect.void : reportPolicy(core, items[0]!, "tags", unusable.error)
    }),
    isUsable: () => unusable === undefined,
    untilMillis: () => (unusable === undefined ? inherited.untilMillis() : -Infinity)
  }
}

/** Runs a lookup as the current one, so that it can learn tags and recognise itself. */
export const within = <A, E, R>(
  lookup: Effect.Effect<A, E, R>,
  outer: Lookup | undefined,
  items: ReadonlyArray<Item>,
  run: Run | undefined,
  { depends, learn, refuse }: Learner
): Effect.Effect<A, E, R> =>
  Effect.provideService(lookup, CurrentLookup, {
    learn,
    refuse,
    depends,
    run,
    flightIds: new Set(items.map((item) => item.flightId)),
    outer
  }) as Effect.Effect<A, E, R>
