/**
 * The journal as text, for whoever keeps it over a restart. A text that cannot be read may have named anything, so it
 * names everything.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { StoreError } from "../CacheError.js"
import type { JournalStorage } from "../JournalStorage.js"
import type { FenceRequest } from "../Store.js"
import type { Journal } from "./journal.js"

const Kept = Schema.parseJson(
  Schema.Struct({
    version: Schema.Literal(1),
    keys: Schema.Array(Schema.Struct({ key: Schema.String, shapes: Schema.Array(Schema.String) })),
    tags: Schema.Array(Schema.String),
    everything: Schema.Boolean
  })
)

const nothing: FenceRequest = { keys: [], tags: [] }
const everything: FenceRequest = { keys: [], tags: [], everything: true }

export const print = ({ everything = false, keys, tags }: FenceRequest): string =>
  Schema.encodeSync(Kept)({ version: 1, keys, tags, everything })

export const parse = (text: string | undefined): FenceRequest =>
  text === undefined ? nothing : Either.getOrElse(Schema.decodeEither(Kept)(text), () => everything)

export interface KeptJournal {
  /** Puts into the journal what a former process could not replay. */
  readonly restore: Effect.Effect<void, StoreError>
  /** Ends when all that is in the journal now has been saved. */
  readonly save: Effect.Effect<void, StoreError>
}

export const make = (journal: Journal, storage: JournalStorage): Effect.Effect<KeptJournal> =>
  Effect.map(Effect.makeSemaphore(1), (one) => {
    let saved: string | undefined
    const save = Effect.suspend(() => {
      const text = print(journal.next(Infinity)?.request ?? nothing)
      // Whoever waited for the one before may find its own addition saved with it.
      if (text === saved) return Effect.void
      // One without an answer may have been saved all the same: what is there is not known until the next one.
      saved = undefined
      return Effect.tap(storage.save(text), () => Effect.sync(() => void (saved = text)))
    })
    return {
      restore: Effect.matchEffect(storage.load, {
        onFailure: (error) => {
          journal.add(everything)
          return Effect.fail(error)
        },
        onSuccess: (text) =>
          Effect.sync(() => {
            const request = parse(text)
            saved = text ?? print(nothing)
            journal.add(request)
          })
      }),
      save: one.withPermits(1)(save)
    }
  })
