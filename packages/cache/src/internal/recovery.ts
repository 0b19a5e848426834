/**
 * What the store does not know, or may have forgotten, is told to it again, until it has acknowledged it.
 *
 * - An invalidation or a set without a reply goes into the journal, which hides what it names on this instance, and is
 *   replayed: oldest first, one at a time, stopping at a failure, with a pause that grows and differs between
 *   instances.
 * - What was acknowledged lately is *recalled* where the store may have lost it: it was away and is back, messages of
 *   the bus were missed, or its counter went back. A replica that takes over has perhaps not heard the last of it.
 *
 * A replay is always an invalidation: it may cost a miss, and brings nothing back.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { StoreError } from "../CacheError.js"
import type { StoreEvent } from "../CacheEvent.js"
import type { JournalStorage } from "../JournalStorage.js"
import type { FenceRequest } from "../Store.js"
import type { Fencing } from "./announcing.js"
import * as journals from "./journal.js"
import * as keptJournal from "./keptJournal.js"
import { limit } from "./limit.js"
import * as recents from "./recent.js"

export interface Recovery {
  readonly isEmpty: () => boolean
  /** Whether an invalidation of this is still to be acknowledged. */
  readonly hides: (key: string, tags: Iterable<string>) => boolean
  /** Takes what was not acknowledged. Ends when it is saved, where there is a place for it. */
  readonly remember: (request: FenceRequest) => Effect.Effect<void>
  /**
   * Saves what a mutation that is about to begin may make invalid, in case that this process ends before it has told
   * the store, and answers what takes that back. Absent: there is no place for it.
   */
  readonly announce: ((request: FenceRequest) => Effect.Effect<Effect.Effect<void>>) | undefined
  /** Takes what was acknowledged. */
  readonly acknowledged: (request: FenceRequest) => void
  /** The store may have lost what it acknowledged. */
  readonly suspect: () => void
  /** Puts back what a former process could not replay. */
  readonly restore: Effect.Effect<void>
  /** Replays for ever. */
  readonly replays: Effect.Effect<never>
  /** Recalls for ever. */
  readonly recalls: Effect.Effect<never>
  /** Tries once more what would be forgotten; the store's time limit bounds it. */
  readonly last: Effect.Effect<void>
}

export interface Options {
  readonly fencing: Pick<Fencing, "invalidate">
  readonly fenceHere: (request: FenceRequest, hard: boolean) => void
  readonly emit: (event: StoreEvent) => void
  readonly failed: (error: StoreError) => Effect.Effect<void>
  /** Of the place where the journal is kept: a row of its own, since it usually fails beside the store. */
  readonly storageFailed: (error: StoreError) => Effect.Effect<void>
  readonly storageWorked: () => void
  /** Waits until somebody finds the store back: then a replay need not wait out its pause. */
  readonly storeIsBack: Effect.Effect<void>
  readonly storage: JournalStorage | undefined
  readonly clock: Clock.Clock
  readonly maximumPending: number
  readonly recallMillis: number
  readonly operationMillis: number
}

const replayBatch = 256
const longestPauseMillis = 30_000

/** One recall after another is enough: what is suspected again meanwhile waits for so long. */
const recallPauseMillis = 5_000
/** A fleet finds its store back in the same moment, and must not invalidate in the same moment. */
const recallSpreadMillis = 1_000

const names = ({ keys, tags }: FenceRequest) => ({ keys: keys.map((name) => name.key), tags })

