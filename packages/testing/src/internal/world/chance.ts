/** Chances of a world: the same in every run of the same seed. */
import { PCGRandom } from "effect/Utils"

export interface Chance {
  /** A whole number from `minimum` to `maximum`, both included. */
  readonly between: (minimum: number, maximum: number) => number
  readonly fork: () => number
}

export const make = (seed: number): Chance => {
  const random = new PCGRandom(seed)
  return {
    between: (minimum, maximum) => minimum + random.integer(maximum - minimum + 1),
    fork: () => random.integer(0x7fffffff)
  }
}
