import { strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as fences from "../src/internal/fences.js"

type Action =
  | { readonly _tag: "Raise"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "RaiseAll" }
  | { readonly _tag: "Remember" }
  | { readonly _tag: "Ask"; readonly remembered: number; readonly names: ReadonlyArray<string> }

const names = FastCheck.array(FastCheck.constantFrom(..."abcdefgh"), { maxLength: 4 })
const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  { weight: 4, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Raise" as const), names }) },
  { weight: 1, arbitrary: FastCheck.constant({ _tag: "RaiseAll" as const }) },
  { weight: 3, arbitrary: FastCheck.constant({ _tag: "Remember" as const }) },
  {
    weight: 6,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("Ask" as const), remembered: FastCheck.nat(), names })
  }
)

/** Remembers everything for ever, and looks through all of it. */
const naive = () => {
  const history: Array<ReadonlySet<string> | "everything"> = []
  return {
    now: () => history.length,
    raise: (names: ReadonlyArray<string>) => void history.push(new Set(names)),
    raiseAll: () => void history.push("everything"),
    fellSince: (moment: number, names: ReadonlyArray<string>) =>
      history.slice(moment).some((fence) => fence === "everything" || names.some((name) => fence.has(name)))
  }
}

const run = (maximum: number, actions: ReadonlyArray<Action>, check: (ours: boolean, model: boolean) => void) => {
  const ours = fences.make(maximum)
  const model = naive()
  const moments = [{ ours: ours.now(), model: model.now() }]
  for (const one of actions) {
    switch (one._tag) {
      case "Raise":
        ours.raise(one.names)
        model.raise(one.names)
        break
      case "RaiseAll":
        ours.raiseAll()
        model.raiseAll()
        break
      case "Remember":
        moments.push({ ours: ours.now(), model: model.now() })
        break
      case "Ask": {
        const since = moments[one.remembered % moments.length]!
        check(ours.fellSince(since.ours, one.names), model.fellSince(since.model, one.names))
      }
    }
  }
}

describe("fences", () => {
  it.prop(
    "answer as a list of everything that ever fell does",
    [FastCheck.array(action, { maxLength: 60 })],
    ([actions]) => run(100, actions, (ours, model) => strictEqual(ours, model)),
    { fastCheck: { numRuns: 1000 } }
  )

  it.prop(
    "never miss a fence, however few names are remembered",
    [FastCheck.integer({ min: 0, max: 4 }), FastCheck.array(action, { maxLength: 60 })],
    ([maximum, actions]) => run(maximum, actions, (ours, model) => expect(ours || !model).toBe(true)),
    { fastCheck: { numRuns: 1000 } }
  )

  it("no fence fell since now", () => {
    const some = fences.make(10)
    some.raise(["a"])
    strictEqual(some.fellSince(some.now(), ["a"]), false)
    some.raiseAll()
    strictEqual(some.fellSince(some.now(), ["a"]), false)
  })

  it("a forgotten fence counts for everything that began before it, and for nothing that began after", () => {
    const some = fences.make(2)
    const before = some.now()
    some.raise(["a"])
    const after = some.now()
    some.raise(["b"])
    some.raise(["c"])
    strictEqual(some.fellSince(before, ["never fenced"]), true)
    strictEqual(some.fellSince(after, ["never fenced"]), false)
    strictEqual(some.fellSince(after, ["a"]), false)
    strictEqual(some.fellSince(after, ["b"]), true)
  })

  it("a fence that falls again is the youngest, and the last to be forgotten", () => {
    const some = fences.make(2)
    some.raise(["a"])
    some.raise(["b"])
    some.raise(["a"])
    const since = some.now()
    some.raise(["c"])
    strictEqual(some.fellSince(since - 1, ["a"]), true)
    strictEqual(some.fellSince(since - 1, ["never fenced"]), false)
    strictEqual(some.fellSince(since, ["a"]), false)
  })
})
