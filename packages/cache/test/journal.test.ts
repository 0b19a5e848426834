import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { CacheKey, type Store } from "@larder/cache"
import * as FastCheck from "effect/FastCheck"
import * as journal from "../src/internal/journal.js"

type Action =
  | { readonly _tag: "Add"; readonly keys: ReadonlyArray<string>; readonly tags: ReadonlyArray<string> }
  | { readonly _tag: "AddEverything" }
  | { readonly _tag: "Take"; readonly maximum: number }
  | { readonly _tag: "Acknowledge"; readonly which: number }

const names = FastCheck.array(FastCheck.constantFrom(..."abcdef"), { maxLength: 3 })
const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  { weight: 6, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Add" as const), keys: names, tags: names }) },
  { weight: 1, arbitrary: FastCheck.constant({ _tag: "AddEverything" as const }) },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Take" as const),
      maximum: FastCheck.integer({ min: 1, max: 4 })
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("Acknowledge" as const), which: FastCheck.nat() })
  }
)

/** Keys of two prefixes. */
const keyOf = (name: string): string => `V1.${name < "d" ? "p" : "q"}.id.${name}`

const request = (keys: ReadonlyArray<string>, tags: ReadonlyArray<string>): Store.FenceRequest => ({
  keys: keys.map((name) => ({ key: keyOf(name), shapes: ["s"] })),
  tags
})

/**
 * Keeps every addition by itself. One is gone when a replay that was taken after it, and that named it or everything,
 * or its prefix, was acknowledged.
 */
const naive = () => {
  let additions: Array<{ readonly at: number; readonly name: string }> = []
  let time = 0
  const strikes = (some: ReadonlyArray<string>, name: string): boolean =>
    some.includes(name) || (name.startsWith("key ") && some.includes(`tag ${CacheKey.prefixTagOf(name.slice(4))}`))
  return {
    add: (some: ReadonlyArray<string>) => {
      time += 1
      additions.push(...some.map((name) => ({ at: time, name })))
    },
    take: (some: ReadonlyArray<string> | "everything") => {
      const at = time
      return () => {
        additions = additions.filter((one) => one.at > at || (some !== "everything" && !strikes(some, one.name)))
      }
    },
    hides: (key: string, tags: ReadonlyArray<string>) =>
      additions.some(
        ({ name }) => name === "everything" || name === `key ${key}` || tags.some((tag) => name === `tag ${tag}`)
      ),
    size: () => new Set(additions.map(({ name }) => name)).size
  }
}

const run = (
  maximum: number,
  actions: ReadonlyArray<Action>,
  check: (ours: journal.Journal, model: ReturnType<typeof naive>) => void
) => {
  const ours = journal.make(maximum)
  const model = naive()
  const taken: Array<() => void> = []
  for (const one of actions) {
    switch (one._tag) {
      case "Add":
        ours.add(request(one.keys, one.tags))
        model.add([...one.keys.map((name) => `key ${keyOf(name)}`), ...one.tags.map((tag) => `tag ${tag}`)])
        break
      case "AddEverything":
        ours.add({ keys: [], tags: [], everything: true })
        model.add(["everything"])
        break
      case "Take": {
        const next = ours.next(one.maximum)
        if (next === undefined) break
        const { keys, tags, everything } = next.request
        expect(everything === true || keys.length + tags.length <= one.maximum).toBe(true)
        const strikeOut = model.take(
          everything === true
            ? "everything"
            : [...keys.map(({ key }) => `key ${key}`), ...tags.map((tag) => `tag ${tag}`)]
        )
        taken.push(() => {
          next.strikeOut()
          strikeOut()
        })
        break
      }
      case "Acknowledge":
        if (taken.length > 0) taken.splice(one.which % taken.length, 1)[0]!()
    }
    check(ours, model)
  }
}

