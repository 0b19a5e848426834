import { describe, expect, it } from "@effect/vitest"
import * as Store from "@larder/cache/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as StoreSuite from "../src/StoreSuite.js"
import { brokenStores } from "./support/brokenStores.js"

StoreSuite.suite("memory", Store.layerMemory, { advance: TestClock.adjust })

describe("StoreSuite", () => {
  it("names each case once", () => {
    const names = StoreSuite.cases.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  describe.each(brokenStores)("a store that $name", ({ caughtBy, wrap }) => {
    const broken = Layer.effect(
      Store.Store,
      Effect.map(Store.Store, (store) => ({ ...store, ...wrap(store) }))
    ).pipe(Layer.provide(Store.layerMemory))
    it.effect.each(caughtBy)("is caught by: %s", (name) =>
      Effect.gen(function* () {
        const found = StoreSuite.cases.find((one) => one.name === name)
        expect(found, "there is a case of this name").toBeDefined()
        expect((yield* Effect.exit(Effect.provide(found!.run, broken)))._tag).toBe("Failure")
      })
    )
  })
})
