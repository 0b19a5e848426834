/**
 * Plots: what most of what can go wrong has in common. Chance alone rarely puts these steps in this order, so here the
 * order is given, and everything else is left to chance.
 */
import * as FastCheck from "effect/FastCheck"
import type { Happening, Id, Step } from "./words.js"
import { busFaults, cuts, fences, ids, memoryMillis, storeFaults } from "./words.js"

const { array, boolean, constant, constantFrom, integer, oneof, option, record, shuffledSubarray, tuple } = FastCheck

type Plot = FastCheck.Arbitrary<ReadonlyArray<Step>>

const id = constantFrom(0, 0, 1, 2) as FastCheck.Arbitrary<Id>
const at = constantFrom(0, 0, 1, 2)
const soon = constantFrom(0, 1, 8, 60, 300)
// What a lookup learns is known to fewer than what is declared.
const by = constantFrom(...fences, "learnt" as const)

const step = (wait: number, happening: Happening): Step => ({ wait, happening })

/** How long before each of the calls: at once and right after each other, for what races. */
const atOnce = tuple(
  constantFrom(0, 8, 60, 250),
  array(integer({ min: 0, max: 8 }), { minLength: 0, maxLength: 7 })
).map(([first, rest]) => [first, ...rest])
/** Then while values live, and when none may be believed any more that nobody has confirmed. */
const later = tuple(
  array(constantFrom(1, 60, 300, 1_000, 2_000), { minLength: 0, maxLength: 5 }),
  constantFrom(300, 2_000, memoryMillis + 100)
).map(([some, last]) => [...some, last])

const disturbance = oneof(
  record({ do: constant("cut" as const), at, how: constantFrom(...cuts) }),
  record({
    do: constant("bus" as const),
    at,
    fault: constantFrom(...busFaults, "lost" as const),
    times: constantFrom(1, 1, 4)
  })
)

/** A value that is looked up or held, a bus that is disturbed or not, a fence, and calls everywhere. */
const unheard: Plot = record({
  id,
  first: oneof(record({ do: constant("get" as const), at, id }), record({ do: constant("ask" as const), id })),
  disturbs: option(disturbance, { nil: undefined, freq: 4 }),
  teller: at,
  by,
  takes: constantFrom(2, 2, 60, 300, 1_500, 6_000),
  waits: tuple(soon, soon, soon),
  atOnce: option(atOnce, { nil: [] }),
  later,
  heals: option(constantFrom(0, 300, 3_000), { nil: undefined, freq: 3 })
}).map(({ atOnce, by, disturbs, first, heals, id, later, takes, teller, waits: [one, two, three] }) => [
  step(one, { do: "database", id, before: 0, after: takes, fails: false }),
  step(0, { ...first, id }),
  ...(disturbs === undefined ? [] : [step(two, disturbs)]),
  step(three, { do: "fence", at: teller, id, by, changes: true }),
  ...[...atOnce, ...later].map((wait) => step(wait, { do: "ask", id })),
  ...(heals === undefined ? [] : [step(heals, { do: "healBus" })])
])

/** Values in the store, fences of one instance that the store does not acknowledge, and calls there. */
const unacknowledged: Plot = record({
  at,
  fault: constantFrom(...storeFaults),
  times: constantFrom(1, 1, 3, 30),
  fenced: shuffledSubarray([...ids], { minLength: 1 }).chain((some) =>
    tuple(...some.map((id) => record({ id: constant(id), by, wait: constantFrom(0, 1, 8, 60) })))
  ),
  atOnce,
  id,
  heals: boolean(),
  later: array(record({ id, wait: constantFrom(8, 300, 1_000, 2_000) }), { minLength: 1, maxLength: 5 })
}).map(({ at, atOnce, fault, fenced, heals, id, later, times }) => [
  ...ids.flatMap((id) => [
    step(0, { do: "database", id, before: 0, after: 2, fails: false }),
    step(20, { do: "get", at, id })
  ]),
  step(100, { do: "store", at, fault, on: "fences", times }),
  ...fenced.map(({ by, id, wait }) => step(wait, { do: "fence", at, id, by, changes: true })),
  ...atOnce.map((wait) => step(wait, { do: "get", at, id })),
  ...(heals ? [step(300, { do: "healStore" })] : []),
  ...later.map(({ id, wait }) => step(wait, { do: "get", at, id }))
])

export const plot: Plot = oneof({ weight: 3, arbitrary: unheard }, { weight: 2, arbitrary: unacknowledged })
