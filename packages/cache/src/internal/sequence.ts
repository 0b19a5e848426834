/**
 * Whether a message was lost: fences are counted, and each is told with its count, so what is missing shows in the next
 * message, or in the next beat.
 *
 * Late and repeated messages are no loss. A counter of another era, or a beat whose count is smaller than what was heard
 * before, speaks of a store that has lost something itself.
 */
import type { Counter } from "../Epoch.js"
import * as Lru from "./lru.js"

export interface Sequence {
  /** Takes the counter of a fence, one more than that of the fence before it; answers whether something is missing. */
  readonly fence: (counter: Counter | undefined) => boolean
  /** Takes the counter as it stands while nothing is told. */
  readonly beat: (counter: Counter | undefined) => boolean
}

/** One count for all: the store's. It begins with what is heard first. */
export const make = (): Sequence => from(undefined)

/** `start`: what was heard before; absent, it is not known. */
const from = (start: { readonly counter: Counter | undefined } | undefined): Sequence => {
  let last = start
  const take = (counter: Counter | undefined, isNext: (before: number, now: number) => boolean): boolean => {
    const before = last
    last = { counter }
    if (before === undefined) return false
    // A store without a counter has no epochs either; one that gets its first one had been emptied.
    if (before.counter === undefined || counter === undefined) return before.counter !== counter
    return before.counter.era !== counter.era || !isNext(before.counter.n, counter.n)
  }
  return {
    fence: (counter) => {
      // What nobody has counted cannot be missing.
      if (counter === undefined) return false
      const before = last?.counter
      // What comes late or twice is heard, and changes nothing of what comes next.
      if (before !== undefined && before.era === counter.era && counter.n <= before.n) return false
      return take(counter, (earlier, now) => now === earlier + 1)
    },
    beat: (counter) => take(counter, (before, now) => before === now)
  }
}

/** A count of each sender, who is its counter's era and begins with none. */
export const perSender = (maximum: number): Sequence => {
  const senders = Lru.make<Sequence>(maximum)
  const of = (counter: Counter | undefined): Sequence | undefined => {
    if (counter === undefined) return undefined
    let one = senders.get(counter.era)
    if (one === undefined) {
      one = from({ counter: { era: counter.era, n: 0 } })
      senders.set(counter.era, one)
    }
    return one
  }
  return {
    // Who counts nothing is not believed to have told everything.
    fence: (counter) => of(counter)?.fence(counter) ?? true,
    beat: (counter) => of(counter)?.beat(counter) ?? true
  }
}
