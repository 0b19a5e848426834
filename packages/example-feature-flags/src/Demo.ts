/** Plays acts one after the other, and says in the end whether every claim held. */
import * as Effect from "effect/Effect"
import * as Claims from "./Claims.js"
import { Story } from "./Story.js"

export interface Act<E, R> {
  readonly title: string
  readonly act: Effect.Effect<void, E, R>
}

/** Answers the exit code: 0, or 1 when a claim does not hold. */
export const play = <E, R>(acts: ReadonlyArray<Act<E, R>>): Effect.Effect<0 | 1, E, R | Story | Claims.Claims> =>
  Effect.gen(function* () {
    const story = yield* Story
    const claims = yield* Claims.Claims
    for (const [i, { act, title }] of acts.entries()) {
      yield* story.act(i + 1, title)
      yield* act
    }
    const all = yield* claims.all
    const broken = all.filter(({ holds }) => !holds)
    if (broken.length === 0) yield* story.title(`All ${all.length} claims hold.`)
    else yield* story.title(`${broken.length} of ${all.length} claims do not hold:`)
    yield* Effect.forEach(broken, ({ text }) => story.verdict(false, text), { discard: true })
    return broken.length === 0 ? 0 : 1
  })
