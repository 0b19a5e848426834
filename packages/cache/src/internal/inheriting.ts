/**
 * A lookup that runs by itself, in no flight and without a lease: what it answers is not stored, and yet somebody may
 * compute from it, or remember it, and must know what ends it.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CacheKey } from "../CacheKey.js"
import type { Item } from "../StoreTier.js"
import type { Core } from "./core.js"
import { type Learner, outerOf } from "./currentLookup.js"
import * as dependencies from "./dependencies.js"
import { prepareValue } from "./storable.js"

/** Runs a lookup with a learner of its own, which passes on to the outer one what that must know. */
export const observed = <E>(
  core: Core,
  items: ReadonlyArray<Item>,
  outer: Learner,
  lookup: (learner: Learner) => Effect.Effect<ReadonlyArray<unknown>, E, any>,
  observe: (position: number, answer: dependencies.Dependency) => void
): Effect.Effect<ReadonlyArray<unknown>, E, any> =>
  Effect.suspend(() => {
    const learnt = new Set<string>()
    const learn = (tags: ReadonlyArray<string>) => {
      for (const tag of tags) learnt.add(tag)
    }
    const inherited = dependencies.make([], learn)
    const learner: Learner = {
      learn: (tags) => {
        learn(tags)
        outer.learn(tags)
      },
      refuse: outer.refuse,
      depends: items[0]!.policy.dependencies ? inherited.depends : undefined
    }
    const namesOf = (item: Item, more: ReadonlyArray<string>) => [...item.names, ...learnt, ...more]
    return Effect.onExit(lookup(learner), (exit) =>
      Effect.forEach(
        items,
        (item, i) => {
          if (Exit.isFailure(exit)) {
            const names = namesOf(item, [])
            return Effect.sync(() => observe(i, { names, expiresAtMillis: Infinity, since: inherited.since() }))
          }
          return Effect.map(
            prepareValue(core, item, exit.value[i], 0, inherited.untilMillis()),
            ({ encoded, expiresAtMillis, learnt: own }) =>
              observe(i, { names: namesOf(item, own), expiresAtMillis, since: inherited.since(), encoded })
          )
        },
        { discard: true }
      )
    )
  })

/** The observer of a call inside a lookup: whatever is answered is something that the lookup depends on. */
export const observing = (outer: Pick<Learner, "depends"> | undefined) => {
  const depends = outer?.depends
  return depends && ((_index: number, answer: dependencies.Dependency) => depends(answer))
}

/** Where the cache is off, or a transaction runs, a lookup depends on the keys all the same: their names end its value. */
export const dependOn = (
  context: Context.Context<never>,
  keys: ReadonlyArray<Pick<CacheKey<any>, "id" | "tags">>
): void => {
  const depends = outerOf(context)?.depends
  if (depends === undefined) return
  for (const { id, tags } of keys) depends({ names: [id, ...tags], expiresAtMillis: Infinity, since: undefined })
}
