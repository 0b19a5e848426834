import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Claims from "../src/Claims.js"
import * as Demo from "../src/Demo.js"
import * as Story from "../src/Story.js"

/** What is printed, and the exit code, when two acts claim these. */
const played = (first: boolean, second: boolean) =>
  Effect.gen(function* () {
    let text = ""
    const act = (claim: string, holds: boolean) => ({
      title: claim,
      act: Effect.flatMap(Claims.Claims, (claims) => claims.check(claim, holds))
    })
    const paper = { terminal: false, colours: false, write: (more: string) => void (text += more) }
    const code = yield* Demo.play([act("one", first), act("two", second)]).pipe(
      Effect.provide(Layer.provideMerge(Claims.layer, Story.layer(paper)))
    )
    return { code, text }
  })

describe("Demo", () => {
  it.effect("exits with 0 when every claim held", () =>
    Effect.gen(function* () {
      const { code, text } = yield* played(true, true)
      expect(code).toBe(0)
      expect(text).toContain("Act 2  two\n  ✓ two\n\nAll 2 claims hold.\n")
    })
  )

  it.effect("plays to its end and exits with 1 when a claim did not hold, and names it again", () =>
    Effect.gen(function* () {
      const { code, text } = yield* played(false, true)
      expect(code).toBe(1)
      expect(text).toContain("  ✓ two\n\n1 of 2 claims do not hold:\n  ✗ one\n")
    })
  )
})
