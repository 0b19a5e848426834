/**
 * The journal as text, for whoever keeps it over a restart. A text that cannot be read may have named anything, so it
 * names everything.
 *
 * Beside what is in the journal it names what mutations under way may make invalid: who is killed between a commit of
 * the source and the invalidation has nobody else who knows of it.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { StoreError } from "../CacheError.js"
import type { JournalStorage } from "../JournalStorage.js"
import type { FenceRequest } from "../Store.js"
import * as journals from "./journal.js"
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
  /**
   * From here on what is saved names this too; `save` ends when it is saved. What is taken back goes with the next save
   * of anything: naming it for too long costs no more than a miss after a restart.
   */
  readonly announce: (request: FenceRequest) => {
    readonly save: Effect.Effect<void, StoreError>
    readonly takeBack: () => void
  }
}

/** A save that has not ended after so long never will. */
const saveMillis = 30_000

/** `maximumNames`: of what is saved; beyond it keys become the tags of their prefixes. */
export const make = (
  journal: journals.Journal,
  storage: JournalStorage,
  maximumNames: number
): Effect.Effect<KeptJournal> =>
  Effect.map(Effect.makeSemaphore(1), (one) => {
    let saved: string | undefined
    let changes = 0
    /** The last change that has been saved. */
    let savedChange = 0
    /** Whether somebody no longer waits whose addition is still to be saved. */
    let isLeft = false
    const underWay = new Set<FenceRequest>()

    const everyName = (): FenceRequest => {
      const names = journals.make(maximumNames)
      for (const request of [journal.next(Infinity)?.request ?? nothing, ...underWay]) names.add(request)
      return names.next(Infinity)?.request ?? nothing
    }
    const saveUpTo = (change: number): Effect.Effect<void, StoreError> =>
      Effect.suspend(() => {
        isLeft = false
        // Whoever waited for the one before may find its own addition saved with it.
        if (savedChange >= change) return Effect.void
        const [last, text] = [changes, print(everyName())]
        const isSaved = () => {
          saved = text
          savedChange = last
          return isLeft ? saveUpTo(changes) : Effect.void
        }
        if (text === saved) return isSaved()
        // One without an answer may have been saved all the same: what is there is not known until the next one.
        saved = undefined
        return Effect.flatMap(limit({ store: "journal", operation: "save" }, storage.save(text), saveMillis), isSaved)
      })
    // What is on its way to a disk goes on when nobody waits for it: the next one begins when it has ended.
    const save = Effect.suspend(() =>
      Effect.onInterrupt(one.withPermits(1)(Effect.uninterruptible(saveUpTo(++changes))), () =>
        Effect.sync(() => void (isLeft = true))
      )
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
      save,
      announce: (request) => {
        // Two mutations of the same names are two.
        const announced = { ...request }
        underWay.add(announced)
        return { save, takeBack: () => void underWay.delete(announced) }
      }
    }
  })
