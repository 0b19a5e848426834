import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as sequence from "../src/internal/sequence.js"

const at = (n: number, era = "e") => ({ era, n })

describe("sequence / the store's count", () => {
  it("begins with what is heard first", () => {
    expect(sequence.make().fence(at(7))).toBe(false)
    expect(sequence.make().beat(at(7))).toBe(false)
  })

  it("misses whatever subset of messages is lost, at the beat after it, and nothing when none is", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.boolean()), (heard) => {
        const one = sequence.make()
        one.beat(at(0))
        const missed = heard.map((isHeard, i) => isHeard && one.fence(at(i + 1)))
        expect([...missed, one.beat(at(heard.length))].some(Boolean)).toBe(heard.includes(false))
        expect(one.beat(at(heard.length))).toBe(false)
      })
    )
  })

  it("what comes twice is no loss; what comes late was missed when it was due, once", () => {
    const one = sequence.make()
    one.beat(at(0))
    expect([1, 1, 3, 2, 4].map((n) => one.fence(at(n)))).toEqual([false, false, true, false, false])
    expect(one.beat(at(4))).toBe(false)
  })

  it("a store that lost its counter, got a first one, or went back has lost something", () => {
    const one = sequence.make()
    one.beat(at(4))
    expect(one.beat(at(4, "other"))).toBe(true)
    expect(one.fence(at(5))).toBe(true)
    expect(one.beat(at(4))).toBe(true)
    expect(one.beat(undefined)).toBe(true)
    expect(one.beat(undefined)).toBe(false)
    expect(one.beat(at(0))).toBe(true)
  })
})

describe("sequence / a count of each sender", () => {
  it("senders are counted by themselves, each from its first", () => {
    const all = sequence.perSender(10)
    expect(all.beat(at(0, "a"))).toBe(false)
    expect(all.fence(at(1, "b"))).toBe(false)
    expect(all.fence(at(1, "a"))).toBe(false)
    expect(all.beat(at(1, "b"))).toBe(false)
    expect(all.fence(at(3, "a"))).toBe(true)
    expect(all.beat(at(2, "b"))).toBe(true)
  })

  it("a sender whose beginning was not heard may have told something", () => {
    expect(sequence.perSender(10).beat(at(1, "a"))).toBe(true)
    expect(sequence.perSender(10).fence(at(2, "a"))).toBe(true)
  })

  it("who counts nothing is not believed, and who was forgotten is taken for one that was missed", () => {
    const all = sequence.perSender(1)
    expect(all.beat(undefined)).toBe(true)
    all.fence(at(1, "a"))
    all.fence(at(1, "b"))
    expect(all.beat(at(1, "a"))).toBe(true)
  })
})
