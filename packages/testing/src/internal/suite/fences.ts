/** Invalidations and expirations: what was made before is never answered again, or is stale; nothing is lost. */
import * as Epoch from "@larder/cache/Epoch"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case } from "./subject.js"

export const cases: ReadonlyArray<Case> = [
  test("an invalidated key is gone, and its neighbour is not", (s) =>
    Effect.gen(function* () {
      const other = s.name("other")
      yield* s.put()
      yield* s.put({ key: other })
      yield* s.invalidate({ keys: [s.key] })
      yield* s.gone()
      expect(yield* s.verdict({ key: other })).toBe("Current")
    })),
  test("the shapes named by an invalidation are freed at once, and the others are invalid all the same", (s) =>
    Effect.gen(function* () {
      yield* s.put({ shape: "known" })
      yield* s.put({ shape: "unknown" })
      yield* s.invalidate({ keys: [s.key], shapes: ["known"] })
      expect((yield* s.read({ shape: "known" })).found._tag).toBe("Absent")
      yield* s.gone({ shape: "unknown" })
      // The epoch that the next lookup makes must not be one that the forgotten value carries.
      yield* s.put({ shape: "known" })
      yield* s.gone({ shape: "unknown" })
    })),
  test("what carries an invalidated tag is gone, declared or learnt, and the rest is not", (s) =>
    Effect.gen(function* () {
      const [declared, learnt, without] = [s.name("declared"), s.name("learnt"), s.name("without")]
      const [tag, other] = [s.name("tag"), s.name("other")]
      yield* s.put({ key: declared, tags: [tag, other] })
      yield* s.put({ key: learnt, tags: [other], learntTags: [tag] })
      yield* s.put({ key: without, tags: [other] })
      yield* s.invalidate({ tags: [tag] })
      yield* s.gone({ key: declared, tags: [tag, other] })
      yield* s.gone({ key: learnt, tags: [other] })
      expect(yield* s.verdict({ key: without, tags: [other] })).toBe("Current")
    })),
  test("what an invalidation killed stays dead after its tag and key have new epochs", (s) =>
    Effect.gen(function* () {
      const [one, two, tag] = [s.name("one"), s.name("two"), s.name("tag")]
      const before = yield* s.put({ key: one, tags: [tag] })
      yield* s.invalidate({ tags: [tag] })
      const after = yield* s.put({ key: two, tags: [tag] })
      expect(after.stamps.tags).not.toEqual(before.stamps.tags)
      yield* s.gone({ key: one, tags: [tag] })
      expect(yield* s.verdict({ key: two, tags: [tag] })).toBe("Current")
    })),
  test("an invalidated key filled again is current, under another epoch and id", (s) =>
    Effect.gen(function* () {
      const before = yield* s.put({ bytes: utf8("old") })
      yield* s.invalidate({ keys: [s.key] })
      const after = yield* s.put({ bytes: utf8("new") })
      expect(Epoch.hard(after.stamps.key)).not.toBe(Epoch.hard(before.stamps.key))
      expect((yield* s.read()).found).toMatchObject({ id: after.token, bytes: utf8("new") })
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("an expired key is stale, not gone, keeps the hard half of its epoch, and is current once filled again", (s) =>
    Effect.gen(function* () {
      const { stamps, token } = yield* s.put({ bytes: utf8("old") })
      yield* s.expire({ keys: [s.key] })
      const answer = yield* s.read()
      expect(answer.found).toMatchObject({ _tag: "Stored", bytes: utf8("old") })
      expect(Epoch.hard(answer.epochs.key!)).toBe(Epoch.hard(stamps.key))
      expect(yield* s.verdict()).toBe("Expired")
      expect(yield* s.fill(yield* s.granted({ seen: token }))).toBe("Stored")
      expect(yield* s.verdict()).toBe("Current")
    })),
  test("what carries an expired tag is stale, declared or learnt, and the rest is current", (s) =>
    Effect.gen(function* () {
      const [declared, learnt, without, tag] = [s.name("declared"), s.name("learnt"), s.name("without"), s.name("tag")]
      yield* s.put({ key: declared, tags: [tag] })
      yield* s.put({ key: learnt, learntTags: [tag] })
      yield* s.put({ key: without })
      yield* s.expire({ tags: [tag] })
      expect(yield* s.verdict({ key: declared, tags: [tag] })).toBe("Expired")
      expect(yield* s.verdict({ key: learnt })).toBe("Expired")
      expect(yield* s.verdict({ key: without })).toBe("Current")
    })),
  test("every shape of an expired key is stale", (s) =>
    Effect.gen(function* () {
      yield* s.put({ shape: "known" })
      yield* s.put({ shape: "unknown" })
      yield* s.expire({ keys: [s.key], shapes: ["known"] })
      expect(yield* s.verdict({ shape: "known" })).toBe("Expired")
      expect(yield* s.verdict({ shape: "unknown" })).toBe("Expired")
    })),
  test("two expirations are as stale as one, and each is another epoch", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      yield* s.put({ tags: [tag] })
      yield* s.expire({ tags: [tag] })
      const once = yield* s.read({ tags: [tag] })
      yield* s.expire({ tags: [tag] })
      const twice = yield* s.read({ tags: [tag] })
      expect(twice.epochs.tags.get(tag)).not.toBe(once.epochs.tags.get(tag))
      expect(yield* s.verdict({ tags: [tag] })).toBe("Expired")
    })),
  test("an expiry brings nothing back that was invalidated, and makes no epoch where there is none", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      yield* s.put({ tags: [tag] })
      yield* s.invalidate({ keys: [s.key], tags: [tag] })
      yield* s.expire({ keys: [s.key], tags: [tag] })
      yield* s.gone({ tags: [tag] })
      const { epochs } = yield* s.read({ tags: [tag] })
      expect(epochs.key).toBeUndefined()
      expect(epochs.tags.size).toBe(0)
    })),
  test("an invalidation after an expiry is an invalidation", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      yield* s.put({ tags: [tag] })
      yield* s.expire({ keys: [s.key], tags: [tag] })
      yield* s.invalidate({ tags: [tag] })
      yield* s.gone({ tags: [tag] })
    })),
  test("every invalidation, expiry and commit raises the counter that a read answers, of unknown names too", (s) =>
    Effect.gen(function* () {
      const start = yield* s.granted({ key: s.name("other") })
      const counters = [
        start.counter,
        yield* s.invalidate({}),
        yield* s.invalidate({ keys: [s.key], tags: [s.name("tag")] }),
        yield* s.expire({}),
        yield* s.expire({ keys: [s.key], tags: [s.name("tag")] }),
        (yield* s.commit(yield* s.capture())).counter
      ]
      for (const [i, counter] of counters.slice(1).entries()) {
        expect(counter.era).toBe(start.counter.era)
        expect(counter.n).toBeGreaterThan(counters[i]!.n)
      }
      expect((yield* s.read()).epochs.counter).toEqual(counters.at(-1))
    })),
  test("reading, leasing, filling, renewing, releasing and capturing do not raise the counter", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted({ tags: [s.name("tag")] })
      yield* s.renew(lease)
      yield* s.fill(lease, { learntTags: [s.name("learnt")] })
      yield* s.release(yield* s.granted({ seen: "*" }))
      yield* s.capture()
      expect((yield* s.read()).epochs.counter).toEqual(lease.counter)
    })),
  test("of twenty invalidations of one tag at once none is lost", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const { counter } = yield* s.put({ tags: [tag] })
      const after = yield* Effect.all(
        Array.from({ length: 20 }, () => s.invalidate({ tags: [tag] })),
        { concurrency: "unbounded" }
      )
      expect(new Set(after.map(({ n }) => n)).size).toBe(20)
      expect(Math.max(...after.map(({ n }) => n))).toBe(counter.n + 20)
      yield* s.gone({ tags: [tag] })
    })),
  test("of twenty expirations of one key and tag at once each counts, and the last is the one that stands", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const { stamps } = yield* s.put({ tags: [tag] })
      const after = yield* Effect.all(
        Array.from({ length: 20 }, () => s.expire({ keys: [s.key], tags: [tag] })),
        { concurrency: "unbounded" }
      )
      const counts = after.map(({ n }) => n)
      expect(new Set(counts).size).toBe(20)
      const { epochs } = yield* s.read({ tags: [tag] })
      // A tag's count is compared with that of a lease; a key's is nobody's business.
      expect(Epoch.changedAt(epochs.tags.get(tag)!).n).toBe(Math.max(...counts))
      expect(epochs.key).not.toBe(stamps.key)
      expect(Epoch.hard(epochs.key!)).toBe(Epoch.hard(stamps.key))
      expect(yield* s.verdict({ tags: [tag] })).toBe("Expired")
    })),
  test("a fill and an invalidation at once: whichever comes first, nothing is answered after both", (s) =>
    Effect.forEach(
      Array.from({ length: 20 }, (_, i) => s.name(`k${i}`)),
      (key, i) =>
        Effect.gen(function* () {
          const lease = yield* s.granted({ key, tags: [key] })
          const fence = s.invalidate(i % 2 === 0 ? { keys: [key] } : { tags: [key] })
          const fill = s.fill(lease)
          yield* Effect.all(i % 4 < 2 ? [fill, fence] : [fence, fill], { concurrency: "unbounded" })
          yield* s.gone({ key, tags: [key] })
        })
    )),
  test("everything: each value, lease and capture from before is void, and the next era works", (s) =>
    Effect.gen(function* () {
      const [other, third, tag] = [s.name("other"), s.name("third"), s.name("tag")]
      const before = yield* s.put({ tags: [tag] })
      const lease = yield* s.granted({ key: other, tags: [tag] })
      const capture = yield* s.capture({ key: third, tags: [tag] })
      const counter = yield* s.invalidate({ everything: true })
      expect(counter.era).not.toBe(before.counter.era)
      yield* s.gone({ tags: [tag] })
      expect(yield* s.renew(lease)).toBe(false)
      yield* s.granted({ key: other })
      expect(yield* s.fill(lease)).toBe("Refused")
      expect((yield* s.commit(capture)).outcome).toBe("Refused")
      const after = yield* s.put({ tags: [tag] })
      expect(after.counter.era).toBe(counter.era)
      expect(yield* s.verdict({ tags: [tag] })).toBe("Current")
    })),
  test("an expiry of everything is an invalidation of everything", (s) =>
    Effect.gen(function* () {
      const before = yield* s.put()
      expect((yield* s.expire({ everything: true })).era).not.toBe(before.counter.era)
      yield* s.gone()
    })),
  test("an epoch from before everything was invalidated counts as missing, so that its value never returns", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const before = yield* s.put({ tags: [tag], bytes: utf8("old") })
      yield* s.invalidate({ everything: true })
      const after = yield* s.capture({ tags: [tag] })
      expect(after.stamps.key).not.toBe(before.stamps.key)
      expect(after.stamps.tags).not.toEqual(before.stamps.tags)
      yield* s.gone({ tags: [tag] })
    }))
]
