/** Lets everything run that can run without time passing: two turns of the event loop, each after all that is ready. */
import * as Effect from "effect/Effect"

const turn = Effect.async<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

export const settle: Effect.Effect<void> = Effect.zipRight(turn, turn)
