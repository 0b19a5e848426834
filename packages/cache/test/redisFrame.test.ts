import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as redisFrame from "../src/internal/redisFrame.js"

const utf8 = (text: string) => new TextEncoder().encode(text)
const head = "L1u a-1-x a-0-y t=a-0-y,t%3D1%2C%20=a-0-y.a-1-z\n"

describe("redisFrame", () => {
  it("reads id, epochs, tags and bytes, the same from text and from bytes", () => {
    const expected = {
      id: "a-1-x",
      stamps: {
        key: "a-0-y",
        tags: [
          ["t", "a-0-y"],
          ["t=1, ", "a-0-y.a-1-z"]
        ]
      },
      bytes: utf8("line\nand żółw")
    }
    expect(redisFrame.parse(`${head}line\nand żółw`)).toEqual(expected)
    expect(redisFrame.parse(utf8(`${head}line\nand żółw`))).toEqual(expected)
  })

  it("reads base64 from text and from bytes, and raw bytes from bytes only", () => {
    const bytes = Uint8Array.of(0, 255, 10, 128)
    const base64 = "L1b i k \nAP8KgA=="
    expect(redisFrame.parse(base64)?.bytes).toEqual(bytes)
    expect(redisFrame.parse(utf8(base64))?.bytes).toEqual(bytes)
    const raw = new Uint8Array([...utf8("L1r i k \n"), ...bytes])
    expect(redisFrame.parse(raw)?.bytes).toEqual(bytes)
    expect(redisFrame.parse(new TextDecoder().decode(raw))).toBeUndefined()
  })

  it.each([
    "",
    "\n",
    "hello",
    '{"value":1}',
    "L1u",
    "L1u i k t=e",
    "L2u i k \nvalue",
    "L1x i k \nvalue",
    "L1u  k \nvalue",
    "L1u i k t\nvalue",
    "L1u i k t=\nvalue",
    "L1u i k %E0%A4=e\nvalue",
    "L1u i k t=e, u=e\nvalue",
    "L1b i k \nno base64!"
  ])("takes %j for malformed, as text and as bytes", (text) => {
    expect(redisFrame.parse(text)).toBeUndefined()
    expect(redisFrame.parse(utf8(text))).toBeUndefined()
  })

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        redisFrame.parse(bytes)
        redisFrame.parse(new Uint8Array([...utf8(head.slice(0, -1)), ...bytes]))
        redisFrame.parse(new TextDecoder().decode(bytes))
      })
    )
  })

  it("writes text as it is, and other bytes as base64 or raw, by what the client speaks", () => {
    expect(redisFrame.payload(utf8("\ufeffżółw"), "text")).toEqual({ encoding: "u", content: "\ufeffżółw" })
    expect(redisFrame.payload(utf8("żółw"), "bytes")).toEqual({ encoding: "u", content: utf8("żółw") })
    expect(redisFrame.payload(Uint8Array.of(255), "text")).toEqual({ encoding: "b", content: "/w==" })
    expect(redisFrame.payload(Uint8Array.of(255), "bytes")).toEqual({ encoding: "r", content: Uint8Array.of(255) })
  })

  it("writes any tag without the characters that separate, and reads it back", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }), (tags) => {
        const line = `L1u i k ${tags.map((tag) => `${redisFrame.encodeTag(tag)}=e`).join(",")}\n`
        expect(redisFrame.parse(line)?.stamps.tags).toEqual(tags.map((tag) => [tag, "e"]))
      })
    )
  })

  it("writes half a surrogate pair as the replacement character instead of throwing", () => {
    expect(redisFrame.encodeTag("a\ud83d")).toBe(encodeURIComponent("a\ufffd"))
    expect(redisFrame.encodeTag("🐢")).toBe(encodeURIComponent("🐢"))
  })
})
