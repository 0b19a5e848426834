/**
 * Time. Cases for any clock use waits that a busy machine can only lengthen: what must be gone is waited for well past
 * its end, and what must be there still has a minute.
 */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, type Case } from "./subject.js"

const short = 40
const past = 120
const year = 365 * 86_400_000

export const cases: ReadonlyArray<Case> = [
  ...["fill", "commit"].map((how) =>
    test(
      `after a ${how} a value is there one millisecond before its time to live ends, and gone at that millisecond`,
      (s) =>
        Effect.gen(function* () {
          if (how === "fill") yield* s.put({ timeToLiveMillis: 1_000 })
          else yield* s.commit(yield* s.capture(), { timeToLiveMillis: 1_000 })
          yield* s.advance(999)
          expect(yield* s.verdict()).toBe("Current")
          yield* s.advance(1)
          expect((yield* s.read()).found._tag).toBe("Absent")
          yield* s.advance(1)
          expect((yield* s.read()).found._tag).toBe("Absent")
        }),
      "virtualTime"
    )
  ),
  test(
    "a value with the shortest life, one millisecond, is there until that is over",
    (s) =>
      Effect.gen(function* () {
        yield* s.put({ timeToLiveMillis: 1 })
        expect(yield* s.verdict()).toBe("Current")
        yield* s.advance(1)
        expect((yield* s.read()).found._tag).toBe("Absent")
      }),
    "virtualTime"
  ),
  test("a value with the longest life, a year, is there, after a fill and after a commit", (s) =>
    Effect.gen(function* () {
      yield* s.put({ timeToLiveMillis: year, retainMillis: year })
      expect(yield* s.verdict()).toBe("Current")
      yield* s.commit(yield* s.capture({ retainMillis: year }), { timeToLiveMillis: year })
      yield* s.advance(short)
      expect(yield* s.verdict()).toBe("Current")
    })),
  test(
    "a renewed lease is held one millisecond before its next end, and free at that millisecond",
    (s) =>
      Effect.gen(function* () {
        const lease = yield* s.granted({ leaseMillis: 1_000 })
        yield* s.advance(600)
        expect(yield* s.renew(lease, 1_000)).toBe(true)
        yield* s.advance(999)
        expect((yield* s.lease())._tag).toBe("Busy")
        yield* s.advance(1)
        expect(yield* s.renew(lease)).toBe(false)
        expect((yield* s.lease())._tag).toBe("Granted")
      }),
    "virtualTime"
  ),
  test("a value is gone after its time to live, and one with a longer one is not", (s) =>
    Effect.gen(function* () {
      const other = s.name("other")
      yield* s.put({ timeToLiveMillis: short })
      yield* s.put({ key: other })
      yield* s.advance(past)
      expect((yield* s.read()).found._tag).toBe("Absent")
      expect(yield* s.verdict({ key: other })).toBe("Current")
    })),
  test("a committed value is gone after its time to live, and one with a longer one is not", (s) =>
    Effect.gen(function* () {
      const other = s.name("other")
      yield* s.commit(yield* s.capture(), { timeToLiveMillis: short })
      yield* s.commit(yield* s.capture({ key: other }))
      yield* s.advance(past)
      expect((yield* s.read()).found._tag).toBe("Absent")
      expect(yield* s.verdict({ key: other })).toBe("Current")
    })),
  test("after a value's time to live its key can be leased without having seen it", (s) =>
    Effect.gen(function* () {
      yield* s.put({ timeToLiveMillis: short })
      yield* s.advance(past)
      yield* s.granted()
    })),
  test(
    "a lease is held one millisecond before it ends, and free at that millisecond",
    (s) =>
      Effect.gen(function* () {
        const lease = yield* s.granted({ leaseMillis: 1_000 })
        yield* s.advance(999)
        expect((yield* s.lease())._tag).toBe("Busy")
        yield* s.advance(1)
        expect(yield* s.renew(lease)).toBe(false)
        expect((yield* s.lease())._tag).toBe("Granted")
      }),
    "virtualTime"
  ),
  test("a lease that ended fills nothing and is not renewed, even when nobody else asked", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted({ leaseMillis: short })
      yield* s.advance(past)
      expect(yield* s.renew(lease)).toBe(false)
      expect(yield* s.fill(lease)).toBe("Refused")
      expect((yield* s.read()).found._tag).toBe("Absent")
    })),
  test("after a lease ended another is granted, and the first can neither fill nor release it", (s) =>
    Effect.gen(function* () {
      const first = yield* s.granted({ leaseMillis: short })
      yield* s.advance(past)
      const second = yield* s.granted()
      expect(yield* s.fill(first)).toBe("Refused")
      yield* s.release(first)
      expect((yield* s.lease())._tag).toBe("Busy")
      expect(yield* s.fill(second)).toBe("Stored")
    })),
  test("a renewed lease stands past its first end", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted({ leaseMillis: 400 })
      expect(yield* s.renew(lease)).toBe(true)
      yield* s.advance(500)
      expect((yield* s.lease())._tag).toBe("Busy")
      expect(yield* s.fill(lease)).toBe("Stored")
    })),
  test("the epochs of a value live as long as the value, though they were leased for less", (s) =>
    Effect.gen(function* () {
      const [declared, learnt] = [s.name("declared"), s.name("learnt")]
      // The lease itself must last until the fill on any machine; only the epochs are asked for briefly.
      yield* s.put({ tags: [declared], learntTags: [learnt], retainMillis: 400 })
      yield* s.advance(500)
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("the epochs of a committed value live as long as the value, though they were captured for less", (s) =>
    Effect.gen(function* () {
      const [declared, learnt] = [s.name("declared"), s.name("learnt")]
      const capture = yield* s.capture({ tags: [declared], retainMillis: 400 })
      expect((yield* s.commit(capture, { learntTags: [learnt] })).outcome).toBe("Stored")
      yield* s.advance(500)
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("a shorter lease, capture or value on the same tag does not shorten the life of its epoch", (s) =>
    Effect.gen(function* () {
      const [tag, other] = [s.name("tag"), s.name("other")]
      yield* s.put({ tags: [tag] })
      yield* s.put({ key: other, tags: [tag], timeToLiveMillis: short, retainMillis: 400 })
      yield* s.capture({ key: other, tags: [tag], retainMillis: short })
      yield* s.capture({ tags: [tag], retainMillis: short })
      yield* s.advance(500)
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("marking a tag stale leaves its epoch the life it had", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      yield* s.put({ tags: [tag] })
      yield* s.expire({ keys: [s.key], tags: [tag] })
      yield* s.advance(past)
      expect(yield* s.verdict()).toBe("Expired")
    }))
]
