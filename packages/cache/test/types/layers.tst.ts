import { Cache, InvalidationBus, type MemoryTier, RedisBus, type Reporter, Store } from "@larder/cache"
import type * as ConfigError from "effect/ConfigError"
import type * as Either from "effect/Either"
import type * as Layer from "effect/Layer"
import { describe, expect, it } from "tstyche"

describe("Cache / layers: what they ask for", () => {
  it("a store and a reporter, and with a bus the bus", () => {
    expect(Cache.layer).type.toBe<Layer.Layer<Cache.Cache, never, Store.Store | Reporter.Reporter>>()
    expect(Cache.layerWith({ memory: true })).type.toBe<
      Layer.Layer<Cache.Cache, never, Store.Store | Reporter.Reporter>
    >()
    expect(Cache.layerWithBus()).type.toBe<
      Layer.Layer<Cache.Cache, never, Store.Store | Reporter.Reporter | InvalidationBus.InvalidationBus>
    >()
  })

  it("whoever is no bus is none", () => {
    expect(InvalidationBus.layerMemory).type.not.toBeAssignableTo<Layer.Layer<Store.Store>>()
    expect(Store.layerMemory).type.not.toBeAssignableTo<Layer.Layer<InvalidationBus.InvalidationBus>>()
  })

  it("options are typed", () => {
    expect(Cache.layerWithBus).type.toBeCallableWith({ memory: { timeToLive: "1 second" } })
    expect(Cache.layerWithBus).type.not.toBeCallableWith({ memory: { timeToLives: "1 second" } })
    expect<MemoryTier.Options>().type.toBeAssignableFrom<{ isolation: "share" }>()
    expect<MemoryTier.Options>().type.not.toBeAssignableFrom<{ isolation: "shared" }>()
    expect(Cache.layerWith).type.not.toBeCallableWith({ journal: {} })
    expect(Cache.layerWith).type.not.toBeCallableWith({ memory: "on" })
    expect(Cache.layerWith).type.toBeCallableWith({ breaker: { failures: Infinity } })
    expect(Cache.layerWith).type.not.toBeCallableWith({ breaker: 5 })
  })

  it("the words of a bus are typed, and what is checked keeps its type", () => {
    expect(RedisBus.layerWith).type.toBeCallableWith({ bus: "Stream" })
    expect(RedisBus.layerWith).type.not.toBeCallableWith({ bus: "stream" })
    expect(RedisBus.checked({ url: "u", tracking: true })).type.toBe<
      Either.Either<{ url: string; tracking: true }, ConfigError.ConfigError>
    >()
  })
})
