import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as recents from "../src/internal/recent.js"

const request = (keys: ReadonlyArray<string>, tags: ReadonlyArray<string> = []) => ({
  keys: keys.map((key) => ({ key, shapes: ["s"] })),
  tags
})

describe("recent", () => {
  it("holds what was added within the window, each name once, as one request", () => {
    const recent = recents.make(100, 1_000)
    expect(recent.all(0)).toBeUndefined()
    recent.add(request(["a", "b"], ["t"]), 0)
    recent.add(request(["a"]), 500)
    expect(recent.all(999)).toEqual(request(["b", "a"], ["t"]))
    expect(recent.all(1_000)).toEqual(request(["a"]))
    expect(recent.all(1_500)).toBeUndefined()
  })

  it("a key and a tag of one name are two", () => {
    const recent = recents.make(100, 1_000)
    recent.add(request(["x"]), 0)
    recent.add(request([], ["x"]), 1)
    expect(recent.all(2)).toEqual(request(["x"], ["x"]))
  })

  it("everything is everything, for as long as it is recent", () => {
    const recent = recents.make(100, 1_000)
    recent.add({ keys: [], tags: [], everything: true }, 0)
    recent.add(request(["a"]), 500)
    expect(recent.all(999)).toEqual({ keys: [], tags: [], everything: true })
    expect(recent.all(1_000)).toEqual(request(["a"]))
  })

  it("what is told again keeps its time, unless that is over or it was forgotten", () => {
    const recent = recents.make(100, 1_000)
    const all = { ...request(["a"], ["t"]), everything: true }
    recent.add(request(["a"], ["t"]), 0)
    recent.again(request(["a", "b"], ["t"]), 500)
    expect(recent.all(1_000)).toEqual(request(["b"]))
    recent.again(request(["a"]), 1_000)
    expect(recent.all(1_500)).toEqual(request(["a"]))
    recent.forget(request(["a"]))
    recent.again(request(["a"]), 1_900)
    expect(recent.all(2_800)).toEqual(request(["a"]))
    recent.add(all, 3_000)
    recent.again(all, 3_500)
    expect(recent.all(4_000)).toBeUndefined()
    recent.forget(all)
    recent.again(all, 4_000)
    expect(recent.all(4_999)).toMatchObject({ everything: true })
  })

  it("beyond its bound forgets the oldest", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.integer({ min: 0, max: 9 })), (names) => {
        const recent = recents.make(4, Infinity)
        names.forEach((name, at) => recent.add(request([String(name)]), at))
        const latest = [...new Set(names.toReversed())].slice(0, 4).toReversed().map(String)
        expect(recent.all(names.length)?.keys.map(({ key }) => key) ?? []).toEqual(latest)
      })
    )
  })
})
