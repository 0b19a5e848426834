/** What most of what can go wrong has in common: chance alone rarely puts these steps in this order. */
import * as FastCheck from "effect/FastCheck"
import type { Happening, Id, Step } from "./words.js"
import { cuts, fences, storeFaults } from "./words.js"

const { array, boolean, constantFrom, oneof, option, record } = FastCheck

const id = constantFrom(0, 0, 1, 2) as FastCheck.Arbitrary<Id>
const at = constantFrom(0, 0, 1, 2)
const soon = constantFrom(0, 1, 8, 60, 300)

const step = (wait: number, happening: Happening): Step => ({ wait, happening })

/** What keeps a message from an instance. */
const silences: ReadonlyArray<(at: number) => Happening> = [
  ...cuts.map((how) => (at: number) => ({ do: "cut", at, how }) as const),
  (at) => ({ do: "bus", at, fault: "lost", times: 1 })
]

/**
 * A lookup, a bus that fails or not, a fence while the lookup runs or its value is in memory, and calls after it, for
 * longer than an instance may believe what it has.
 */
const unheard: FastCheck.Arbitrary<ReadonlyArray<Step>> = record({
  id,
  at,
  // Mostly another one.
  tells: constantFrom(1, 1, 1, 0),
  by: constantFrom(...fences),
  silence: option(constantFrom(...silences), { nil: undefined, freq: 6 }),
  takes: constantFrom(2, 300, 9_000),
  waits: FastCheck.tuple(soon, soon, soon),
  later: array(constantFrom(60, 1_000, 2_000, 3_900), { minLength: 1, maxLength: 5 })
}).map(({ at, by, id, later, silence, takes, tells, waits: [first, second, third] }) => [
  step(first, { do: "database", id, before: 0, after: takes, fails: false }),
  step(0, { do: "get", at, id }),
  ...(silence === undefined ? [] : [step(second, silence(at))]),
  step(third, { do: "fence", at: at + tells, id, by, changes: true }),
  ...later.map((wait) => step(wait, { do: "ask", id })),
  step(0, { do: "healBus" })
])

/** Values in the store, fences that it does not acknowledge to one instance, and calls while that lasts and after it. */
const unacknowledged: FastCheck.Arbitrary<ReadonlyArray<Step>> = record({
  at,
  fault: constantFrom(...storeFaults),
  times: constantFrom(1, 3, 30),
  fences: array(record({ id, by: constantFrom(...fences), wait: soon }), { minLength: 1, maxLength: 4 }),
  heals: boolean(),
  later: array(record({ id, wait: constantFrom(0, 8, 300, 1_000) }), { minLength: 1, maxLength: 8 })
}).map(({ at, fault, fences, heals, later, times }) => [
  ...([0, 1, 2] as const).flatMap((id) => [
    step(0, { do: "database", id, before: 0, after: 2, fails: false }),
    step(20, { do: "get", at, id })
  ]),
  step(100, { do: "store", at, fault, on: "fences", times }),
  ...fences.map(({ by, id, wait }) => step(wait, { do: "fence", at, id, by, changes: true })),
  ...(heals ? [step(300, { do: "healStore" })] : []),
  ...later.map(({ id, wait }) => step(wait, { do: "get", at, id }))
])

export const plot: FastCheck.Arbitrary<ReadonlyArray<Step>> = oneof(unheard, unacknowledged)
