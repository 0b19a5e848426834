import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Claims from "../src/Claims.js"
import * as Story from "../src/Story.js"

const told = (paper: { readonly terminal: boolean; readonly colours: boolean }) =>
  Effect.gen(function* () {
    let text = ""
    const layer = Layer.provideMerge(Claims.layer, Story.layer({ ...paper, write: (more) => (text += more) }))
    yield* Effect.gen(function* () {
      const story = yield* Story.Story
      const claims = yield* Claims.Claims
      yield* story.act(1, "A beginning")
      yield* story.progress("working", 4, (tick) => Effect.replicateEffect(tick, 4))
      yield* story.table([
        ["", "median"],
        ["with", "1 ms"]
      ])
      yield* claims.check("one is one", true)
      yield* claims.check("one is two", false)
      yield* Effect.logWarning("something odd")
    }).pipe(Effect.provide(layer))
    return text
  })

describe("Story", () => {
  it.effect("in a pipe it is plain text, line by line", () =>
    Effect.gen(function* () {
      expect(yield* told({ terminal: false, colours: false })).toBe(
        [
          "",
          "Act 1  A beginning",
          "  working …",
          "           median",
          "    with     1 ms",
          "  ✓ one is one",
          "  ✗ one is two",
          "  log WARN: something odd",
          ""
        ].join("\n")
      )
    })
  )

  it.effect("on a terminal progress is drawn over itself and then wiped away", () =>
    Effect.gen(function* () {
      const text = yield* told({ terminal: true, colours: false })
      expect(text).toContain("\r  working … 25 %\r  working … 50 %\r  working … 75 %\r  working … 100 %\r\x1b[2K")
      expect(text).not.toContain("working …\n")
    })
  )

  it.effect("a line of the log goes above the progress that is being drawn", () =>
    Effect.gen(function* () {
      let text = ""
      const story = Story.make({ terminal: true, colours: false, write: (more) => (text += more) })
      yield* story.progress("working", 2, (tick) => Effect.zipRight(tick, story.aside("odd")))
      yield* story.say("done")
      expect(text).toBe("\r  working … 0 %\r  working … 50 %\r\x1b[2K  odd\n\r  working … 50 %\r\x1b[2K  done\n")
    })
  )

  it.effect("a claim that holds is green, one that does not is red", () =>
    Effect.gen(function* () {
      const text = yield* told({ terminal: true, colours: true })
      expect(text).toContain("\x1b[32m✓\x1b[39m one is one")
      expect(text).toContain("\x1b[31m✗\x1b[39m")
    })
  )

  it.each([
    [0, "0"],
    [999.6, "1 000"],
    [1234567, "1 234 567"]
  ])("count(%d) is %s", (value, text) => expect(Story.count(value)).toBe(text))
})

describe("Claims", () => {
  it.effect("remembers what did not hold", () =>
    Effect.gen(function* () {
      const claims = yield* Claims.Claims
      yield* claims.check("yes", true)
      yield* claims.check("no", false)
      expect(yield* claims.all).toEqual([
        { text: "yes", holds: true },
        { text: "no", holds: false }
      ])
    }).pipe(
      Effect.provide(
        Layer.provide(Claims.layer, Story.layer({ terminal: false, colours: false, write: () => undefined }))
      )
    )
  )
})
