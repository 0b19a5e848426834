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
import { limit } from "./limit.js"

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

/** A save that has not ended after so long never will. */
const saveMillis = 30_000

export const make = (journal: Journal, storage: JournalStorage): Effect.Effect<KeptJournal> =>
  Effect.map(Effect.makeSemaphore(1), (one) => {
    let saved: string | undefined
    /** Whether somebody no longer waits whose addition is still to be saved. */
    let isLeft = false
    const save: Effect.Effect<void, StoreError> = Effect.suspend(() => {
      isLeft = false
      const text = print(journal.next(Infinity)?.request ?? nothing)
      // Whoever waited for the one before may find its own addition saved with it.
      if (text === saved) return Effect.void
      // One without an answer may have been saved all the same: what is there is not known until the next one.
      saved = undefined
      return Effect.flatMap(limit({ store: "journal", operation: "save" }, storage.save(text), saveMillis), () => {
        saved = text
        return isLeft ? save : Effect.void
      })
    })
    // What is on its way to a disk goes on when nobody waits for it: the next one begins when it has ended.
    const saveInTurn = Effect.onInterrupt(one.withPermits(1)(Effect.uninterruptible(save)), () =>
      Effect.sync(() => void (isLeft = true))
    )
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
      save: saveInTurn
    }
  })
