/**
 * Plots: what most of what can go wrong has in common. Chance alone rarely puts these steps in this order, so here the
 * order is given, and everything else is left to chance.
 */
import * as FastCheck from "effect/FastCheck"
import type { Happening, Id, Step } from "./words.js"
import { busFaults, cuts, fences, ids, storeFaults } from "./words.js"

const { array, boolean, constant, constantFrom, integer, oneof, option, record, shuffledSubarray, tuple } = FastCheck

type Plot = FastCheck.Arbitrary<ReadonlyArray<Step>>

const id = constantFrom(0, 0, 1, 2) as FastCheck.Arbitrary<Id>
const at = constantFrom(0, 0, 1, 2)
const soon = constantFrom(0, 1, 8, 60, 300)

const step = (wait: number, happening: Happening): Step => ({ wait, happening })

const disturbance = oneof(
  { weight: 2, arbitrary: record({ do: constant("cut" as const), at, how: constantFrom(...cuts) }) },
  {
    weight: 1,
    arbitrary: record({
      do: constant("bus" as const),
      at,
      fault: constantFrom(...busFaults),
      times: constantFrom(1, 4)
    })
  }
)

/**
 * A value that is looked up or held, a bus that is disturbed or not, a fence, and calls for longer than an instance may
 * believe what it has.
 */
const unheard: Plot = record({
  id,
  first: oneof(record({ do: constant("get" as const), at, id }), record({ do: constant("ask" as const), id })),
  disturbs: option(disturbance, { nil: undefined, freq: 5 }),
  teller: at,
  by: constantFrom(...fences),
  takes: constantFrom(2, 2, 60, 300, 1_500, 6_000),
  waits: tuple(soon, soon, soon),
  later: array(constantFrom(1, 60, 300, 1_000, 2_000, 2_000), { minLength: 1, maxLength: 7 }),
  heals: option(constantFrom(0, 300, 3_000), { nil: undefined, freq: 3 })
}).map(({ by, disturbs, first, heals, id, later, takes, teller, waits: [one, two, three] }) => [
  step(one, { do: "database", id, before: 0, after: takes, fails: false }),
  step(0, { ...first, id }),
  ...(disturbs === undefined ? [] : [step(two, disturbs)]),
  step(three, { do: "fence", at: teller, id, by, changes: true }),
  ...later.map((wait) => step(wait, { do: "ask", id })),
  ...(heals === undefined ? [] : [step(heals, { do: "healBus" })])
])

/**
 * Values in the store, fences of one instance that the store does not acknowledge, and calls there: at once and again and
 * again, and after a while.
 */
const unacknowledged: Plot = record({
  at,
  fault: constantFrom(...storeFaults),
  times: constantFrom(1, 3, 30),
  fenced: shuffledSubarray([...ids], { minLength: 1 }),
  by: array(constantFrom(...fences), { minLength: 3, maxLength: 3 }),
  waits: array(constantFrom(0, 1, 8, 60), { minLength: 3, maxLength: 3 }),
  atOnce: array(record({ id, wait: integer({ min: 0, max: 8 }) }), { minLength: 0, maxLength: 8 }),
  heals: boolean(),
  later: array(record({ id, wait: constantFrom(8, 300, 1_000, 2_000) }), { minLength: 1, maxLength: 5 })
}).map(({ at, atOnce, by, fault, fenced, heals, later, times, waits }) => [
  ...ids.flatMap((id) => [
    step(0, { do: "database", id, before: 0, after: 2, fails: false }),
    step(20, { do: "get", at, id })
  ]),
  step(100, { do: "store", at, fault, on: "fences", times }),
  ...fenced.map((id, i) => step(waits[i]!, { do: "fence", at, id, by: by[i]!, changes: true })),
  ...atOnce.map(({ id, wait }) => step(wait, { do: "get", at, id })),
  ...(heals ? [step(300, { do: "healStore" })] : []),
  ...later.map(({ id, wait }) => step(wait, { do: "get", at, id }))
])

export const plot: Plot = oneof({ weight: 3, arbitrary: unheard }, { weight: 2, arbitrary: unacknowledged })
