/**
 * Until when lookups of a key are held back after a failure. Bounded: beyond it the oldest is forgotten, and looked up
 * again sooner.
 */
import type { Item } from "../StoreTier.js"
import type { Fences } from "./fences.js"

export interface Backoff {
  /** `-Infinity`: they are not. */
  readonly until: (item: Pick<Item, "flightId" | "names">) => number
  readonly hold: (flightId: string, untilMillis: number) => void
  readonly end: (flightId: string) => void
}

export const make = (fences: Fences, maximum: number): Backoff => {
  const held = new Map<string, { readonly untilMillis: number; readonly since: number }>()
  return {
    until: ({ flightId, names }) => {
      const one = held.size === 0 ? undefined : held.get(flightId)
      // A fence asks for a lookup, whatever the last one came to.
      return one === undefined || fences.fellSince(one.since, names) ? -Infinity : one.untilMillis
    },
    hold: (flightId, untilMillis) => {
      held.delete(flightId)
      held.set(flightId, { untilMillis, since: fences.now() })
      if (held.size > maximum) held.delete(held.keys().next().value!)
    },
    end: (flightId) => {
      if (held.size > 0) held.delete(flightId)
    }
  }
}
