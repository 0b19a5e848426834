import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Lru from "../src/internal/lru.js"

/** A value weighs as much as it is, and one. */
const weigh = (value: number) => value + 1

/** The same in the plainest form: a list of pairs, oldest first. */
const model = (maximum: number, maximumWeight: number) => {
  let pairs: Array<readonly [string, number]> = []
  const without = (key: string) => pairs.filter(([name]) => name !== key)
  const get = (key: string) => {
    const found = pairs.find(([name]) => name === key)
    if (found !== undefined) pairs = [...without(key), found]
    return found?.[1]
  }
  return {
    get,
    set: (key: string, value: number) => {
      pairs = [...without(key), [key, value] as const].slice(-maximum)
      const weight = () => pairs.reduce((sum, [, one]) => sum + weigh(one), 0)
      while (pairs.length > 1 && weight() > maximumWeight) pairs = pairs.slice(1)
    },
    delete: (key: string) => {
      pairs = without(key)
    },
    clear: () => {
      pairs = []
    },
    size: () => pairs.length
  }
}

const key = fc.constantFrom("a", "b", "c", "d", "e", "f")
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("set" as const), key, value: fc.nat(9) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("get" as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), key }) }
)

const bounds = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(1, 5, 12, 25, Infinity))

describe("lru", () => {
  it("answers as a list of pairs in the order of use would", () => {
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 60 }), ([maximum, maximumWeight], steps) => {
        const [real, plain] = [Lru.make<number>(maximum, maximumWeight, weigh), model(maximum, maximumWeight)]
        for (const one of steps) {
          if (one.do === "get") expect(real.get(one.key)).toBe(plain.get(one.key))
          else if (one.do === "delete") [real, plain].forEach((map) => map.delete(one.key))
          else if (one.do === "clear") [real, plain].forEach((map) => map.clear())
          else [real, plain].forEach((map) => map.set(one.key, one.value))
          expect(real.size()).toBe(plain.size())
        }
        for (const name of ["a", "b", "c", "d", "e", "f"]) expect(real.get(name)).toBe(plain.get(name))
      }),
      { numRuns: 500 }
    )
  })
})
