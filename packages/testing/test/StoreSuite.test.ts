import { describe, expect, it } from "@effect/vitest"
import * as Store from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as StoreSuite from "../src/StoreSuite.js"
import * as Faults from "../src/Faults.js"
import { brokenStores } from "./support/brokenStores.js"
import { instances, type Service } from "./support/instances.js"

const memoryStore = Effect.map(Layer.build(Store.layerMemory), Context.get(Store.Store))

StoreSuite.suite("memory", Store.layerMemory, { advance: TestClock.adjust })

// One memory behind two doors stands for two instances over one server, and for one that is built again.
StoreSuite.suite("memory, opened twice", Store.layerMemory, {
  advance: TestClock.adjust,
  capabilities: { sharedFences: true, survivesRestart: true },
  another: Layer.effect(Store.Store, Store.Store)
})

describe("StoreSuite", () => {
  it("names each case once", () => {
    const names = StoreSuite.cases.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  const caseOf = (name: string) => {
    const found = StoreSuite.cases.find((one) => one.name === name)
    expect(found, "there is a case of this name").toBeDefined()
    return found!.run
  }

  describe.each(brokenStores)("a store that $name", ({ caughtBy, wrap }) => {
    const broken = Layer.effect(
      Store.Store,
      Effect.map(Store.Store, (store) => ({ ...store, ...wrap(store) }))
    ).pipe(Layer.provide(Store.layerMemory))
    it.effect.each(caughtBy)("is caught by: %s", (name) =>
      Effect.gen(function* () {
        expect((yield* Effect.exit(Effect.provide(caseOf(name), broken)))._tag).toBe("Failure")
      })
    )
  })

  describe.each(instances)("stores side by side: one that $name", ({ caughtBy, open }) => {
    it.effect.each(caughtBy)("is caught by: %s", (name) =>
      Effect.gen(function* () {
        const run = (another: Effect.Effect<Service, never, Store.Store | Scope.Scope>) =>
          Effect.gen(function* () {
            const memory = yield* memoryStore
            const over = Effect.provideService(another, Store.Store, memory)
            return yield* caseOf(name).pipe(
              Effect.provideService(StoreSuite.Another, over),
              Effect.provideService(Store.Store, memory),
              Effect.exit
            )
          }).pipe(Effect.scoped)
        // The case itself is in order: a store that is the same one again passes it.
        expect((yield* run(Store.Store))._tag).toBe("Success")
        expect((yield* run(open))._tag).toBe("Failure")
      })
    )
  })

  it.effect("a store that keeps something for ever is caught by: nothing is kept without an end", () =>
    Effect.gen(function* () {
      const name = "nothing is kept without an end, whatever was done"
      const faults = yield* Faults.Faults
      let before: ReadonlyArray<string> = []
      const holding = (names: ReadonlyArray<string>) =>
        caseOf(name).pipe(
          Effect.provideService(
            StoreSuite.Immortal,
            Effect.map(faults.calls, (calls) => {
              before = calls
              return names
            })
          ),
          Effect.exit
        )
      expect((yield* holding([]))._tag).toBe("Success")
      // It asks when each operation was carried out at least once.
      expect(new Set(before).size).toBe(9)
      expect((yield* holding(["larder:c"]))._tag).toBe("Failure")
    }).pipe(Effect.provide(Faults.layer.pipe(Layer.provide(Store.layerMemory))))
  )

  it.effect.each(StoreSuite.cases.filter(({ capability }) => capability === "sharedFences"))(
    "a case that needs another store says so where there is none: $name",
    ({ run }) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.provide(run, Store.layerMemory))
        expect(String(exit)).toContain("StoreSuite.Another")
      })
  )
})
