/** Values come back as they went in, and nobody shares their memory. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case } from "./subject.js"

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

const awkward: ReadonlyArray<readonly [string, Uint8Array]> = [
  ["no bytes at all", new Uint8Array()],
  ["every byte", everyByte],
  ["a single zero byte", Uint8Array.of(0)],
  ["a cut-off UTF-8 sequence", Uint8Array.of(0x61, 0xe2, 0x82)],
  ["text of several scripts", utf8("żółw 漢字 🐢 \u0000 e\u0301 é")],
  ["text that begins with a byte order mark", utf8("\ufeffvalue")],
  ["text that looks like a number", utf8("123")],
  ["text that looks like JSON null", utf8("null")],
  ["text with line breaks and separators", utf8('\r\n1 r a-1-x\n"\\:;, \n')],
  ["base64 text", utf8("AAEC/+8=")]
]

const values = awkward.map(([what, bytes]) =>
  test(`${what}: read back byte for byte, after a fill and after a commit`, (s) =>
    Effect.gen(function* () {
      yield* s.put({ bytes })
      const filled = yield* s.read()
      expect(filled.found).toMatchObject({ _tag: "Stored", bytes })
      yield* s.commit(yield* s.capture(), { bytes })
      const committed = yield* s.read()
      expect(committed.found).toMatchObject({ _tag: "Stored", bytes })
    }))
)

const neighbours = [
  "a",
  "a:v",
  "a:v:shape-1",
  "a:e",
  "a.b",
  "a b",
  "a\nb",
  "*",
  "a?",
  "[a]",
  "%",
  "A",
  "é",
  "e\u0301",
  "漢字",
  "🐢",
  "\u0001"
]

export const cases: ReadonlyArray<Case> = [
  test("a key that was never filled is absent and has no epoch, nor have its tags; reading makes none", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      for (const _ of [1, 2]) {
        const answer = yield* s.read({ tags: [tag] })
        expect(answer.found).toEqual({ _tag: "Absent" })
        expect(answer.epochs.key).toBeUndefined()
        expect(answer.epochs.tags.size).toBe(0)
      }
    })),
  test("a filled value is current, named by its lease and stamped with the lease's epochs", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const lease = yield* s.put({ tags: [tag], bytes: utf8("hello") })
      const answer = yield* s.read({ tags: [tag] })
      expect(answer.found).toEqual({ _tag: "Stored", id: lease.token, bytes: utf8("hello"), stamps: lease.stamps })
      expect(answer.epochs.counter).toEqual(lease.counter)
      expect(yield* s.verdict({ tags: [tag] })).toBe("Current")
    })),
  test("the tags in a value's stamps are answered without being asked for, again and again", (s) =>
    Effect.gen(function* () {
      const [declared, learnt] = [s.name("declared"), s.name("learnt")]
      yield* s.put({ tags: [declared], learntTags: [learnt] })
      for (const _ of [1, 2]) {
        const answer = yield* s.read()
        expect([...answer.epochs.tags.keys()].toSorted()).toEqual([declared, learnt].toSorted())
        expect(yield* s.verdict()).toBe("Current")
      }
    })),
  ...values,
  test(
    "a value of one megabyte is read back byte for byte",
    (s) =>
      Effect.gen(function* () {
        const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) % 251)
        const same = Effect.map(s.read(), ({ found }) => found._tag === "Stored" && Buffer.compare(found.bytes, bytes))
        yield* s.put({ bytes })
        expect(yield* same).toBe(0)
        yield* s.commit(yield* s.capture(), { bytes: bytes.reverse() })
        expect(yield* same).toBe(0)
      }),
    "largeValues"
  ),
  test("keys that differ in one character, or only in how it is composed, are kept apart", (s) =>
    Effect.gen(function* () {
      const keys = neighbours.map((part) => s.name(part))
      for (const key of keys) yield* s.put({ key, bytes: utf8(key) })
      const answers = yield* s.store.read(keys.map((key) => s.reading({ key })))
      expect(
        answers.map(({ found }) => (found._tag === "Stored" ? new TextDecoder().decode(found.bytes) : ""))
      ).toEqual(keys)
    })),
  test("tags that differ in one character are kept apart", (s) =>
    Effect.gen(function* () {
      const tags = neighbours.map((part) => s.name(part))
      for (const tag of tags) yield* s.put({ key: tag, tags: [tag] })
      yield* s.invalidate({ tags: [tags[0]!] })
      yield* s.gone({ key: tags[0]! })
      for (const tag of tags.slice(1)) expect(yield* s.verdict({ key: tag })).toBe("Current")
    })),
  test("a key and a tag of one name have nothing in common", (s) =>
    Effect.gen(function* () {
      yield* s.put()
      yield* s.invalidate({ tags: [s.key] })
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("the shapes of a key hold values of their own under one epoch", (s) =>
    Effect.gen(function* () {
      yield* s.put({ shape: "one", bytes: utf8("1") })
      yield* s.put({ shape: "two", bytes: utf8("2") })
      const [one, two, three] = yield* s.store.read(["one", "two", "three"].map((shape) => s.reading({ shape })))
      expect(one!.found).toMatchObject({ bytes: utf8("1") })
      expect(two!.found).toMatchObject({ bytes: utf8("2") })
      expect(three!.found._tag).toBe("Absent")
      expect(one!.epochs.key).toBe(two!.epochs.key)
    })),
  test("changing the bytes after a fill, after a commit or after a read changes nothing that is stored", (s) =>
    Effect.gen(function* () {
      const given = utf8("filled")
      yield* s.put({ bytes: given })
      given.fill(0)
      const first = yield* s.read()
      expect(first.found).toMatchObject({ bytes: utf8("filled") })
      if (first.found._tag === "Stored") first.found.bytes.fill(0)
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("filled") })

      const set = utf8("set")
      yield* s.commit(yield* s.capture(), { bytes: set })
      set.fill(0)
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("set") })
    })),
  test("a Node buffer is copied as well, though its slices share its memory", (s) =>
    Effect.gen(function* () {
      const given = Buffer.from("filled")
      yield* s.put({ bytes: given })
      given.fill(0)
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("filled") })

      const set = Buffer.from("set")
      yield* s.commit(yield* s.capture(), { bytes: set })
      set.fill(0)
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("set") })
    })),
  test("bytes that are a window into a larger buffer are stored without their surroundings", (s) =>
    Effect.gen(function* () {
      yield* s.put({ bytes: everyByte.subarray(100, 110) })
      expect((yield* s.read()).found).toMatchObject({ bytes: everyByte.slice(100, 110) })
    }))
]
