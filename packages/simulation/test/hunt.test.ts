/**
 * That the simulation bites: rules of the protocol, each broken in a copy of the cache, are found in a few scenarios.
 * `pnpm simulate:mutants` tries all of them, and takes longer.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Copy from "../src/Copy.js"
import * as Mutant from "../src/Mutant.js"

/** So many scenarios and no more; the same ones on every machine. */
const search = { millis: 120_000, runs: 60, seed: 1 }
const names = [
  "stamps-after-the-lookup",
  "fill-without-its-lease",
  "epoch-compared-by-clock",
  "any-flight-joined",
  "life-stacked"
]

describe("Simulation", () => {
  it.effect.each(names)(
    "finds in a few scenarios that a rule is broken: %s",
    (name) =>
      Effect.gen(function* () {
        const mutant = Mutant.all.find((one) => one.name === name)!
        expect(yield* Copy.hunt(mutant, search)).toMatchObject({ _tag: "Found" })
      }),
    150_000
  )

  it.effect("says so when the text to be replaced is not there", () =>
    Effect.gen(function* () {
      const edits = [{ file: "Epoch.ts", find: "no such text", put: "" }]
      expect(yield* Copy.hunt({ name: "none", breaks: "nothing", edits }, search)).toMatchObject({ _tag: "Failed" })
    })
  )
})
