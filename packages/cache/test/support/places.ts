/** A place for a journal, in memory, that outlives the instances. */
import { CacheError, type JournalStorage } from "@larder/cache"
import * as Effect from "effect/Effect"

export const failing = (operation: string) =>
  new CacheError.StoreError({ store: "journal", operation, reason: "Unavailable", detail: "" })

export const place = (text?: string) => {
  const state = { text, failsToLoad: false, saves: 0 }
  const storage: JournalStorage.JournalStorage = {
    load: Effect.suspend(() => (state.failsToLoad ? Effect.fail(failing("load")) : Effect.succeed(state.text))),
    save: (next) =>
      Effect.suspend(() => {
        state.saves += 1
        state.text = next
        return Effect.void
      })
  }
  return { state, storage }
}
