import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as memoryStore from "../src/internal/memoryStore.js"
import type { Store } from "../src/Store.js"

const text = new TextEncoder()

const put = (store: Store["Type"], key: string, tags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const [answer] = yield* store.lease([{ key, shape: "s", tags, seen: "*", leaseMillis: 1_000, retainMillis: 1_000 }])
    if (answer?._tag !== "Granted") return yield* Effect.dieMessage("no lease")
    return yield* store.fill([
      { lease: answer.lease, learntTags: [], bytes: text.encode(key), timeToLiveMillis: 1_000 }
    ])
  })

const look = (store: Store["Type"], key: string, tags: ReadonlyArray<string> = []) =>
  Effect.map(store.read([{ key, shape: "s", tags }]), (answers) => answers[0]!)

describe("memoryStore", () => {
  it.effect("the key used least recently is forgotten first, with its epoch", () =>
    Effect.gen(function* () {
      const store = yield* memoryStore.make({ maximumKeys: 2 })
      yield* put(store, "a")
      yield* put(store, "b")
      yield* look(store, "a")
      yield* put(store, "c")
      expect((yield* look(store, "a")).found._tag).toBe("Stored")
      expect((yield* look(store, "c")).found._tag).toBe("Stored")
      const b = yield* look(store, "b")
      expect(b.found._tag).toBe("Absent")
      expect(b.epochs.key).toBeUndefined()
    })
  )

  it.effect("four tags are held for each key, and a forgotten one is missing", () =>
    Effect.gen(function* () {
      const store = yield* memoryStore.make({ maximumKeys: 2 })
      yield* put(store, "a", ["t1"])
      yield* put(store, "b", ["t2"])
      const others = Array.from({ length: 7 }, (_, i) => `t${i + 3}`)
      yield* store.capture({ key: "b", shape: "s", tags: others, retainMillis: 1_000 })
      const a = yield* look(store, "a")
      expect(a.found._tag).toBe("Stored")
      expect(a.epochs.tags.has("t1")).toBe(false)
      expect((yield* look(store, "b")).epochs.tags.has("t2")).toBe(true)
    })
  )

  it.effect.each([0, -1, Number.NaN])("a bound of %d holds one key, not none and not all", (maximumKeys) =>
    Effect.gen(function* () {
      const store = yield* memoryStore.make({ maximumKeys })
      yield* put(store, "a")
      yield* put(store, "b")
      expect((yield* look(store, "a")).found._tag).toBe("Absent")
      expect((yield* look(store, "b")).found._tag).toBe("Stored")
    })
  )

  it.effect("noop grants every lease and stores nothing", () =>
    Effect.gen(function* () {
      expect(yield* put(memoryStore.noop, "a")).toEqual(["Refused"])
      expect(yield* put(memoryStore.noop, "a")).toEqual(["Refused"])
      expect((yield* look(memoryStore.noop, "a")).found._tag).toBe("Absent")
    })
  )
})
