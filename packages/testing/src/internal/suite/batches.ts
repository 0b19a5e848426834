/** Lists: answers come in the order of the requests, and nobody gets another's. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { shape, test, utf8, type Case } from "./subject.js"

export const cases: ReadonlyArray<Case> = [
  test("an empty list does nothing and answers an empty list", (s) =>
    Effect.gen(function* () {
      expect(yield* s.store.read([])).toEqual([])
      expect(yield* s.store.lease([])).toEqual([])
      expect(yield* s.store.fill([])).toEqual([])
      expect(yield* s.store.renew([], 1_000)).toEqual([])
      expect(yield* s.store.release([])).toBeUndefined()
    })),
  test("the answers of a read come in the order of its requests, duplicates and absent keys included", (s) =>
    Effect.gen(function* () {
      const [a, b, c] = [s.name("a"), s.name("b"), s.name("c")]
      yield* s.put({ key: a, bytes: utf8("a") })
      yield* s.put({ key: c, bytes: utf8("c") })
      const answers = yield* s.store.read([c, b, a, c].map((key) => s.reading({ key })))
      expect(
        answers.map(({ found }) => (found._tag === "Stored" ? new TextDecoder().decode(found.bytes) : ""))
      ).toEqual(["c", "", "a", "c"])
      expect(new Set(answers.map(({ epochs }) => epochs.key)).size).toBe(3)
    })),
  test("each answer of a read holds the epochs of its own key and tags", (s) =>
    Effect.gen(function* () {
      const [a, b, t, u] = [s.name("a"), s.name("b"), s.name("t"), s.name("u")]
      const first = yield* s.put({ key: a, tags: [t] })
      const second = yield* s.put({ key: b, tags: [u] })
      const [one, two] = yield* s.store.read([s.reading({ key: a, tags: [t] }), s.reading({ key: b, tags: [u] })])
      expect(one!.epochs.key).toBe(first.stamps.key)
      expect([...one!.epochs.tags]).toEqual(first.stamps.tags)
      expect(two!.epochs.key).toBe(second.stamps.key)
      expect([...two!.epochs.tags]).toEqual(second.stamps.tags)
    })),
  test("a hundred keys are leased, filled and read in one list each, in order", (s) =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 100 }, (_, i) => s.name(`k${i}`))
      const leases = yield* s.store.lease(keys.map((key) => s.asking({ key })))
      expect(leases.map((answer) => answer._tag === "Granted" && answer.lease.key)).toEqual(keys)
      const fills = leases.flatMap((answer) =>
        answer._tag === "Granted" ? [s.filling(answer.lease, { bytes: utf8(answer.lease.key) })] : []
      )
      expect(yield* s.store.fill(fills)).toEqual(keys.map(() => "Stored"))
      const answers = yield* s.store.read(keys.map((key) => s.reading({ key })))
      expect(answers.map(({ found }) => found._tag === "Stored" && new TextDecoder().decode(found.bytes))).toEqual(keys)
    })),
  test("a lost lease in a list of fills and renewals is the only one refused", (s) =>
    Effect.gen(function* () {
      const keys = [s.name("a"), s.name("b"), s.name("c")]
      const leases = yield* Effect.forEach(keys, (key) => s.granted({ key }))
      yield* s.invalidate({ keys: [keys[1]!] })
      expect(yield* s.store.renew(leases, 60_000)).toEqual([true, false, true])
      expect(yield* s.store.fill(leases.map((lease) => s.filling(lease)))).toEqual(["Stored", "Refused", "Stored"])
    })),
  test("of two requests for one key in a list of leases, the first is granted and the second finds it busy", (s) =>
    Effect.gen(function* () {
      const answers = yield* s.store.lease([s.asking({}), s.asking({}), s.asking({ shape: "other" })])
      expect(answers.map(({ _tag }) => _tag)).toEqual(["Granted", "Busy", "Granted"])
    })),
  test("a fence names many keys and tags at once, and leaves the others alone", (s) =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 6 }, (_, i) => s.name(`k${i}`))
      const [t, u] = [s.name("t"), s.name("u")]
      for (const [i, key] of keys.entries()) yield* s.put({ key, tags: i === 4 ? [t] : i === 5 ? [u] : [] })
      yield* s.invalidate({ keys: keys.slice(0, 2), tags: [t] })
      for (const i of [0, 1, 4]) yield* s.gone({ key: keys[i]! })
      for (const i of [2, 3, 5]) expect(yield* s.verdict({ key: keys[i]! })).toBe("Current")
    })),
  test("a hundred fibers reading at once each get their own value", (s) =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 100 }, (_, i) => s.name(`k${i % 50}`))
      for (const key of new Set(keys)) yield* s.put({ key, tags: [key], bytes: utf8(key) })
      const answers = yield* Effect.forEach(keys, (key) => s.read({ key, tags: [key] }), { concurrency: "unbounded" })
      for (const [i, { epochs, found }] of answers.entries()) {
        expect(found).toMatchObject({ _tag: "Stored", bytes: utf8(keys[i]!) })
        expect([...epochs.tags.keys()]).toEqual([keys[i]])
      }
    })),
  test("a read beside an absent key, an unknown shape and an unknown tag is not disturbed by them", (s) =>
    Effect.gen(function* () {
      yield* s.put({ bytes: utf8("here") })
      const [absent, unknown, here] = yield* s.store.read([
        s.reading({ key: s.name("absent"), tags: [s.name("tag")] }),
        s.reading({ shape: "unknown" }),
        { key: s.key, shape, tags: [] }
      ])
      expect(absent!.found._tag).toBe("Absent")
      expect(unknown!.found._tag).toBe("Absent")
      expect(here!.found).toMatchObject({ bytes: utf8("here") })
    }))
]
