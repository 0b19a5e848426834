import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Faults from "../src/Faults.js"

const kinds: ReadonlyArray<Faults.Kind> = ["store frozen", "store restarted", "instance killed", "instance frozen"]

const planned = (seed: string, seconds: number) => Effect.withRandom(Faults.plan(kinds, seconds, 4), Random.make(seed))

describe("a plan of faults", () => {
  it.effect("is the same for the same seed, and another one for another", () =>
    Effect.gen(function* () {
      expect(yield* planned("a", 60)).toEqual(yield* planned("a", 60))
      expect(yield* planned("a", 60)).not.toEqual(yield* planned("b", 60))
    })
  )

  it.effect.each([5, 12, 60, 600])(
    "of %i seconds has every kind, none twice before all, one after the other",
    (seconds) =>
      Effect.gen(function* () {
        const faults = yield* planned("a", seconds)
        for (let round = 0; round + kinds.length <= faults.length; round += kinds.length) {
          const these = faults.slice(round, round + kinds.length).map(({ kind }) => kind)
          expect(these.toSorted()).toEqual(kinds.toSorted())
        }
        expect(faults.length).toBeGreaterThanOrEqual(kinds.length)
        for (const [i, { atMillis, lengthMillis }] of faults.entries()) {
          expect(lengthMillis).toBeGreaterThan(0)
          expect(atMillis + lengthMillis).toBeLessThan(faults[i + 1]?.atMillis ?? seconds * 1_000)
        }
      })
  )
})