export const make = (options: Options): Effect.Effect<Recovery> =>
  Effect.gen(function* () {
    const { clock, emit, failed, fenceHere, fencing, operationMillis } = options
    const journal = journals.make(options.maximumPending)
    const recent = recents.make(options.maximumPending, options.recallMillis)
    const { storage } = options
    // What is not loaded in time cannot be read: the limit is inside, where that is decided.
    const kept =
      storage === undefined
        ? undefined
        : yield* keptJournal.make(
            journal,
            {
              load: limit({ store: "journal", operation: "load" }, storage.load, operationMillis),
              save: (text) => storage.save(text)
            },
            options.maximumPending
          )
    const wishes = yield* Queue.sliding<void>(1)
    const suspicions = yield* Queue.sliding<void>(1)
    const random = Effect.randomWith((source) => source.next)

    const told = (saving: Effect.Effect<void, StoreError>): Effect.Effect<void> =>
      Effect.matchEffect(limit({ store: "journal", operation: "save" }, saving, operationMillis), {
        onFailure: options.storageFailed,
        onSuccess: () => Effect.sync(options.storageWorked)
      })
    const save = kept === undefined ? Effect.void : told(kept.save)

    const remember = (request: FenceRequest): Effect.Effect<void> =>
      Effect.suspend(() => {
        journal.add(request)
        recent.forget(request)
        wishes.unsafeOffer(undefined)
        return save
      })

    const acknowledged = (request: FenceRequest): void => {
      if (options.recallMillis > 0) recent.add(request, clock.unsafeCurrentTimeMillis())
    }

    const replay = ({ request, strikeOut }: NonNullable<ReturnType<journals.Journal["next"]>>) =>
      Effect.uninterruptible(
        Effect.tap(fencing.invalidate(request), () => {
          // What was read or leased before the replay and is answered after it is no longer hidden, and is as old.
          fenceHere(request, true)
          strikeOut()
          if (options.recallMillis > 0) recent.again(request, clock.unsafeCurrentTimeMillis())
          emit({ _tag: "Replayed", ...names(request) })
          return save
        })
      )

    return {
      isEmpty: journal.isEmpty,
      hides: journal.hides,
      remember,
      announce:
        kept === undefined
          ? undefined
          : (request) =>
              Effect.suspend(() => {
                const { save, takeBack } = kept.announce(request)
                return Effect.as(told(save), Effect.sync(takeBack))
              }),
      acknowledged,
      suspect: () => void suspicions.unsafeOffer(undefined),
      restore:
        kept === undefined
          ? Effect.void
          : Effect.map(Effect.catchAll(kept.restore, options.storageFailed), () => {
              if (!journal.isEmpty()) wishes.unsafeOffer(undefined)
            }),
      replays: Effect.forever(
        Effect.gen(function* () {
          yield* Queue.take(wishes)
          let pauseMillis = 250
          for (let next = journal.next(replayBatch); next !== undefined; next = journal.next(replayBatch)) {
            const outcome = yield* Effect.either(replay(next))
            if (outcome._tag === "Right") pauseMillis = 250
            else {
              yield* failed(outcome.left)
              // What its place did not take is not safe before it does.
              yield* save
              const spread = yield* random
              yield* Effect.raceFirst(Effect.sleep(pauseMillis * (0.75 + spread / 2)), options.storeIsBack)
              pauseMillis = Math.min(longestPauseMillis, pauseMillis * 2)
            }
          }
        })
      ),
      recalls: Effect.forever(
        Effect.gen(function* () {
          yield* Queue.take(suspicions)
          const request = recent.all(clock.unsafeCurrentTimeMillis())
          if (request === undefined) return
          // Hidden at once, invalidated when it is this instance's turn.
          journal.add(request)
          fenceHere(request, true)
          emit({ _tag: "Recalled", ...names(request) })
          yield* Effect.sleep((yield* random) * recallSpreadMillis)
          wishes.unsafeOffer(undefined)
          yield* Effect.sleep(recallPauseMillis)
        })
      ),
      last: Effect.suspend(() => {
        const next = journal.next(Infinity)
        // Saves in any case: what mutations have taken back is not to be invalidated by the next process.
        return Effect.zipRight(next === undefined ? Effect.void : Effect.catchAll(replay(next), failed), save)
      })
    }
  })
