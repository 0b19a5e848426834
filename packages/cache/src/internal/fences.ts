/**
 * The fences that fell on this instance: when, in the order of this process, was a key or tag last invalidated,
 * expired or set. It answers one question: did a fence fall on any of these names since that moment?
 *
 * Bounded: when too many names are remembered the oldest is forgotten, and everything that began before its fence
 * counts as fenced. A loss is a miss.
 */
export interface Fences {
  /** The current moment. Only ever compared with others of the same clock. */
  readonly now: () => number
  readonly raise: (names: Iterable<string>) => void
  /** A fence on every name. */
  readonly raiseAll: () => void
  readonly fellSince: (moment: number, names: Iterable<string>) => boolean
}

/** Counts the fences of all that share it, so that a moment means the same to each. */
export interface FenceClock {
  moment: number
}

export const make = (maximum: number, clock: FenceClock = { moment: 0 }): Fences => {
  const last = new Map<string, number>()
  let latest = 0
  let floor = 0
  return {
    now: () => clock.moment,
    raise: (names) => {
      const moment = (latest = clock.moment += 1)
      for (const name of names) {
        last.delete(name)
        last.set(name, moment)
      }
      while (last.size > maximum) {
        const [name, at] = last.entries().next().value!
        last.delete(name)
        floor = at
      }
    },
    raiseAll: () => {
      floor = latest = clock.moment += 1
      last.clear()
    },
    fellSince: (since, names) => {
      if (since >= latest) return false
      if (since < floor) return true
      for (const name of names) {
        const at = last.get(name)
        if (at !== undefined && at > since) return true
      }
      return false
    }
  }
}
