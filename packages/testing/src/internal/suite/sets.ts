/** Capture and commit: a value written past the cache is stored only if nothing happened to it since. */
import * as Epoch from "@larder/cache/Epoch"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case, type Subject } from "./subject.js"

const between: ReadonlyArray<readonly [string, (s: Subject, tag: string) => Effect.Effect<unknown, unknown>]> = [
  ["an invalidation of the key", (s) => s.invalidate({ keys: [s.key] })],
  ["an invalidation of a tag", (s, tag) => s.invalidate({ tags: [tag] })],
  ["an expiry of the key", (s) => s.expire({ keys: [s.key] })],
  ["an expiry of a tag", (s, tag) => s.expire({ tags: [tag] })],
  ["another commit", (s) => Effect.flatMap(s.capture(), (capture) => s.commit(capture, { bytes: utf8("other") }))],
  [
    "a commit of another shape",
    (s) => Effect.flatMap(s.capture({ shape: "other" }), (capture) => s.commit(capture, { bytes: utf8("other") }))
  ]
]

export const cases: ReadonlyArray<Case> = [
  test("a committed value is current, under an epoch of its own", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const capture = yield* s.capture({ tags: [tag] })
      const { counter, outcome } = yield* s.commit(capture, { bytes: utf8("set") })
      expect(outcome).toBe("Stored")
      expect(counter.n).toBeGreaterThan(capture.counter.n)
      const { epochs, found } = yield* s.read({ tags: [tag] })
      expect(found).toMatchObject({ _tag: "Stored", bytes: utf8("set"), stamps: { tags: capture.stamps.tags } })
      expect(epochs.counter).toEqual(counter)
      expect(Epoch.hard(epochs.key!)).not.toBe(Epoch.hard(capture.stamps.key))
      expect(yield* s.verdict({ tags: [tag] })).toBe("Current")
    })),
  test("a committed value can be refused by its id, and is found by others", (s) =>
    Effect.gen(function* () {
      yield* s.commit(yield* s.capture())
      const { found } = yield* s.read()
      expect((yield* s.lease())._tag).toBe("Found")
      yield* s.granted({ seen: found._tag === "Stored" ? found.id : "" })
    })),
  test("a commit replaces a value and what other shapes held", (s) =>
    Effect.gen(function* () {
      yield* s.put({ bytes: utf8("old") })
      yield* s.put({ shape: "other" })
      yield* s.commit(yield* s.capture(), { bytes: utf8("set") })
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("set") })
      yield* s.gone({ shape: "other" })
    })),
  test("a capture takes the epochs as they are, makes those that are missing, and disturbs no lease", (s) =>
    Effect.gen(function* () {
      const [tag, other] = [s.name("tag"), s.name("other")]
      const lease = yield* s.granted({ tags: [tag] })
      const capture = yield* s.capture({ tags: [tag, other] })
      expect(capture).toMatchObject({ key: s.key, shape: "shape-1", counter: lease.counter })
      expect(capture.stamps.key).toBe(lease.stamps.key)
      expect(capture.stamps.tags[0]).toEqual(lease.stamps.tags[0])
      const { epochs } = yield* s.read({ tags: [tag, other] })
      expect([...epochs.tags]).toEqual(capture.stamps.tags)
      expect(yield* s.fill(lease)).toBe("Stored")
      expect(yield* s.verdict({ tags: [tag] })).toBe("Current")
    })),
  test("a fill in between is no obstacle to a commit, and is replaced by it", (s) =>
    Effect.gen(function* () {
      const capture = yield* s.capture()
      yield* s.put({ bytes: utf8("filled") })
      expect((yield* s.commit(capture, { bytes: utf8("set") })).outcome).toBe("Stored")
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("set") })
    })),
  test("a commit without bytes only fences the key", (s) =>
    Effect.gen(function* () {
      yield* s.put()
      const lease = yield* s.granted({ seen: "*" })
      const { capture, store } = { capture: yield* s.capture(), store: s.store }
      const answer = yield* store.commit({ capture, learntTags: [], timeToLiveMillis: 60_000 })
      expect(answer.outcome).toBe("Refused")
      expect(answer.counter.n).toBeGreaterThan(capture.counter.n)
      yield* s.gone()
      expect(yield* s.fill(lease)).toBe("Refused")
      yield* s.granted({ seen: "*" })
    })),
  ...between.map(([what, fence]) =>
    test(`${what} between capture and commit: the value is not stored, and the key is fenced all the same`, (s) =>
      Effect.gen(function* () {
        const tag = s.name("tag")
        const capture = yield* s.capture({ tags: [tag] })
        yield* fence(s, tag)
        // A lookup that began after the fence may still have read from before the write.
        yield* s.put({ tags: [tag], bytes: utf8("read before the write") })
        const before = yield* s.read({ tags: [tag] })
        const { counter, outcome } = yield* s.commit(capture, { bytes: utf8("set") })
        expect(outcome).toBe("Refused")
        expect(counter.n).toBeGreaterThan(before.epochs.counter!.n)
        yield* s.gone({ tags: [tag] })
      }))
  ),
  test("of ten commits from captures of the same moment one is stored, and the later ones leave nothing", (s) =>
    Effect.gen(function* () {
      const captures = yield* Effect.all(Array.from({ length: 10 }, () => s.capture()))
      const answers = yield* Effect.all(
        captures.map((capture) => s.commit(capture)),
        { concurrency: "unbounded" }
      )
      expect(answers.filter(({ outcome }) => outcome === "Stored")).toHaveLength(1)
      yield* s.gone()
    })),
  test("a commit sent twice is refused the second time", (s) =>
    Effect.gen(function* () {
      const capture = yield* s.capture()
      expect((yield* s.commit(capture)).outcome).toBe("Stored")
      expect((yield* s.commit(capture)).outcome).toBe("Refused")
      yield* s.gone()
    }))
]
