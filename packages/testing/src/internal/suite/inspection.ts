/** What a store holds, seen from outside. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { test, type Case } from "./subject.js"

export const cases: ReadonlyArray<Case> = [
  test(
    "nothing is kept without an end, whatever was done",
    (s) =>
      Effect.gen(function* () {
        const [tag, learnt] = [s.name("tag"), s.name("learnt")]
        yield* s.put({ tags: [tag], learntTags: [learnt] })
        yield* s.renew(yield* s.granted({ seen: "*" }))
        yield* s.release(yield* s.granted({ key: s.name("released"), tags: [tag] }))
        yield* s.expire({ keys: [s.key, s.name("unknown")], tags: [tag, s.name("unknown")] })
        yield* s.commit(yield* s.capture({ key: s.name("set"), tags: [tag] }), { learntTags: [s.name("late")] })
        yield* s.store.commit({
          capture: yield* s.capture({ key: s.name("fenced") }),
          learntTags: [],
          timeToLiveMillis: 60_000
        })
        yield* s.put({ key: s.name("gone"), tags: [s.name("dropped")] })
        yield* s.invalidate({ keys: [s.name("gone")], tags: [s.name("dropped")] })
        yield* s.read({ tags: [tag, learnt] })
        expect(yield* s.immortal).toEqual([])
      }),
    "inspection"
  )
]
