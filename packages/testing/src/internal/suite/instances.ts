/** More than one store over the same data: at the same time, and one after the other. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, utf8, type Case, type Subject } from "./subject.js"

const shared = (name: string, body: (s: Subject) => Effect.Effect<unknown, unknown>): Case =>
  test(name, body, "sharedFences")

const pair =
  <A>(f: (s: Subject, other: Subject) => Effect.Effect<A, unknown>) =>
  (s: Subject) =>
    Effect.scoped(Effect.flatMap(s.another, (other) => f(s, { ...s, ...other })))

const surviving =
  <A>(before: (s: Subject) => Effect.Effect<A, unknown>, after: (s: Subject) => Effect.Effect<unknown, unknown>) =>
  (s: Subject) =>
    Effect.gen(function* () {
      yield* Effect.scoped(Effect.flatMap(s.another, (first) => before({ ...s, ...first })))
      yield* Effect.scoped(Effect.flatMap(s.another, (second) => after({ ...s, ...second })))
    })

export const cases: ReadonlyArray<Case> = [
  shared(
    "two instances: what one filled the other answers",
    pair((s, other) =>
      Effect.gen(function* () {
        const tags = [s.name("tag")]
        yield* s.put({ tags, bytes: utf8("there") })
        expect((yield* other.read({ tags })).found).toMatchObject({ bytes: utf8("there") })
        expect(yield* other.verdict({ tags })).toBe("Current")
      })
    )
  ),
  shared(
    "two instances: a lease of one is busy for the other",
    pair((s, other) =>
      Effect.gen(function* () {
        const lease = yield* s.granted()
        expect((yield* other.lease())._tag).toBe("Busy")
        yield* s.release(lease)
        yield* other.granted()
      })
    )
  ),
  shared(
    "two instances: what one fences is gone or stale for the other, and its leases are void",
    pair((s, other) =>
      Effect.gen(function* () {
        const [tag, stale] = [s.name("tag"), s.name("stale")]
        yield* s.put({ tags: [tag] })
        yield* s.put({ key: stale })
        const lease = yield* s.granted({ tags: [tag], seen: "*" })
        yield* other.invalidate({ tags: [tag] })
        yield* other.expire({ keys: [stale] })
        yield* s.gone({ tags: [tag] })
        expect(yield* s.verdict({ key: stale })).toBe("Expired")
        expect(yield* s.fill(lease)).toBe("Refused")
      })
    )
  ),
  shared(
    "two instances: of fifty asking both at once for a lease exactly one is granted it",
    pair((s, other) =>
      Effect.gen(function* () {
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? s : other).lease()),
          { concurrency: "unbounded" }
        )
        expect(answers.filter(({ _tag }) => _tag === "Granted")).toHaveLength(1)
      })
    )
  ),
  test(
    "a restart: what was stored before it is answered after it",
    surviving(
      (s) => s.put({ tags: [s.name("tag")], learntTags: [s.name("learnt")], bytes: utf8("kept") }),
      (s) =>
        Effect.gen(function* () {
          expect((yield* s.read()).found).toMatchObject({ bytes: utf8("kept") })
          expect(yield* s.verdict({ tags: [s.name("tag")] })).toBe("Current")
        })
    ),
    "survivesRestart"
  ),
  test(
    "a restart: what was fenced before it is gone or stale after it",
    surviving(
      (s) =>
        Effect.gen(function* () {
          const tag = s.name("tag")
          yield* s.put({ key: s.name("key's") })
          yield* s.put({ key: s.name("tag's"), tags: [tag] })
          yield* s.put({ key: s.name("learnt's"), learntTags: [tag] })
          yield* s.put({ key: s.name("stale") })
          yield* s.invalidate({ keys: [s.name("key's")], tags: [tag] })
          yield* s.expire({ keys: [s.name("stale")] })
        }),
      (s) =>
        Effect.gen(function* () {
          yield* s.gone({ key: s.name("key's") })
          yield* s.gone({ key: s.name("tag's"), tags: [s.name("tag")] })
          yield* s.gone({ key: s.name("learnt's") })
          expect(yield* s.verdict({ key: s.name("stale") })).toBe("Expired")
        })
    ),
    "survivesRestart"
  ),
  test(
    "a restart: a lease from before it fills nothing over a fence that fell since",
    (s) =>
      Effect.gen(function* () {
        const lease = yield* Effect.scoped(Effect.flatMap(s.another, (first) => first.granted({ leaseMillis: 60_000 })))
        yield* Effect.scoped(Effect.flatMap(s.another, (second) => second.invalidate({ keys: [s.key] })))
        const outcome = yield* Effect.scoped(Effect.flatMap(s.another, (third) => third.fill(lease)))
        expect(outcome).toBe("Refused")
      }),
    "survivesRestart"
  )
]
