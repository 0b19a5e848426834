/**
 * Which answers are right, while flags are flipped and the store is broken.
 *
 * A flip that was acknowledged to an instance holds there for every call that starts afterwards. On the other
 * instances it holds as soon as the store has acknowledged it, at once or by a replay. Until then, and while it is
 * under way, the answers before and after it are both right. Flips come one after the other, so the state of the truth
 * is a number: how many there were.
 */
import type { Request } from "example-feature-flags/Load"
import type { Truth } from "./Truth.js"

/** One flip, once it was acknowledged to whoever made it. */
export interface Flip {
  readonly by: string
  /** Whether the store knows of it by now. */
  readonly settled: () => boolean
}

export interface Ledger {
  readonly flipped: (flip: Flip) => void
  /** The oldest state that an instance may still answer from. */
  readonly floor: (instance: string) => number
  /** Whether an answer was right at any time between a state and now. */
  readonly isRight: (request: Request, answer: boolean, floor: number) => boolean
  readonly flips: () => number
}

export const make = (truth: Truth): Ledger => {
  const flips: Array<Flip> = []
  /** Up to here every flip holds everywhere, for good. */
  let everywhere = 0
  return {
    flipped: (flip) => void flips.push(flip),
    flips: () => flips.length,
    floor: (instance) => {
      while (everywhere < flips.length && flips[everywhere]!.settled()) everywhere += 1
      let floor = everywhere
      while (floor < flips.length && (flips[floor]!.by === instance || flips[floor]!.settled())) floor += 1
      return floor
    },
    isRight: (request, answer, floor) => {
      for (let version = floor; version <= truth.version(); version++) {
        if (truth.at(request, version) === answer) return true
      }
      return false
    }
  }
}
