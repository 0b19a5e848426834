/** Where instances keep their journals: what is saved outlives the life that saved it. */
import type { JournalStorage } from "@larder/cache/JournalStorage"
import * as Effect from "effect/Effect"
import type { Chance } from "./chance.js"

/**
 * A place for one instance. Whoever crashes while it saves has saved it, or has not. Now and then it is slow, but never
 * so slow that two saves behind each other take longer than a cache waits for one.
 */
export const make = (chance: Chance): JournalStorage => {
  let text: string | undefined
  const takes = Effect.suspend(() =>
    Effect.sleep(chance.between(1, 3) === 1 ? chance.between(10, 40) : chance.between(0, 3))
  )
  return {
    load: Effect.zipRight(
      takes,
      Effect.sync(() => text)
    ),
    save: (next) =>
      Effect.zipRight(
        takes,
        Effect.zipRight(
          Effect.sync(() => void (text = next)),
          takes
        )
      )
  }
}
