/**
 * A simulated world: instances of a program, each with a real cache and a clock of its own, over one store, one bus and
 * one database, in one process and in virtual time; and what goes wrong there.
 *
 * A scenario is plain data: how the world is made, and what happens in it step by step. The same scenario is the same
 * history, to the last message. Faults of the store: operations that are refused, lost, carried out without a reply,
 * late or twice, a restart that forgets everything, evictions. Of the bus: messages that are lost, late, overtaken or
 * repeated, instances that are cut off with or without being told. Of instances: crashes in the middle of anything,
 * restarts, with or without a place for the journal, clocks that are ahead. Of the database: lookups that read early, answer late, or fail.
 *
 * Every answer is checked against what may be answered:
 *
 * - To a call that starts after an invalidation has returned on the same instance, acknowledged or not: nothing that was
 *   read before it.
 * - The same to one that starts after that instance has started again, where its journal has a place; there also after a
 *   write whose end nobody saw.
 * - On the other instances, once they have heard of it: the same. Until then, after an acknowledged invalidation, for as
 *   long as a message takes, and while messages are lost, late or cut off for `memory.timeToLive`: that bound is exact.
 *   No rule compares clocks of instances.
 * - In any case nothing after its own time, by the clock of whoever answers, but in a window of its policy; and no
 *   window answers what was invalidated.
 * - One lookup of a key at a time in an instance, and in all of them while the store is healthy and calls wait for
 *   leases. A fence lets another one begin; so does a lookup that has run for longer than `memory.timeToLive` unheard.
 * - In the end, when everything is whole again: every answer is current, and stored, nothing is hidden, no lookup runs,
 *   no call waits, no lease is held, no more is in memory than may be, and a closed instance leaves no fiber.
 *
 * What it is not: a test of a real store, of time as it passes, or of a cluster whose keys lie apart.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { run as runHistory } from "./internal/world/run.js"
import { scenario as anyScenario } from "./internal/world/scenarios.js"
import type * as words from "./internal/world/words.js"

/**
 * How a world is made, and what happens in it.
 *
 * @since 0.1.0
 * @category models
 */
export type Scenario = words.Scenario

/**
 * What happens next, and how much time passes before it.
 *
 * @since 0.1.0
 * @category models
 */
export type Step = words.Step

/**
 * @since 0.1.0
 * @category models
 */
export type Setup = words.Setup

/**
 * The ages of the oldest answers, in milliseconds, by what bounds them.
 *
 * - `heard`: after an invalidation was acknowledged elsewhere, while messages arrive as they should.
 * - `missed`: the same, while messages are lost, late or cut off. Bounded by `memory.timeToLive`, 4 seconds here.
 * - `untold`: after the source changed and nobody said so. Bounded by the time to live.
 * - `window`: after the end of its time. Bounded by the windows of the policy.
 *
 * @since 0.1.0
 * @category models
 */
export interface Staleness {
  readonly heard: number
  readonly missed: number
  readonly untold: number
  readonly window: number
}

/**
 * What came of one scenario, or of many.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tally {
  readonly runs: number
  readonly steps: number
  /** How many answers were checked. */
  readonly answers: number
  /** How much time passed in the worlds. */
  readonly millis: number
  readonly staleness: Staleness
  /** How often each kind of fault was met. */
  readonly faults: ReadonlyMap<string, number>
}

/**
 * A scenario in which something was answered, or left, that must not be: the shortest that was found, and how to find
 * it again.
 *
 * @since 0.1.0
 * @category models
 */
