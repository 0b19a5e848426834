/**
 * Tags that the lookup learnt after its lease was granted (rule R9): was one of them fenced in between? Its epoch
 * tells, or the counter, when the epoch is missing.
 */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, type Case, type Subject } from "./subject.js"

/** The same rule holds for fills and for commits. */
const ways: ReadonlyArray<
  readonly [
    string,
    (s: Subject) => Effect.Effect<(learntTags: ReadonlyArray<string>) => Effect.Effect<string, unknown>, unknown>
  ]
> = [
  ["fill", (s) => Effect.map(s.granted(), (lease) => (learntTags) => s.fill(lease, { learntTags }))],
  [
    "commit",
    (s) =>
      Effect.map(
        s.capture(),
        (capture) => (learntTags) => Effect.map(s.commit(capture, { learntTags }), ({ outcome }) => outcome)
      )
  ]
]

const casesOf = ([way, begin]: (typeof ways)[number]): ReadonlyArray<Case> => [
  test(`${way}: a learnt tag without an epoch gets one, while no fence fell`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const finish = yield* begin(s)
      expect(yield* finish([learnt])).toBe("Stored")
      expect(yield* s.verdict()).toBe("Current")
      const { epochs } = yield* s.read()
      expect(epochs.tags.has(learnt)).toBe(true)
      yield* s.invalidate({ tags: [learnt] })
      yield* s.gone()
    })),
  test(`${way}: a learnt tag that was not touched since is stamped as it is`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const other = yield* s.put({ key: s.name("other"), tags: [learnt] })
      const finish = yield* begin(s)
      expect(yield* finish([learnt])).toBe("Stored")
      const { found } = yield* s.read()
      expect(found).toMatchObject({ stamps: { tags: other.stamps.tags } })
      expect(yield* s.verdict({ key: s.name("other") })).toBe("Current")
    })),
  test(`${way}: a learnt tag fenced before the beginning is no obstacle`, (s) =>
    Effect.gen(function* () {
      const [invalidated, expired] = [s.name("invalidated"), s.name("expired")]
      yield* s.put({ key: s.name("other"), tags: [invalidated, expired] })
      yield* s.invalidate({ tags: [invalidated] })
      yield* s.expire({ tags: [expired] })
      const finish = yield* begin(s)
      expect(yield* finish([invalidated, expired])).toBe("Stored")
      expect(yield* s.verdict()).toBe("Current")
    })),
  test(`${way}: a learnt tag that somebody else made meanwhile, without a fence, is no obstacle`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const finish = yield* begin(s)
      yield* s.put({ key: s.name("other"), tags: [learnt] })
      expect(yield* finish([learnt])).toBe("Stored")
      expect(yield* s.verdict()).toBe("Current")
    })),
  test(`${way}: a learnt tag invalidated meanwhile refuses`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      yield* s.put({ key: s.name("other"), tags: [learnt] })
      const finish = yield* begin(s)
      yield* s.invalidate({ tags: [learnt] })
      expect(yield* finish([learnt])).toBe("Refused")
      yield* s.gone()
    })),
  test(`${way}: a learnt tag invalidated meanwhile and made again by another refuses`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const finish = yield* begin(s)
      yield* s.invalidate({ tags: [learnt] })
      yield* s.put({ key: s.name("other"), tags: [learnt] })
      expect(yield* finish([learnt])).toBe("Refused")
      yield* s.gone()
    })),
  test(`${way}: a learnt tag expired meanwhile refuses`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      yield* s.put({ key: s.name("other"), tags: [learnt] })
      const finish = yield* begin(s)
      yield* s.expire({ tags: [learnt] })
      expect(yield* finish([learnt])).toBe("Refused")
      yield* s.gone()
    })),
  test(`${way}: a learnt tag without an epoch refuses when any fence fell meanwhile, and has one for the next`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const finish = yield* begin(s)
      yield* s.invalidate({ keys: [s.name("unrelated")] })
      expect(yield* finish([learnt])).toBe("Refused")
      yield* s.gone()
      expect((yield* s.read({ tags: [learnt] })).epochs.tags.has(learnt)).toBe(true)
      const again = yield* begin(s)
      yield* s.invalidate({ keys: [s.name("unrelated")] })
      expect(yield* again([learnt])).toBe("Stored")
    })),
  test(`${way}: one fenced tag among several learnt ones refuses`, (s) =>
    Effect.gen(function* () {
      const learnt = ["a", "b", "c"].map((name) => s.name(name))
      yield* s.put({ key: s.name("other"), tags: learnt })
      const finish = yield* begin(s)
      yield* s.invalidate({ tags: [learnt[1]!] })
      expect(yield* finish(learnt)).toBe("Refused")
      yield* s.gone()
    })),
  test(`${way}: a new era meanwhile refuses, whatever the counts say`, (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const finish = yield* begin(s)
      yield* s.invalidate({ everything: true })
      yield* s.put({ key: s.name("other"), tags: [learnt] })
      expect(yield* finish([learnt])).toBe("Refused")
      yield* s.gone()
    }))
]

export const cases: ReadonlyArray<Case> = [
  ...ways.flatMap(casesOf),
  test("a fill refused for a learnt tag gives its lease back", (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      const lease = yield* s.granted()
      yield* s.invalidate({ tags: [learnt] })
      expect(yield* s.fill(lease, { learntTags: [learnt] })).toBe("Refused")
      yield* s.granted()
    })),
  test("a tag declared and learnt is judged by its stamp of the lease", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const lease = yield* s.granted({ tags: [tag] })
      yield* s.invalidate({ keys: [s.name("unrelated")] })
      expect(yield* s.fill(lease, { learntTags: [tag] })).toBe("Stored")
      expect((yield* s.read()).found).toMatchObject({ stamps: lease.stamps })
    }))
]
