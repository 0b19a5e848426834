/**
 * What a value was computed from: a lookup that reads other cached values makes a value that ends with each of them.
 *
 * It carries their names, each one's key and all of its tags, so that whatever forbids one of them forbids it too; and
 * it is fresh no longer than they are. An old value has no life left, so what was computed from it is not stored.
 *
 * Why the names are enough: they are learnt tags, and a fill is refused when one of those was fenced after the lease of
 * the lookup was granted. That holds only if the value that was read was still good *at* that lease. What the store
 * answered after it was; so a lookup does not read from memory, where an invalidation of another instance may not have
 * been heard of. A flight that began before the lease and was joined is the other way in: its value may be older than
 * an invalidation that the lease already knows. It comes with the count of fences that it was leased under, and then
 * everything is judged since that count.
 */
import * as Epoch from "../Epoch.js"
import type { Capture } from "../Store.js"

/**
 * Since when fences on a value's names count: those after this count of the store. `undefined`: since the lease of
 * whoever reads it. `Unknown`: nobody can say, so that nothing that was computed from it may be stored.
 */
export type Since = Epoch.Counter | "Unknown" | undefined

/** A value that was answered. */
export interface Dependency {
  /** Its key, and every tag it carries. */
  readonly names: Iterable<string>
  /** When it ends; `-Infinity` for an old one, `Infinity` for what has no life of its own. */
  readonly expiresAtMillis: number
  readonly since: Since
  /** As it is stored, where that is known. */
  readonly encoded?: string | undefined
}

/** What is known of an answer that was seen in memory or in a store. */
export const seen = (
  key: string,
  view: {
    readonly tags: ReadonlyArray<string>
    readonly encoded: string | undefined
    readonly entry: { readonly expiresAtMillis: number } | undefined
  },
  isFresh: boolean
): Dependency => ({
  names: [key, ...view.tags],
  expiresAtMillis: isFresh ? view.entry!.expiresAtMillis : -Infinity,
  since: undefined,
  encoded: view.encoded
})

/** What became of a lookup's reads. */
export interface Inherited {
  readonly depends: (dependency: Dependency) => void
  /** No value of the lookup lives longer than this. */
  readonly untilMillis: () => number
  readonly since: () => Since
  /**
   * The right to store, as old as what was read. `undefined`: what was read may have been fenced before it was granted.
   */
  readonly judged: <Held extends Capture>(held: Held) => Held | undefined
  /** Whether more was read than a value can carry. */
  readonly isTooMuch: () => boolean
}

/** A value carries at most so many names of others: each is an epoch to be read whenever the value is. */
export const maximumNames = 1_000

/** The older of two. */
export const older = (one: Since, other: Since): Since => {
  if (one === undefined || other === "Unknown") return other
  if (other === undefined || one === "Unknown") return one
  if (one.era !== other.era) return "Unknown"
  return one.n < other.n ? one : other
}

/**
 * `own`: the keys that are looked up. No value depends on itself, but one of several may be computed from another of
 * them. Names are handed to `learn` as they come.
 */
export const make = (own: ReadonlyArray<string>, learn: (tags: ReadonlyArray<string>) => void): Inherited => {
  const names = new Set<string>()
  let untilMillis = Infinity
  let since: Since
  return {
    depends: (dependency) => {
      untilMillis = Math.min(untilMillis, dependency.expiresAtMillis)
      since = older(since, dependency.since)
      const more: Array<string> = []
      for (const name of dependency.names) {
        if ((own.length === 1 && own[0] === name) || names.has(name)) continue
        names.add(name)
        more.push(name)
      }
      learn(more)
    },
    untilMillis: () => untilMillis,
    since: () => since,
    judged: (held) => {
      if (since === undefined) return held
      if (since === "Unknown" || since.era !== held.counter.era) return undefined
      const { n } = since
      if (n >= held.counter.n) return held
      // Tags that were declared as well are compared with what they were at the lease: after the fence, maybe.
      const isFenced = held.stamps.tags.some(([tag, epoch]) => names.has(tag) && Epoch.changedAt(epoch).n > n)
      return isFenced ? undefined : { ...held, counter: since }
    },
    isTooMuch: () => names.size > maximumNames
  }
}
