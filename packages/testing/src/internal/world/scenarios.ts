/** Scenarios, as fast-check makes and shrinks them: each is plain data, and the same data is the same history. */
import * as FastCheck from "effect/FastCheck"
import { plot } from "./plots.js"
import type { Happening, Id, PolicyName, Scenario, Setup, Step } from "./words.js"
import { busFaults, cuts, fences, operations, policies, storeFaults } from "./words.js"

const { boolean, constant, constantFrom, integer, oneof, option, record } = FastCheck

type Weighted = FastCheck.WeightedArbitrary<Happening>

// Most of it is about few keys and two instances: what never meets cannot go wrong.
const id = constantFrom(0, 0, 0, 1, 1, 2) as FastCheck.Arbitrary<Id>
const at = constantFrom(0, 0, 1, 1, 2)

const calls: ReadonlyArray<Weighted> = [
  {
    weight: 12,
    arbitrary: record({
      do: constant("get" as const),
      at,
      id,
      interrupted: option(integer({ min: 0, max: 40 }), { nil: undefined, freq: 8 })
    })
  },
  { weight: 10, arbitrary: record({ do: constant("ask" as const), id }) },
  { weight: 2, arbitrary: record({ do: constant("getMany" as const), at, id }) },
  { weight: 1, arbitrary: record({ do: constant("refresh" as const), at, id }) },
  { weight: 1, arbitrary: record({ do: constant("change" as const), id }) },
  {
    weight: 10,
    arbitrary: record({ do: constant("fence" as const), at, id, by: constantFrom(...fences), changes: boolean() })
  },
  {
    weight: 4,
    arbitrary: record({
      do: constant("database" as const),
      id,
      before: constantFrom(0, 0, 5, 200),
      after: constantFrom(0, 2, 20, 300, 1_500, 9_000),
      fails: constantFrom(false, false, false, true)
    })
  }
]

const storeFails: ReadonlyArray<Weighted> = [
  {
    weight: 4,
    arbitrary: record({
      do: constant("store" as const),
      at: oneof(at, constant("all" as const)),
      fault: constantFrom(...storeFaults),
      on: constantFrom(...operations),
      times: constantFrom(1, 1, 2, 5, 30)
    })
  },
  { weight: 1, arbitrary: constant({ do: "healStore" as const }) },
  { weight: 1, arbitrary: record({ do: constant("restartStore" as const), millis: constantFrom(0, 100, 3_000) }) },
  { weight: 1, arbitrary: record({ do: constant("evict" as const), keys: integer({ min: 1, max: 16 }) }) }
]

const busFails: ReadonlyArray<Weighted> = [
  {
    weight: 3,
    arbitrary: record({
      do: constant("bus" as const),
      at,
      fault: constantFrom(...busFaults),
      times: constantFrom(1, 1, 2, 4)
    })
  },
  { weight: 3, arbitrary: record({ do: constant("cut" as const), at, how: constantFrom(...cuts) }) },
  { weight: 2, arbitrary: constant({ do: "healBus" as const }) }
]

const instancesFail: ReadonlyArray<Weighted> = [
  {
    weight: 1,
    arbitrary: record({
      do: constantFrom("crash" as const, "close" as const),
      at,
      millis: constantFrom(1, 300, 2_000, 12_000)
    })
  }
]

/** Right after each other, for what races. */
const close = constantFrom(0, 0, 1, 2, 3, 8, 20, 60, 300)
/** Over the lives of values and of subscriptions, too. */
const wide = constantFrom(0, 0, 0, 1, 1, 2, 3, 8, 20, 60, 300, 1_000, 1_000, 3_900)

const stepsOf = (
  longest: number,
  wait: FastCheck.Arbitrary<number>,
  ...kinds: ReadonlyArray<ReadonlyArray<Weighted>>
) =>
  FastCheck.array<Step>(record({ wait, happening: oneof(...kinds.flat()) }), {
    minLength: 1,
    maxLength: longest,
    size: "max"
  })

const plotsOf = (longest: number) =>
  FastCheck.array(plot, { minLength: 1, maxLength: 4 }).map((plots) => plots.flat().slice(0, longest))

const setup: FastCheck.Arbitrary<Setup> = record({
  instances: constantFrom(2, 2, 3),
  carried: boolean(),
  policy: constantFrom(...(Object.keys(policies) as Array<PolicyName>)),
  skewMillis: FastCheck.array(constantFrom(0, 0, -1_500, 700, 5_000), { minLength: 3, maxLength: 3 }),
  kept: boolean(),
  patient: boolean(),
  ends: constantFrom(false, false, false, true),
  luck: integer({ min: 0, max: 999_999 })
})

/**
 * Where everything goes wrong little goes far enough to go wrong in an interesting way: most scenarios have some kinds of
 * faults only (Groce et al., "Swarm Testing", ISSTA 2012).
 */
export const scenario = (longest: number): FastCheck.Arbitrary<Scenario> =>
  FastCheck.noBias(
    record({
      setup,
      steps: oneof(
        { weight: 3, arbitrary: stepsOf(longest, close, calls) },
        { weight: 2, arbitrary: stepsOf(longest, close, calls, storeFails) },
        { weight: 3, arbitrary: stepsOf(longest, wide, calls, busFails) },
        { weight: 8, arbitrary: plotsOf(longest) },
        { weight: 2, arbitrary: stepsOf(longest, wide, calls, storeFails, busFails, instancesFail) }
      )
    })
  )
