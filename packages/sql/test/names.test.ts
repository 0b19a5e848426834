import { describe, expect, it } from "@effect/vitest"
import type { FenceRequest } from "@larder/cache/Store"
import * as FastCheck from "effect/FastCheck"
import * as Names from "../src/internal/names.js"

const key = (prefix: string, id: number) => ({ key: `V1.${prefix}.id.${id}`, shapes: ["shape"] })
const request = (...keys: ReadonlyArray<FenceRequest["keys"][number]>): FenceRequest => ({ keys, tags: [] })

describe("Transactions / names", () => {
  it("each comes once, in the order of the first time, with every shape it came with", () => {
    const names = Names.make(10)
    names.add({ keys: [key("a", 2), key("a", 1)], tags: ["t:x"] })
    names.add({ keys: [{ ...key("a", 1), shapes: ["other"] }], tags: ["t:w", "t:x"] })
    expect(names.all()).toEqual({
      keys: [key("a", 2), { ...key("a", 1), shapes: ["shape", "other"] }],
      tags: ["t:x", "t:w"]
    })
  })

  it("one name more than the maximum, and the keys become their prefixes", () => {
    const names = Names.make(3)
    names.add(request(key("a", 1), key("b", 1), key("a", 2)))
    expect(names.all().keys).toHaveLength(3)
    names.add(request(key("a", 3)))
    expect(names.all()).toEqual({ keys: [], tags: ["p:a", "p:b"] })
  })

  it("one tag more than the maximum, and it is everything, whatever comes then", () => {
    const names = Names.make(3)
    names.add({ keys: [], tags: ["t:1", "t:2", "t:3"] })
    expect(names.all().everything).toBe(undefined)
    names.add({ keys: [], tags: ["t:4"] })
    names.add({ keys: [key("a", 1)], tags: ["t:5"] })
    expect(names.all()).toEqual({ keys: [], tags: [], everything: true })
  })

  it("everything stays everything", () => {
    const names = Names.make(3)
    names.add({ keys: [], tags: [], everything: true })
    expect(names.all().everything).toBe(true)
  })

  const some = FastCheck.record({
    keys: FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("a", "b", "c"), FastCheck.nat(5))),
    tags: FastCheck.array(FastCheck.constantFrom("t:1", "t:2", "t:3", "t:4"))
  })

  it("forgets nothing, and holds no more than the maximum", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(some), FastCheck.integer({ min: 1, max: 6 }), (requests, maximum) => {
        const names = Names.make(maximum)
        for (const { keys, tags } of requests) names.add({ keys: keys.map(([prefix, id]) => key(prefix, id)), tags })
        const { everything, keys, tags } = names.all()
        expect(keys.length + tags.length).toBeLessThanOrEqual(maximum)
        const covered = (name: string) => everything === true || tags.includes(name)
        for (const one of requests) {
          expect(one.tags.filter((tag) => !covered(tag))).toEqual([])
          const held = keys.map((name) => name.key)
          const lost = one.keys.filter(([prefix, id]) => !held.includes(key(prefix, id).key) && !covered(`p:${prefix}`))
          expect(lost).toEqual([])
        }
      })
    )
  })
})
