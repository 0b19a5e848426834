/**
 * A map that forgets what was used least recently once it is full.
 *
 * A `Map` iterates in the order of insertion, so taking an entry out and putting it back makes it the youngest.
 */
export interface Lru<A> {
  /** Finds an entry and makes it the youngest. */
  readonly get: (key: string) => A | undefined
  readonly set: (key: string, value: A) => void
  readonly delete: (key: string) => void
  readonly clear: () => void
}

/** A bound that is not at least one, `NaN` for instance, holds one entry: never none, never without bound. */
export const make = <A>(maximum: number): Lru<A> => {
  const bound = maximum >= 1 ? maximum : 1
  const entries = new Map<string, A>()
  let youngest: string | undefined
  return {
    get: (key) => {
      const value = entries.get(key)
      if (value !== undefined && key !== youngest) {
        entries.delete(key)
        entries.set(key, value)
        youngest = key
      }
      return value
    },
    set: (key, value) => {
      entries.delete(key)
      entries.set(key, value)
      youngest = key
      if (entries.size > bound) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest)
          break
        }
      }
    },
    delete: (key) => {
      entries.delete(key)
    },
    clear: () => entries.clear()
  }
}
