/** What the story claims, and whether it held. The exit code of the demo is made of these. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { Story } from "./Story.js"

export interface Claim {
  readonly text: string
  readonly holds: boolean
}

export class Claims extends Context.Tag("example-feature-flags/Claims")<
  Claims,
  {
    /** Says a claim aloud, with what was measured, and remembers whether it held. */
    readonly check: (text: string, holds: boolean) => Effect.Effect<void>
    readonly all: Effect.Effect<ReadonlyArray<Claim>>
  }
>() {}

export const layer: Layer.Layer<Claims, never, Story> = Layer.effect(
  Claims,
  Effect.gen(function* () {
    const story = yield* Story
    const claims = yield* Ref.make<ReadonlyArray<Claim>>([])
    return {
      check: (text, holds) =>
        Effect.zipRight(
          Ref.update(claims, (all) => [...all, { text, holds }]),
          story.verdict(holds, text)
        ),
      all: Ref.get(claims)
    }
  })
)
