import { describe, expect, it } from "@effect/vitest"
import { CacheKey } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fences from "../src/internal/fences.js"
import { itemOf } from "../src/internal/item.js"
import * as MemoryTier from "../src/MemoryTier.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.Unknown,
  tags: () => ["declared"]
})
const item = itemOf(Key(1))

const content = (encoded: string, extra: Partial<MemoryTier.Content> = {}): MemoryTier.Content => ({
  createdAtMillis: 0,
  expiresAtMillis: 60_000,
  lookupMillis: 1,
  id: "id",
  encoded,
  tags: [...item.tags, "t:learnt"],
  ...extra
})
const encode = (value: unknown) => Effect.runSync(item.codec.encode(value) as Effect.Effect<string>)

const make = (options?: MemoryTier.Options) => {
  const fences = Fences.make(100)
  const memory = MemoryTier.make(fences, options)
  const value = (nowMillis = 1, asked = item) => {
    const view = memory.find(asked, nowMillis)
    return view?.entry?.content._tag === "Right" ? { value: view.entry.content.right } : undefined
  }
  return { fences, memory, value }
}

describe("MemoryTier", () => {
  it("answers what it holds, as the store would", () => {
    const { memory } = make()
    memory.hold(item, content(encode("Ada")), 0, 0)
    expect(memory.find(item, 1)).toMatchObject({
      entry: { content: { right: "Ada" }, createdAtMillis: 0, expiresAtMillis: 60_000, lookupMillis: 1 },
      expired: false,
      id: "id",
      tags: [...item.tags, "t:learnt"]
    })
  })

  it.each([
    ["its own time", { timeToLive: "5 seconds" }, 60_000, 5_000],
    ["its time below", { timeToLive: "5 seconds" }, 2_000, 2_000],
    ["five seconds unless told otherwise", {}, 60_000, 5_000]
  ] as const)("a value is there one millisecond before the end of %s, and gone at that", (_, options, below, end) => {
    const { memory, value } = make(options)
    memory.hold(item, content(encode(1), { expiresAtMillis: below }), 0, 0)
    expect([value(end - 1), value(end)]).toEqual([{ value: 1 }, undefined])
    expect(memory.size()).toBe(0)
  })

  it.each([item.key.id, ...item.tags, "t:learnt"])("a fence on %s ends it, and keeps out what began before", (name) => {
    const { fences, memory, value } = make()
    const before = fences.now()
    memory.hold(item, content(encode(1)), before, 0)
    fences.raise(["something else"])
    expect(value()).toEqual({ value: 1 })
    fences.raise([name])
    expect(value()).toBeUndefined()
    memory.hold(item, content(encode(1)), before, 0)
    expect(value()).toBeUndefined()
    memory.hold(item, content(encode(2)), fences.now(), 0)
    expect(value()).toEqual({ value: 2 })
  })

  it("a fence on everything ends everything", () => {
    const { fences, memory, value } = make()
    memory.hold(item, content(encode(1)), 0, 0)
    fences.raiseAll()
    expect(value()).toBeUndefined()
  })

  it("a fence that fell between two reads of one value is not missed, however many fell beside it", () => {
    const { fences, memory, value } = make()
    memory.hold(item, content(encode(1)), 0, 0)
    fences.raise(["other"])
    expect(value()).toEqual({ value: 1 })
    fences.raise([item.key.id])
    for (let i = 0; i < 500; i++) fences.raise([`other ${i}`])
    expect(value()).toBeUndefined()
  })

  it("who declares a tag that the value does not carry is not answered it", () => {
    const { memory, value } = make()
    memory.hold(item, content(encode(1)), 0, 0)
    const stricter = itemOf(Key(1), { tags: ["more"] })
    expect(stricter.flightId).toBe(item.flightId)
    expect([value(1, stricter), value(1, item)]).toEqual([undefined, { value: 1 }])
  })

  it("by number, the least recently used one gives its place", () => {
    const { memory, value } = make({ maximumEntries: 2 })
    const [a, b, c] = [1, 2, 3].map((id) => itemOf(Key(id)))
    for (const one of [a!, b!]) memory.hold(one, content(encode(1)), 0, 0)
    value(1, a!)
    memory.hold(c!, content(encode(1)), 0, 0)
    expect([value(1, a!), value(1, b!), value(1, c!)]).toEqual([{ value: 1 }, undefined, { value: 1 }])
  })

  it("by weight, as many go as are needed, and what is too heavy is not held", () => {
    const { memory, value } = make({ maximumWeight: 10_000 })
    const items = Array.from({ length: 300 }, (_, id) => itemOf(Key(id)))
    const text = "x".repeat(90)
    for (const one of items) memory.hold(one, content(encode(text)), 0, 0)
    expect(memory.size()).toBeLessThanOrEqual(10_000 / 90)
    expect(memory.size()).toBeGreaterThan(90)
    expect(value(1, items.at(-1)!)).toEqual({ value: text })
    memory.hold(items[0]!, content(encode("x".repeat(101))), 0, 0)
    expect(value(1, items[0]!)).toBeUndefined()
  })

  describe("isolation", () => {
    const list = () => ({ tags: ["a"], nested: { n: 1 } })

    it("copy: what one caller does to its value is not seen by the next", () => {
      const { memory, value } = make()
      memory.hold(item, content(encode(list())), 0, 0)
      const first = value()!.value as ReturnType<typeof list>
      first.nested.n = 2
      first.tags.push("b")
      expect(value()).toEqual({ value: list() })
    })

    it("freeze: every caller gets the same value, and changing it fails through and through", () => {
      const { memory, value } = make({ isolation: "freeze" })
      memory.hold(item, content(encode(list())), 0, 0)
      const first = value()!.value as ReturnType<typeof list>
      expect(value()!.value).toBe(first)
      expect(() => (first.nested.n = 2)).toThrow(TypeError)
      expect(() => first.tags.push("b")).toThrow(TypeError)
    })

    it.each([
      ["a map", new Map([[1, 2]])],
      ["a date in an object", { at: new Date(5) }],
      ["bytes in a list", [Uint8Array.of(1)]],
      ["a set", new Set([1])]
    ])("freeze: %s cannot be frozen, and is copied", (_, original) => {
      const { memory, value } = make({ isolation: "freeze" })
      memory.hold(item, content(encode(original)), 0, 0)
      const first = value()!.value
      expect(first).toEqual(original)
      expect(value()!.value).not.toBe(first)
      expect(Object.isFrozen(first)).toBe(false)
    })

    it("share: every caller gets the same value", () => {
      const { memory, value } = make({ isolation: "share" })
      memory.hold(item, content(encode(list())), 0, 0)
      expect(value()!.value).toBe(value()!.value)
    })
  })
})
