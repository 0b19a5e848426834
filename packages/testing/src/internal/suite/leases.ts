/** One filler a key: leases are exclusive, fall with the epochs they were granted under, and nobody drops another's. */
import { expect } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { test, utf8, type Case, type Subject } from "./subject.js"

/** Everything that voids a lease granted with one tag. */
const fences: ReadonlyArray<readonly [string, (s: Subject, tag: string) => Effect.Effect<unknown, unknown>]> = [
  ["an invalidation of the key", (s) => s.invalidate({ keys: [s.key] })],
  ["an invalidation of the key under another shape", (s) => s.invalidate({ keys: [s.key], shapes: ["other"] })],
  ["an invalidation of a tag", (s, tag) => s.invalidate({ tags: [tag] })],
  ["an expiry of the key", (s) => s.expire({ keys: [s.key] })],
  ["an expiry of a tag", (s, tag) => s.expire({ tags: [tag] })],
  ["a commit", (s) => Effect.flatMap(s.capture(), (capture) => s.commit(capture))],
  ["a commit of another shape", (s) => Effect.flatMap(s.capture({ shape: "other" }), (capture) => s.commit(capture))]
]

export const cases: ReadonlyArray<Case> = [
  test("while a lease stands the next one asking finds it busy", (s) =>
    Effect.gen(function* () {
      yield* s.granted()
      expect(yield* s.lease()).toEqual({ _tag: "Busy" })
      expect(yield* s.lease({ tags: [s.name("tag")] })).toEqual({ _tag: "Busy" })
      expect(yield* s.lease({ seen: "*" })).toEqual({ _tag: "Busy" })
    })),
  test("of fifty asking at once exactly one is granted the lease", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => s.lease({ tags })),
        { concurrency: "unbounded" }
      )
      expect(answers.filter(({ _tag }) => _tag === "Granted")).toHaveLength(1)
      expect(answers.filter(({ _tag }) => _tag === "Busy")).toHaveLength(49)
    })),
  test("a lease names its key, shape and tags, and the epochs that a read then answers", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("t"), s.name("u")]
      const lease = yield* s.granted({ tags })
      expect(lease).toMatchObject({ key: s.key, shape: "shape-1" })
      expect(lease.stamps.tags.map(([tag]) => tag)).toEqual(tags)
      const { epochs } = yield* s.read({ tags })
      expect(epochs).toEqual({ counter: lease.counter, key: lease.stamps.key, tags: new Map(lease.stamps.tags) })
    })),
  test("epochs that exist are taken as they are, and every grant has a token of its own", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      const first = yield* s.granted({ tags })
      yield* s.release(first)
      const second = yield* s.granted({ tags })
      expect(second.stamps).toEqual(first.stamps)
      expect(second.token).not.toBe(first.token)
    })),
  test("a tag named twice is stamped once", (s) =>
    Effect.gen(function* () {
      const tag = s.name("tag")
      const lease = yield* s.granted({ tags: [tag, tag] })
      expect(lease.stamps.tags.map(([tag]) => tag)).toEqual([tag])
      expect(yield* s.fill(lease, { learntTags: [tag, tag] })).toBe("Stored")
      const { found } = yield* s.read()
      expect(found._tag === "Stored" && found.stamps.tags.map(([tag]) => tag)).toEqual([tag])
    })),
  test("the shapes of a key have leases of their own", (s) =>
    Effect.gen(function* () {
      const one = yield* s.granted({ shape: "one" })
      const two = yield* s.granted({ shape: "two" })
      expect((yield* s.lease({ shape: "one" }))._tag).toBe("Busy")
      yield* s.release(one)
      expect((yield* s.lease({ shape: "two" }))._tag).toBe("Busy")
      expect(yield* s.fill(two)).toBe("Stored")
      expect((yield* s.read({ shape: "one" })).found._tag).toBe("Absent")
    })),
  test("a released lease is free at once", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted()
      yield* s.release(lease)
      expect(yield* s.fill(lease)).toBe("Refused")
      yield* s.granted()
    })),
  test("a lease given back by a lookup that was interrupted is free at once", (s) =>
    Effect.gen(function* () {
      const holding = yield* Deferred.make<void>()
      const lookup = Effect.acquireUseRelease(
        s.granted(),
        () => Effect.zipRight(Deferred.succeed(holding, undefined), Effect.never),
        (lease) => Effect.orDie(s.release(lease))
      )
      const fiber = yield* Effect.fork(lookup)
      yield* Deferred.await(holding)
      expect((yield* s.lease())._tag).toBe("Busy")
      yield* Fiber.interrupt(fiber)
      yield* s.granted()
    })),
  test("operations that are interrupted at any moment leave the store working", (s) =>
    Effect.gen(function* () {
      const { key, name } = s
      const lease = yield* s.granted({ key: name("lease") })
      const capture = yield* s.capture({ key: name("capture") })
      const other = name("other")
      const operations: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        s.read(),
        s.lease({ key: name("busy") }),
        s.fill(lease),
        s.renew(lease),
        s.release(lease),
        s.invalidate({ keys: [other], tags: [other] }),
        s.expire({ keys: [other], tags: [other] }),
        s.capture({ key: other }),
        s.commit(capture)
      ]
      for (let turns = 0; turns < 4; turns++) {
        for (const operation of operations) {
          // Two at once, so that one of them may be waiting for the other.
          const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(operation))
          for (let i = 0; i < turns; i++) yield* Effect.yieldNow()
          yield* Fiber.interruptAll(fibers)
        }
      }
      yield* s.put({ key, bytes: utf8("after") })
      expect((yield* s.read({ key })).found).toMatchObject({ bytes: utf8("after") })
      yield* s.invalidate({ keys: [key] })
      yield* s.gone({ key })
    })),
  test("when its holder is gone, one of those who wait is granted the lease, and the others find its value", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      const waiting = Effect.all(
        Array.from({ length: 10 }, () => s.lease({ tags })),
        { concurrency: "unbounded" }
      )
      const tally = Effect.map(waiting, (answers) => answers.map(({ _tag }) => _tag).toSorted())
      const [one, nine] = [["Busy"], Array.from({ length: 9 }, () => "Busy")]
      const gone = yield* s.granted({ tags })
      expect(yield* tally).toEqual([...one, ...nine])
      yield* s.release(gone)
      const answers = yield* waiting
      expect(answers.map(({ _tag }) => _tag).toSorted()).toEqual([...nine, "Granted"])
      const next = answers.find((answer) => answer._tag === "Granted")
      if (next?._tag === "Granted") expect(yield* s.fill(next.lease, { bytes: utf8("elected") })).toBe("Stored")
      for (const answer of yield* waiting) {
        expect(answer).toMatchObject({ _tag: "Found", answer: { found: { bytes: utf8("elected") } } })
      }
    })),
  test("a release, a renewal or a fill with a lease that was given back leaves the next holder's alone", (s) =>
    Effect.gen(function* () {
      const first = yield* s.granted()
      yield* s.release(first)
      const second = yield* s.granted()
      yield* s.release(first)
      expect(yield* s.renew(first)).toBe(false)
      expect(yield* s.fill(first)).toBe("Refused")
      expect((yield* s.lease())._tag).toBe("Busy")
      expect(yield* s.fill(second)).toBe("Stored")
    })),
  test("a fill without a lease stores nothing", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted()
      expect(yield* s.fill({ ...lease, token: `${lease.token}x` })).toBe("Refused")
      expect((yield* s.read()).found._tag).toBe("Absent")
      expect((yield* s.lease())._tag).toBe("Busy")
    })),
  test("a lease fills once", (s) =>
    Effect.gen(function* () {
      const lease = yield* s.granted()
      expect(yield* s.fill(lease, { bytes: utf8("first") })).toBe("Stored")
      expect(yield* s.fill(lease, { bytes: utf8("second") })).toBe("Refused")
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("first") })
    })),
  test("whoever asks without having seen the stored value gets it instead of a lease, with the epochs", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      yield* s.put({ tags, bytes: utf8("there") })
      const read = yield* s.read({ tags })
      expect(yield* s.lease({ tags })).toEqual({ _tag: "Found", answer: read })
      expect(yield* s.lease({ tags, seen: "another" })).toEqual({ _tag: "Found", answer: read })
    })),
  test("the value found by a lease brings the epochs of its own tags", (s) =>
    Effect.gen(function* () {
      const learnt = s.name("learnt")
      yield* s.put({ learntTags: [learnt] })
      const answer = yield* s.lease()
      expect(answer._tag === "Found" && [...answer.answer.epochs.tags.keys()]).toEqual([learnt])
    })),
  test("whoever refuses the stored value by its id, or any value, is granted the lease", (s) =>
    Effect.gen(function* () {
      const { token } = yield* s.put()
      yield* s.release(yield* s.granted({ seen: token }))
      yield* s.granted({ seen: "*" })
    })),
  test("whoever refuses a value that was replaced meanwhile gets the one that replaced it", (s) =>
    Effect.gen(function* () {
      const old = yield* s.put({ bytes: utf8("old") })
      yield* s.put({ bytes: utf8("new") })
      expect(yield* s.lease({ seen: old.token })).toMatchObject({
        _tag: "Found",
        answer: { found: { bytes: utf8("new") } }
      })
    })),
  test("a value stays readable while another is being made, and is then replaced", (s) =>
    Effect.gen(function* () {
      yield* s.put({ bytes: utf8("old") })
      const lease = yield* s.granted({ seen: "*" })
      expect((yield* s.read()).found).toMatchObject({ bytes: utf8("old") })
      expect(yield* s.fill(lease, { bytes: utf8("new") })).toBe("Stored")
      expect((yield* s.read()).found).toMatchObject({ id: lease.token, bytes: utf8("new") })
    })),
  ...fences.map(([what, fence]) =>
    test(`${what} voids the lease: another is granted, and the first neither fills, renews nor releases`, (s) =>
      Effect.gen(function* () {
        const tag = s.name("tag")
        const first = yield* s.granted({ tags: [tag] })
        yield* fence(s, tag)
        expect(yield* s.renew(first)).toBe(false)
        const second = yield* s.granted({ tags: [tag], seen: "*" })
        expect(second.stamps).not.toEqual(first.stamps)
        yield* s.release(first)
        expect((yield* s.lease({ tags: [tag], seen: "*" }))._tag).toBe("Busy")
        expect(yield* s.fill(first, { bytes: utf8("late") })).toBe("Refused")
        expect(yield* s.fill(second, { bytes: utf8("next") })).toBe("Stored")
        expect((yield* s.read()).found).toMatchObject({ bytes: utf8("next") })
        expect(yield* s.verdict({ tags: [tag] })).toBe("Current")
      }))
  ),
  ...fences.map(([what, fence]) =>
    test(`${what} while a lookup runs: its fill, the next thing to happen, stores nothing`, (s) =>
      Effect.gen(function* () {
        const tag = s.name("tag")
        const lease = yield* s.granted({ tags: [tag] })
        yield* fence(s, tag)
        expect(yield* s.fill(lease, { bytes: utf8("late") })).toBe("Refused")
        const { found } = yield* s.read()
        if (found._tag === "Stored") expect(found.bytes).not.toEqual(utf8("late"))
      }))
  ),
  test("a fence on something else leaves a lease standing", (s) =>
    Effect.gen(function* () {
      const tags = [s.name("tag")]
      const lease = yield* s.granted({ tags })
      yield* s.invalidate({ keys: [s.name("other")], tags: [s.name("another")] })
      yield* s.expire({ keys: [s.name("other")], tags: [s.name("another")] })
      expect(yield* s.renew(lease)).toBe(true)
      expect((yield* s.lease())._tag).toBe("Busy")
      expect(yield* s.fill(lease)).toBe("Stored")
      expect(yield* s.verdict({ tags })).toBe("Current")
    }))
]
