/**
 * Plots: what most of what can go wrong has in common. Chance alone rarely puts these steps in this order, so here the
 * order is given, and everything else is left to chance.
 */
import * as FastCheck from "effect/FastCheck"
import type { Happening, Id, Step } from "./words.js"
import { busFaults, cuts, fences, ids, memoryMillis, storeFaults, storeTimeoutMillis } from "./words.js"

const { array, boolean, constant, constantFrom, integer, oneof, option, record, shuffledSubarray, subarray, tuple } =
  FastCheck

type Plot = FastCheck.Arbitrary<ReadonlyArray<Step>>

const id = constantFrom(0, 0, 1, 2) as FastCheck.Arbitrary<Id>
const at = constantFrom(0, 0, 1, 2)
const soon = constantFrom(0, 1, 8, 60, 300)
// What a lookup learns is known to fewer than what is declared.
const by = constantFrom(...fences, "learnt" as const)

const step = (wait: number, happening: Happening): Step => ({ wait, happening })

/** How long before each of the calls: at once and right after each other, for what races. */
const atOnce = tuple(
  constantFrom(0, 0, 60, storeTimeoutMillis),
  array(integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 9 })
).map(([first, rest]) => [first, ...rest])
/** And then: while values in memory may be believed that nobody has confirmed, and when they may not. */
const later = subarray([300, 1_000, 2_000, ...[-100, 100, 600, 1_500, 4_000].map((past) => memoryMillis + past)], {
  minLength: 1
}).map((millis) => millis.map((one, i) => one - (millis[i - 1] ?? 0)))

const disturbance = oneof(
  record({ do: constant("cut" as const), at, how: constantFrom(...cuts) }),
  record({
    do: constant("bus" as const),
    at,
    fault: constantFrom(...busFaults, "lost" as const),
    times: constantFrom(1, 1, 4)
  })
)

/** Mostly on another instance than the first call. */
const fence = record({ tells: constantFrom(1, 1, 1, 0), by, wait: soon })

/** A value that is looked up or held, a bus that is disturbed or not, fences, and calls everywhere. */
const unheard: Plot = record({
  id,
  at,
  everywhere: boolean(),
  disturbs: option(disturbance, { nil: undefined, freq: 4 }),
  fallen: oneof({ weight: 2, arbitrary: tuple(fence) }, { weight: 1, arbitrary: tuple(fence, fence) }),
  reads: constantFrom(0, 0, 0, 60),
  takes: constantFrom(2, 2, 60, 300, 1_500, 9_000),
  waits: tuple(soon, soon),
  atOnce: option(atOnce, { nil: [] }),
  later,
  heals: option(constantFrom(0, 300, 3_000), { nil: undefined, freq: 3 })
}).map(({ at, atOnce, disturbs, everywhere, fallen, heals, id, later, reads, takes, waits: [one, two] }) => [
  step(one, { do: "database", id, before: reads, after: takes, fails: false }),
  step(0, everywhere ? { do: "ask", id } : { do: "get", at, id }),
  ...(disturbs === undefined ? [] : [step(two, disturbs)]),
  ...[...fallen].map(({ by, tells, wait }) => step(wait, { do: "fence", at: at + tells, id, by, changes: true })),
  ...[...atOnce, ...later].map((wait) => step(wait, { do: "ask", id })),
  ...(heals === undefined ? [] : [step(heals, { do: "healBus" })])
])

/** Values in the store, fences of one instance that the store does not acknowledge, and calls there. */
const unacknowledged: Plot = record({
  at,
  // Mostly nothing is done.
  fault: constantFrom(...storeFaults, "refuses" as const, "vanishes" as const),
  times: constantFrom(1, 1, 3, 30),
  fenced: shuffledSubarray([...ids], { minLength: 1 }).chain((some) =>
    tuple(...some.map((id) => record({ id: constant(id), by, wait: constantFrom(0, 1, 8, 60) })))
  ),
  atOnce,
  heals: boolean(),
  later: array(record({ id, wait: constantFrom(8, 300, 1_000, 2_000) }), { minLength: 1, maxLength: 5 })
}).map(({ at, atOnce, fault, fenced, heals, later, times }) => [
  ...ids.flatMap((id) => [
    step(0, { do: "database", id, before: 0, after: 2, fails: false }),
    step(20, { do: "get", at, id })
  ]),
  step(100, { do: "store", at, fault, on: "fences", times }),
  ...fenced.map(({ by, id, wait }) => step(wait, { do: "fence", at, id, by, changes: true })),
  ...atOnce.map((wait) => step(wait, { do: "get", at, id: fenced[0]!.id })),
  ...(heals ? [step(300, { do: "healStore" })] : []),
  ...later.map(({ id, wait }) => step(wait, { do: "get", at, id }))
])

const writer = oneof(
  { weight: 6, arbitrary: constant("mutate" as const) },
  { weight: 2, arbitrary: constant("writeThrough" as const) },
  { weight: 2, arbitrary: constantFrom(...fences) }
)
/** Right behind each other, or while the store does not answer. */
const meanwhile = oneof(constantFrom(0, 1, 5, 20, 60), integer({ min: 0, max: storeTimeoutMillis + 50 }))

/** Values everywhere, writes of one instance, and its end in the middle of them; and calls when it is there again. */
const killed: Plot = record({
  id,
  at,
  by: writer,
  fault: option(constantFrom("vanishes" as const, "isLate" as const, ...storeFaults), { nil: undefined, freq: 3 }),
  before: constantFrom(0, 5, 60),
  after: constantFrom(2, 2, 60, 300),
  // What the first one has taken back goes with what the second one saves.
  second: option(record({ by: writer, wait: meanwhile }), {
    nil: undefined
  }),
  wait: meanwhile,
  ends: constantFrom("crash" as const, "crash" as const, "close" as const),
  millis: constantFrom(1, 20, 300, 2_000),
  atOnce
}).map(({ after, at, atOnce, before, by, ends, fault, id, millis, second, wait }) => [
  step(0, { do: "database", id, before: 0, after: 2, fails: false }),
  step(0, { do: "ask", id }),
  ...(fault === undefined ? [] : [step(100, { do: "store", at, fault, on: "fences" as const, times: 3 })]),
  step(100, { do: "database", id, before, after, fails: false }),
  step(0, { do: "fence", at, id, by, changes: true }),
  ...(second === undefined
    ? []
    : [
        step(second.wait, {
          do: "fence" as const,
          at,
          id: id === 0 ? (1 as const) : (0 as const),
          by: second.by,
          changes: true
        })
      ]),
  step(wait, { do: ends, at, millis }),
  step(millis, { do: "database", id, before: 0, after: 2, fails: false }),
  ...atOnce.map((wait) => step(wait, { do: "ask", id })),
  step(2_000, { do: "ask", id })
])

export const plot: Plot = oneof(
  { weight: 4, arbitrary: unheard },
  { weight: 3, arbitrary: unacknowledged },
  { weight: 3, arbitrary: killed }
)
