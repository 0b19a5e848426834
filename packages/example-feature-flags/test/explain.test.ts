import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { explain } from "../src/Explain.js"

const said = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.exit(effect), (exit) => (Exit.isFailure(exit) ? explain(exit.cause) : "nothing"))

describe("what a command says when it fails", () => {
  it.effect("an error is its message, and that of its cause", () =>
    Effect.gen(function* () {
      expect(yield* said(Effect.fail(new Error("no store")))).toBe("no store")
      expect(yield* said(Effect.fail(new Error("no store", { cause: new Error("refused") })))).toBe("no store: refused")
    })
  )

  it.effect("a variable that makes no sense is its sentence alone", () =>
    Effect.gen(function* () {
      const problem = ConfigError.InvalidData(["REDIS_URL"], "expected redis://host:port")
      expect(yield* said(Effect.fail(problem))).toBe(String(problem))
    })
  )

  it.live("what was interrupted beside it is not told", () =>
    Effect.gen(function* () {
      const both = Effect.all([Effect.fail(new Error("no store")), Effect.never], { concurrency: 2 })
      expect(yield* said(both)).toBe("no store")
    })
  )

  it("what was not foreseen is told with all there is", () => {
    const cause = Cause.parallel(Cause.fail(new Error("no store")), Cause.die(new Error("a defect")))
    expect(explain(cause)).toMatch(/no store[^]*a defect/)
  })
})
