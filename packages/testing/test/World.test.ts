import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as World from "../src/World.js"

const setup: World.Setup = {
  instances: 2,
  carried: true,
  policy: "plain",
  skewMillis: [0, 0],
  kept: false,
  patient: false,
  ends: true,
  luck: 0
}
const get = (wait: number, at: number): World.Step => ({ wait, happening: { do: "get", at, id: 0 } })
const change = (wait: number, at: number): World.Step => ({
  wait,
  happening: { do: "fence", at, id: 0, by: "invalidate", changes: true }
})
const run = (steps: ReadonlyArray<World.Step>, other: Partial<World.Setup> = {}) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const result = yield* World.run({ setup: { ...setup, ...other }, steps }, (line) => void lines.push(line))
    return { ...result, lines }
  })

/** Whatever happens to a message, others answer the older value for as long as memory lives, and no longer. */
const unheard: ReadonlyArray<readonly [string, World.Step["happening"]]> = [
  ["is lost", { do: "bus", at: 0, fault: "lost", times: 1 }],
  ["cannot be heard", { do: "cut", at: 0, how: "deaf" }],
  ["goes to a subscription that was forgotten", { do: "cut", at: 0, how: "forgotten" }]
]

describe("World / the scenario of a path", () => {
  it("is the one that was found, when it was made shorter too", () => {
    const property = FastCheck.property(World.scenario(60), ({ steps }) => steps.length < 5)
    const { counterexample, counterexamplePath } = FastCheck.check(property, { seed: 5, numRuns: 20 })
    const [first] = counterexamplePath!.split(":")
    expect(counterexample![0].steps).toHaveLength(5)
    expect(World.find({ seed: 5, path: counterexamplePath! })).toEqual(Option.some(counterexample![0]))
    expect(World.find({ seed: 5, path: first! })).not.toEqual(Option.some(counterexample![0]))
  })

  it("is none where the path leads nowhere", () => {
    expect(World.find({ seed: 5, path: "19:99999" })).toEqual(Option.none())
  })
})

describe("World / a history", () => {
  it.effect("is the same for the same scenario, to the last message", () =>
    Effect.gen(function* () {
      const steps = [get(0, 0), get(0, 1), change(300, 0), get(1, 1), get(1_000, 0)]
      const one = yield* run(steps)
      const other = yield* run(steps)
      expect(one.lines.length).toBeGreaterThan(20)
      expect(other.lines).toEqual(one.lines)
    })
  )

  it.effect.each(unheard)(
    "an invalidation whose message %s is old news elsewhere for a while, and no violation",
    ([, happening]) =>
      Effect.gen(function* () {
        for (const carried of [true, false]) {
          const steps = [get(0, 0), { wait: 20, happening }, change(0, 1), get(1_000, 0), get(3_900, 0)]
          const { tally, what } = yield* run(steps, { carried })
          expect(what).toBe(undefined)
          expect(tally.staleness.missed).toBeGreaterThan(900)
          expect(tally.staleness.missed).toBeLessThan(4_000)
        }
      })
  )

  it.effect("time passes by no clock but its own", () =>
    Effect.gen(function* () {
      const { tally } = yield* run([get(0, 0), get(3_600_000, 0)])
      expect(tally.millis).toBeGreaterThan(3_600_000)
      expect(tally.answers).toBeGreaterThan(2)
    })
  )

  it.effect("an instance that crashes stops at once, and is there again later", () =>
    Effect.gen(function* () {
      const slow: World.Step = { wait: 0, happening: { do: "database", id: 0, before: 0, after: 1_500, fails: false } }
      const crash: World.Step = { wait: 100, happening: { do: "crash", at: 0, millis: 300 } }
      const { lines, tally, what } = yield* run([slow, get(0, 0), crash, get(1_000, 0)])
      expect(what).toBe(undefined)
      expect(tally.faults.get("instance crashes")).toBe(1)
      expect(lines.filter((line) => line.includes("0: answers 0 with 0"))).toEqual([])
      expect(lines.filter((line) => line.includes("0: answers 0 with 1")).length).toBeGreaterThan(0)
    })
  )

  it.effect("leaves no fiber behind, of an instance that crashed neither", () =>
    Effect.gen(function* () {
      const before = Fiber.unsafeRoots().length
      const slow: World.Step = { wait: 0, happening: { do: "database", id: 0, before: 0, after: 1_500, fails: false } }
      const away: World.Step = {
        wait: 0,
        happening: { do: "store", at: 0, fault: "vanishes", on: "fences", times: 5 }
      }
      const crash: World.Step = { wait: 100, happening: { do: "crash", at: 0, millis: 300 } }
      const { what } = yield* run([slow, get(0, 0), away, change(0, 0), crash])
      expect([what, Fiber.unsafeRoots().length]).toEqual([undefined, before])
    })
  )
})

describe("World / a simulation", () => {
  it("no scenario has more steps than were asked for", () => {
    const longest = FastCheck.sample(World.scenario(9), { numRuns: 200, seed: 1 }).map(({ steps }) => steps.length)
    expect(Math.max(...longest)).toBe(9)
  })

  it.effect("tries the same for the same seed", () =>
    Effect.gen(function* () {
      const one = yield* World.simulate({ seed: 7, runs: 5 })
      expect(yield* World.simulate({ seed: 7, runs: 5 })).toEqual(one)
      expect(one.tally.runs).toBe(5)
      expect((yield* World.simulate({ seed: 8, runs: 5 })).tally).not.toEqual(one.tally)
    })
  )

  /** The seed that is printed is all it takes to see the same again: `pnpm simulate --seed … --path …`. */
  const holds = (name: string, seed: number) =>
    it.effect(
      `no answer is older than it may be, and nothing is left in the end, from a seed ${name}: ${seed}`,
      () =>
        Effect.gen(function* () {
          const { tally, violation } = yield* World.simulate({ seed, runs: 200 })
          expect(violation === undefined ? "" : World.explain(violation)).toBe("")
          // What never happens cannot go wrong.
          expect([...tally.faults.values()].every((times) => times > 0)).toBe(true)
          expect(tally.faults.size).toBeGreaterThan(15)
          expect(tally.staleness.missed).toBeGreaterThan(0)
        }),
      120_000
    )
  holds("that is fixed", 20_261)
  holds("of chance", Math.floor(performance.now() * 1e6) % 0x7fffffff)
})
