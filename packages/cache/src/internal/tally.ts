/**
 * Watches for a cache that never hits: a key made of something that changes each time, or a write and a read that do
 * not agree, costs every call and shows in no answer. Said once for each cache, when its first thousand lookups went by
 * without a hit; callers who share a lookup count once. Bounded: caches beyond the number remembered are not watched.
 */
export interface Tally {
  readonly hit: (cache: string) => void
  /** Answers true once: when there have been enough lookups without a hit to tell. */
  readonly lookup: (cache: string) => boolean
}

const maximumCaches = 256

/** How many lookups without a hit are told of. */
export const alarming = 1000

export const make = (): Tally => {
  // Infinity: it has hit, or was told of.
  const lookups = new Map<string, number>()
  return {
    hit: (cache) => {
      if (lookups.get(cache) !== Infinity && (lookups.has(cache) || lookups.size < maximumCaches)) {
        lookups.set(cache, Infinity)
      }
    },
    lookup: (cache) => {
      const before = lookups.get(cache)
      if (before === undefined && lookups.size >= maximumCaches) return false
      const now = (before ?? 0) + 1
      lookups.set(cache, now === alarming ? Infinity : now)
      return now === alarming
    }
  }
}
