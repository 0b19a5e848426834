import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as busWire from "../src/internal/busWire.js"

const texts = Arbitrary.make(Schema.Array(Schema.String).pipe(Schema.maxItems(20)))

const fence = (keys: ReadonlyArray<string>, tags: ReadonlyArray<string> = []): busWire.Fence => ({
  _tag: "Fence",
  origin: "me",
  kind: "invalidate",
  keys,
  tags,
  everything: false
})

describe("busWire", () => {
  it("what was printed is read as it was, whatever the names hold, on one line", () => {
    FastCheck.assert(
      FastCheck.property(
        texts,
        texts,
        FastCheck.constantFrom("invalidate" as const, "expire" as const, "change" as const),
        (keys, tags, kind) => {
          const message = { ...fence(keys, tags), kind }
          const text = `era-7 ${busWire.print(message)}`
          expect(text).not.toMatch(/[\r\n]/)
          expect(busWire.parse(text)).toEqual({ counter: { era: "era", n: 7 }, message })
        }
      )
    )
  })

  it("is pinned", () => {
    const sender = { origin: "me", told: 0 }
    expect(busWire.counted(sender, fence(["k"], ["t"]))).toBe('me-1 {"o":"me","k":["k"],"t":["t"]}')
    expect(busWire.counted(sender, { ...fence(["k"]), kind: "expire" })).toBe('me-2 {"o":"me","k":["k"],"t":[],"s":1}')
    expect(busWire.counted(sender, { _tag: "Beat", origin: "me", number: 3 })).toBe('me-2 {"o":"me","b":3}')
  })

  it("more than 500 names are everything", () => {
    const many = Array.from({ length: 251 }, (_, i) => `name ${i}`)
    expect(busWire.parse(`- ${busWire.print(fence(many, many.slice(1, 250)))}`)?.message).toMatchObject({
      everything: false
    })
    const text = busWire.print(fence(many, many))
    expect(text.length).toBeLessThan(50)
    expect(busWire.parse(`- ${text}`)).toEqual({ counter: undefined, message: { ...fence([]), everything: true } })
  })

  it.each(["", "-", "- ", "- {", "- 3", "- null", "- []", '- {"k":[]}', '- {"o":"me","k":[3]}', '{"o":"me","k":[]}'])(
    "does not read %j",
    (text) => {
      expect(busWire.parse(text)).toBeUndefined()
    }
  )
})
