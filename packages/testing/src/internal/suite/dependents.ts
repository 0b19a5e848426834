/**
 * A key is a tag as well: values that were computed from another key's value carry that key among their tags, and end
 * with it. What such a value was computed from may be older than its lease, and is then judged since an older count.
 */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case, type Subject } from "./subject.js"

const ways: ReadonlyArray<
  readonly [way: string, verdict: "gone" | "Expired", (s: Subject, key: string) => Effect.Effect<unknown, unknown>]
> = [
  ["an invalidation of a key", "gone", (s, key) => s.invalidate({ keys: [key] })],
  ["an expiry of a key", "Expired", (s, key) => s.expire({ keys: [key] })],
  [
    "a commit to a key",
    "gone",
    (s, key) => Effect.flatMap(s.capture({ key }), (capture) => s.commit(capture, { bytes: utf8("set") }))
  ],
  [
    "a commit of nothing to a key",
    "gone",
    (s, key) =>
      Effect.flatMap(s.capture({ key }), (capture) =>
        s.store.commit({ capture, learntTags: [], timeToLiveMillis: 60_000 })
      )
  ]
]

const casesOf = ([way, verdict, fence]: (typeof ways)[number]): ReadonlyArray<Case> => [
  test(`${way} is one of what carries it as a tag`, (s) =>
    Effect.gen(function* () {
      const [inner, other] = [s.name("inner"), s.name("other")]
      yield* s.put({ key: inner })
      yield* s.put({ key: other })
      yield* s.put({ learntTags: [inner] })
      yield* s.put({ key: s.name("declared"), tags: [inner] })
      yield* s.put({ key: s.name("beside"), learntTags: [other] })
      expect(yield* s.verdict()).toBe("Current")
      yield* fence(s, inner)
      if (verdict === "gone") {
        yield* s.gone()
        yield* s.gone({ key: s.name("declared"), tags: [inner] })
      } else expect(yield* s.verdict()).toBe(verdict)
      expect(yield* s.verdict({ key: s.name("beside") })).toBe("Current")
    })),
  test(`${way} between the lease and the fill refuses what carries it as a tag`, (s) =>
    Effect.gen(function* () {
      const inner = s.name("inner")
      yield* s.put({ key: s.name("earlier"), learntTags: [inner] })
      const lease = yield* s.granted()
      yield* fence(s, inner)
      expect(yield* s.fill(lease, { learntTags: [inner] })).toBe("Refused")
    })),
  test(`${way} after an older count refuses a fill that is judged since that count, and one before it does not`, (s) =>
    Effect.gen(function* () {
      const inner = s.name("inner")
      yield* s.put({ key: s.name("earlier"), learntTags: [inner] })
      const before = yield* s.granted({ key: s.name("before") })
      yield* fence(s, inner)
      yield* s.put({ key: s.name("later"), learntTags: [inner] })
      const after = yield* s.granted({ key: s.name("after") })
      yield* s.invalidate({ keys: [s.name("something else")] })
      const lease = yield* s.granted()
      expect(yield* s.fill({ ...lease, counter: before.counter }, { learntTags: [inner] })).toBe("Refused")
      const again = yield* s.granted()
      expect(yield* s.fill({ ...again, counter: after.counter }, { learntTags: [inner] })).toBe("Stored")
      expect(yield* s.verdict()).toBe("Current")
    }))
]

export const cases: ReadonlyArray<Case> = ways.flatMap(casesOf)
