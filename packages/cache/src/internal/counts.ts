/**
 * How far the store has told this instance that it is, and what speaks for its having gone back behind that: a replica
 * that lags may answer reads from before, but nothing that was written.
 */
import type { Counter } from "../Epoch.js"
import * as Lru from "./lru.js"
import * as token from "./token.js"

export interface Counts {
  /** How far it is known to be; `undefined` at the beginning. */
  readonly last: () => Counter | undefined
  /** Takes what a read told. */
  readonly read: (counter: Counter) => void
  /** Takes what a write told that was sent when the store was known to be at `asked`. */
  readonly written: (counter: Counter, asked?: Counter) => void
  /** The same of a fence of this instance, which raises the count. */
  readonly fenced: (counter: Counter, asked: Counter | undefined) => void
  /** Whether an answer comes from before what was known when it was asked for. */
  readonly isBehind: (counter: Counter | undefined, asked: Counter | undefined) => boolean
  /** Whether a fence of this instance has this count. Another one that has it too says that the store has lost ours. */
  readonly isOwn: (counter: Counter) => boolean
}

/** So many fences of this instance are remembered by their counts: those of the time in which a store changes hands. */
const maximumOwn = 1_000

/** `wentBack`: the store has lost something, or a replica took over. */
export const make = (wentBack: () => void): Counts => {
  let last: Counter | undefined
  /** The era before this one: who still speaks of it lags. Two eras do not tell by themselves which one is older. */
  let former: string | undefined
  const own = Lru.make<true>(maximumOwn)
  const move = (counter: Counter): void => {
    if (last !== undefined && last.era !== counter.era) former = last.era
    last = counter
  }
  const read = (counter: Counter): void => {
    const isNews = last?.era === counter.era ? last.n < counter.n : counter.era !== former
    if (isNews) move(counter)
  }
  const atLeast = (counter: Counter, asked: Counter | undefined, raised: 0 | 1): void => {
    if (asked === undefined || (counter.era === asked.era && counter.n >= asked.n + raised)) return read(counter)
    move(counter)
    wentBack()
  }
  return {
    last: () => last,
    read,
    written: (counter, asked) => atLeast(counter, asked, 0),
    fenced: (counter, asked) => {
      own.set(token.printCounter(counter), true)
      atLeast(counter, asked, 1)
    },
    isBehind: (counter, asked) =>
      counter !== undefined &&
      asked !== undefined &&
      (counter.era === asked.era ? counter.n < asked.n : counter.era === former),
    isOwn: (counter) => own.get(token.printCounter(counter)) === true
  }
}
