/**
 * What a fiber saw when it missed: the epochs of a key and its tags, by which the set that follows shows whether
 * something was fenced in between.
 *
 * A read makes no epochs, so some may be missing. One that was there must be the same at the set. One that was missing
 * must not have been made by a later fence, which the count of fences in it tells: the rule for tags that a lookup
 * learns late.
 *
 * Where a key and its tags lie apart that rule says nothing of the key, whose epoch must have been there. And of what a
 * store did not answer at all nothing is known: the set that follows may be older than a removal, and newer than what
 * is stored.
 */
import * as Epoch from "@larder/cache/Epoch"
import * as FiberRef from "effect/FiberRef"

export interface Miss {
  readonly epochs: Epoch.Epochs
  /** The value that was there and could not be used. */
  readonly seen: string | undefined
}

/** Beyond it a fiber forgets the oldest: a set of those is one for itself. */
const maximum = 1_000

export type Seen = Miss | "Unknown"

export type Misses = ReadonlyMap<string, Seen>

export const make = (): FiberRef.FiberRef<Misses> => FiberRef.unsafeMake<Misses>(new Map())

/** Later ones take the place of earlier ones; `undefined` forgets a key. */
export const update = (misses: Misses, changes: Iterable<readonly [string, Seen | undefined]>): Misses => {
  const all = new Map(misses)
  for (const [key, miss] of changes) {
    all.delete(key)
    if (miss !== undefined) all.set(key, miss)
  }
  for (const key of all.keys()) {
    if (all.size <= maximum) break
    all.delete(key)
  }
  return all
}

/** Whether nothing that these stamps name was fenced since the miss. */
export const isUntouched = ({ epochs }: Miss, stamps: Epoch.Stamps, counter: Epoch.Counter): boolean => {
  const then = epochs.counter ?? { era: counter.era, n: 0 }
  if (then.era !== counter.era) return false
  const same = (before: Epoch.Epoch | undefined, now: Epoch.Epoch) =>
    before === undefined ? Epoch.changedAt(now).n <= then.n : before === now
  return same(epochs.key, stamps.key) && stamps.tags.every(([tag, epoch]) => same(epochs.tags.get(tag), epoch))
}