export interface Violation {
  readonly what: string
  readonly scenario: Scenario
  readonly seed: number
  readonly path: string
  /** How many scenarios were tried until one failed. */
  readonly after: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Result {
  readonly tally: Tally
  readonly violation: Violation | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** A whole number: the same one tries the same scenarios. */
  readonly seed: number
  /** How many scenarios. Default 100. */
  readonly runs?: number | undefined
  /** How many steps the longest has. Default 60. */
  readonly steps?: number | undefined
  /** Begins at a scenario that was found before, with its seed. */
  readonly path?: string | undefined
  /** For how long, in milliseconds of real time, a failing scenario is made shorter. Default 30 000. */
  readonly shrinkMillis?: number | undefined
}

/**
 * No runs.
 *
 * @since 0.1.0
 * @category constants
 */
export const nothing: Tally = {
  runs: 0,
  steps: 0,
  answers: 0,
  millis: 0,
  staleness: { heard: 0, missed: 0, untold: 0, window: 0 },
  faults: new Map()
}

/**
 * @since 0.1.0
 * @category combinators
 */
export const combine = (one: Tally, other: Tally): Tally => {
  const faults = new Map(one.faults)
  for (const [kind, count] of other.faults) faults.set(kind, (faults.get(kind) ?? 0) + count)
  const worst = (of: keyof Staleness) => Math.max(one.staleness[of], other.staleness[of])
  return {
    runs: one.runs + other.runs,
    steps: one.steps + other.steps,
    answers: one.answers + other.answers,
    millis: one.millis + other.millis,
    staleness: { heard: worst("heard"), missed: worst("missed"), untold: worst("untold"), window: worst("window") },
    faults
  }
}

/**
 * Scenarios of so many steps at most, for property tests.
 *
 * @since 0.1.0
 * @category arbitraries
 */
export const scenario: (steps: number) => FastCheck.Arbitrary<Scenario> = anyScenario

/** How many steps the longest scenario has. */
const defaultSteps = 60

/**
 * The scenario of a seed and a path, as `simulate` tries it first; nothing where the path leads nowhere.
 *
 * @example
 * import { World } from "@larder/testing"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 *
 * const scenario = Option.getOrThrow(World.find({ seed: 5, path: "19" }))
 * const { what } = Effect.runSync(World.run(scenario))
 * what // => undefined
 *
 * @since 0.1.0
 * @category arbitraries
 */
export const find = (options: {
  readonly seed: number
  readonly path: string
  readonly steps?: number | undefined
}): Option.Option<Scenario> => {
  const { path, seed, steps = defaultSteps } = options
  // It throws where there is nothing.
  const found = Option.liftThrowable(() => FastCheck.sample(anyScenario(steps), { seed, path, numRuns: 1 }))()
  return Option.flatMapNullable(found, ([first]) => first)
}

/**
 * Lives through one scenario. `tell` is given a line for everything that happens.
 *
 * @example
 * import { World } from "@larder/testing"
 * import * as Effect from "effect/Effect"
 *
 * const setup = {
 *   instances: 2,
 *   carried: true,
 *   policy: "plain",
 *   skewMillis: [0, 700],
 *   kept: false,
 *   patient: false,
 *   ends: true,
 *   luck: 0
 * } as const
 *
 * const { tally, what } = Effect.runSync(
 *   World.run({
 *     setup,
 *     steps: [
 *       { wait: 0, happening: { do: "get", at: 0, id: 0 } },
 *       { wait: 20, happening: { do: "cut", at: 0, how: "deaf" } },
 *       { wait: 0, happening: { do: "fence", at: 1, id: 0, by: "invalidate", changes: true } },
 *       { wait: 1_000, happening: { do: "get", at: 0, id: 0 } }
 *     ]
 *   })
 * )
 * const answer = [what, tally.staleness.missed > 900, tally.faults.get("bus cut off, deaf")]
 * answer // => [undefined, true, 1]
 *
 * @since 0.1.0
 * @category running
 */
export const run = (
  scenario: Scenario,
  tell?: (line: string) => void
): Effect.Effect<{ readonly tally: Tally; readonly what: string | undefined }> =>
  Effect.sync(() => {
    const { violation, ...rest } = runHistory(scenario, tell)
    return { tally: { runs: 1, ...rest }, what: violation?.message }
  })

/**
 * Lives through scenarios of a seed until one fails, which is then made shorter.
 *
 * @since 0.1.0
 * @category running
 */
export const simulate = ({
  path,
  runs = 100,
  seed,
  shrinkMillis = 30_000,
  steps = defaultSteps
}: Options): Effect.Effect<Result> =>
  Effect.sync(() => {
    let tally = nothing
    let shrinksUntil = Infinity
    const property = FastCheck.property(anyScenario(steps), (scenario) => {
      // Nothing more is tried when the time is over: what was found stands.
      if (performance.now() > shrinksUntil) return
      const { violation, ...rest } = runHistory(scenario)
      if (shrinksUntil === Infinity) tally = combine(tally, { runs: 1, ...rest })
      if (violation === undefined) return
      shrinksUntil = Math.min(shrinksUntil, performance.now() + shrinkMillis)
      throw violation
    })
    const details = FastCheck.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) })
    if (!details.failed) return { tally, violation: undefined }
    const violation: Violation = {
      what: details.errorInstance instanceof Error ? details.errorInstance.message : String(details.error),
      scenario: details.counterexample![0],
      seed,
      path: details.counterexamplePath!,
      after: details.numRuns
    }
    return { tally, violation }
  })

/**
 * What there is to say of a violation: what was wrong, the scenario, step by step, and how to try it again.
 *
 * @since 0.1.0
 * @category formatting
 */
export const explain = ({ path, scenario, seed, what }: Violation): string =>
  [
    what,
    `in ${JSON.stringify(scenario.setup)}`,
    ...scenario.steps.map(({ happening, wait }) => `  after ${wait} ms ${JSON.stringify(happening)}`),
    `again: pnpm simulate --seed ${seed} --path ${path}`
  ].join("\n")