/** A key carries the tag of its prefix, as every key does. */
const questions = [..."abcdef"].flatMap((name) => [
  [keyOf(name), [CacheKey.prefixTagOf(keyOf(name))]],
  ["other", [name]],
  ["other", ["x", name]]
]) as ReadonlyArray<readonly [string, ReadonlyArray<string>]>

describe("journal", () => {
  it.prop(
    "never forgets what no replay was acknowledged for, however little it holds",
    [FastCheck.integer({ min: 0, max: 3 }), FastCheck.array(action, { maxLength: 40 })],
    ([maximum, actions]) =>
      run(maximum, actions, (ours, model) => {
        for (const [key, tags] of questions) expect(ours.hides(key, tags) || !model.hides(key, tags)).toBe(true)
      }),
    { fastCheck: { numRuns: 1000 } }
  )

  it.prop(
    "hides nothing else as long as it has room",
    [
      FastCheck.array(
        action.filter((one) => one._tag !== "AddEverything"),
        { maxLength: 40 }
      )
    ],
    ([actions]) =>
      run(100, actions, (ours, model) => {
        for (const [key, tags] of questions) strictEqual(ours.hides(key, tags), model.hides(key, tags))
        strictEqual(ours.isEmpty(), model.size() === 0)
      }),
    { fastCheck: { numRuns: 1000 } }
  )

  it.prop(
    "is empty once everything taken was acknowledged",
    [FastCheck.integer({ min: 0, max: 10 }), FastCheck.integer({ min: 1, max: 3 }), FastCheck.array(action)],
    ([maximum, batch, actions]) => {
      const ours = journal.make(maximum)
      for (const one of actions) if (one._tag === "Add") ours.add(request(one.keys, one.tags))
      for (let next = ours.next(batch); next !== undefined; next = ours.next(batch)) next.strikeOut()
      strictEqual(ours.isEmpty(), true)
      for (const [key, tags] of questions) strictEqual(ours.hides(key, tags), false)
    }
  )

  it.each([
    [2, false],
    [3, true]
  ])("%i names in room for two: everything is hidden: %s", (count, hidden) => {
    const ours = journal.make(2)
    for (let i = 0; i < count; i++) ours.add(request([], [`tag ${i}`]))
    strictEqual(ours.hides("unrelated", []), hidden)
    strictEqual(ours.next(10)?.request.everything === true, hidden)
  })

  it("keys for which there is no room hide everything of their prefix, and nothing else", () => {
    const ours = journal.make(2)
    ours.add(request(["a", "b", "c"], []))
    strictEqual(ours.hides("V1.p.id.unrelated", ["p:p"]), true)
    strictEqual(ours.hides(keyOf("d"), ["p:q"]), false)
    deepStrictEqual(ours.next(10)?.request, { keys: [], tags: ["p:p"] })
  })

  it("one name added again is still one", () => {
    const ours = journal.make(1)
    for (let i = 0; i < 5; i++) ours.add(request(["a"], []))
    strictEqual(ours.hides(keyOf("b"), ["p:p"]), false)
  })

  it("what was added again while its replay was under way is replayed again", () => {
    const ours = journal.make(10)
    ours.add(request(["a"], ["t"]))
    const first = ours.next(10)!
    ours.add(request(["a"], ["t"]))
    first.strikeOut()
    strictEqual(ours.hides(keyOf("a"), []), true)
    strictEqual(ours.hides("b", ["t"]), true)
    ours.next(10)!.strikeOut()
    strictEqual(ours.isEmpty(), true)
  })

  it("a replay frees every shape that was named", () => {
    const ours = journal.make(10)
    ours.add({ keys: [{ key: "a", shapes: ["1", "2"] }], tags: [] })
    ours.add({ keys: [{ key: "a", shapes: ["2", "3"] }], tags: [] })
    deepStrictEqual(ours.next(10)!.request.keys, [{ key: "a", shapes: ["1", "2", "3"] }])
  })
})
