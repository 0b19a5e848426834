/** Many fillers a key: who shares a lease finds nobody busy, and is held to the epochs all the same. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case } from "./subject.js"

const shared = true

export const cases: ReadonlyArray<Case> = [
  test("a shared lease is granted beside one that stands, and a caller who shares nothing finds it busy", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      const first = yield* s.granted({ tags })
      const second = yield* s.granted({ tags, shared })
      expect(second).toEqual(first)
      expect((yield* s.lease({ tags }))._tag).toBe("Busy")
      expect(yield* s.renew(second)).toBe(true)
    })),
  test("of those who share a lease the first to fill stores its value, and the others store nothing", (s) =>
    Effect.gen(function* () {
      const leases = yield* Effect.all(
        Array.from({ length: 10 }, () => s.granted({ shared })),
        { concurrency: "unbounded" }
      )
      expect(yield* s.fill(leases[7]!, { bytes: utf8("first") })).toBe("Stored")
      for (const lease of leases) expect(yield* s.fill(lease, { bytes: utf8("late") })).toBe("Refused")
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("first") })
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("a shared lease is not granted where there is a value that the caller has not refused", (s) =>
    Effect.gen(function* () {
      yield* s.put()
      expect((yield* s.lease({ shared }))._tag).toBe("Found")
      expect((yield* s.lease({ shared, seen: "*" }))._tag).toBe("Granted")
    })),
  test("a lease that is shared after a fence is another one: what began before the fence is not stored", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const before = yield* s.granted({ tags: [tag], shared })
      yield* s.invalidate({ tags: [tag] })
      const after = yield* s.granted({ tags: [tag], shared })
      expect(after.token).not.toBe(before.token)
      expect(yield* s.fill(before, { bytes: utf8("old") })).toBe("Refused")
      expect(yield* s.fill(after, { bytes: utf8("new") })).toBe("Stored")
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("new") })
    })),
  test("who shares a lease after a fence may learn the tag that it fell on", (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      yield* s.granted({ shared })
      yield* s.invalidate({ tags: [learnt] })
      const after = yield* s.granted({ shared })
      expect(yield* s.fill(after, { learntTags: [learnt] })).toBe("Stored")
      expect(yield* s.verdict({ tags: [learnt] })).toBe("Current")
    })),
  test("who shared a lease before a fence may not, though others have shared it after", (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const before = yield* s.granted({ shared })
      yield* s.invalidate({ tags: [learnt] })
      yield* s.granted({ shared })
      expect(yield* s.fill(before, { learntTags: [learnt], bytes: utf8("old") })).toBe("Refused")
      expect(yield* s.verdict({ tags: [learnt] })).toBe("Absent")
    })),
  test("a lease that is shared lasts as long as the last of its holders asked for, and is not cut short", (s) =>
    Effect.gen(function* () {
      yield* s.granted({ leaseMillis: 400 })
      const second = yield* s.granted({ shared })
      yield* s.granted({ leaseMillis: 400, shared })
      yield* s.advance(500)
      expect((yield* s.lease())._tag).toBe("Busy")
      expect(yield* s.fill(second)).toBe("Stored")
    }))
]
