/**
 * Everything that forbids an older value: invalidate, expire, set.
 *
 * The order is that of the protocol: the store's reply first, then the local fence, then the answer to the caller.
 * What the store did not acknowledge goes into the journal, which hides it here at once and is replayed until it is.
 * None of it can be interrupted half-way; the store's time limit bounds it.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { StoreError } from "../CacheError.js"
import type { Capture, FenceRequest } from "../Store.js"
import type { Item } from "../StoreTier.js"
import { keyName } from "../StoreTier.js"
import { type Core, now } from "./core.js"
import type { Lookup } from "./currentLookup.js"
import { within } from "./lookups.js"
import { prepareValue, reportPolicy } from "./storable.js"

/** Lets a fence fall. Fails when the store did not acknowledge it; on this instance it holds all the same. */
export const fence = (
  core: Core,
  kind: "invalidate" | "expire",
  cache: string,
  request: FenceRequest
): Effect.Effect<void, StoreError> => {
  if (request.keys.length === 0 && request.tags.length === 0 && request.everything !== true) return Effect.void
  return Effect.uninterruptible(
    Effect.gen(function* () {
      const outcome = yield* Effect.either(core.below[kind](request))
      if (Either.isLeft(outcome)) {
        yield* core.journal.remember(request)
        yield* core.storeFailed(cache, outcome.left)
      } else core.journal.acknowledged(request)
      core.fenceHere(request, kind === "invalidate")
      core.emit({
        _tag: kind === "invalidate" ? "Invalidated" : "Expired",
        keys: request.keys.map((name) => name.key),
        tags: request.tags,
        acknowledged: Either.isRight(outcome)
      })
      return yield* outcome
    })
  )
}

/** What became of values that were computed or written between a capture and its commit. */
export interface Written<E> {
  readonly exit: Exit.Exit<ReadonlyArray<any>, E>
  readonly failure: StoreError | undefined
}

/**
 * Captures the epochs, runs the effect, and commits a value for each item: stored only if nothing was fenced in
 * between, and the keys' older values are gone in any case. `isWrite`: the effect changes the source, so that a
 * failure of it, or of the store, must hide the old values; otherwise it only computes, and the old ones may stay.
 */
export const writeThrough = <E, R>(
  core: Core,
  items: ReadonlyArray<Item>,
  effect: Effect.Effect<ReadonlyArray<unknown>, E, R>,
  outer: Lookup | undefined,
  isWrite: boolean
): Effect.Effect<Written<E>, never, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const cache = items[0]!.key.prefix
      const hides = items.some((item) => core.journal.hides(item.key.id, item.tags))
      const captured = hides
        ? Either.right(undefined)
        : yield* Effect.either(Effect.forEach(items, (item) => core.tier.capture(captureRequest(item))))
      const learnt = new Set<string>()
      const startedMillis = yield* now
      const learn = (tags: ReadonlyArray<string>) => tags.forEach((tag) => learnt.add(tag))
      let unusableTag: unknown
      const refuse = (error: unknown) => {
        unusableTag = error
      }
      const exit = yield* Effect.exit(restore(within(effect, outer, items, undefined, { learn, refuse })))
      if (unusableTag !== undefined) yield* reportPolicy(core, items[0]!, "tags", unusableTag)
      const captures = Either.getOrUndefined(captured)
      if (Either.isLeft(captured)) yield* core.storeFailed(cache, captured.left)
      if (Exit.isFailure(exit) || captures === undefined) {
        const request = { keys: items.map(keyName), tags: [] }
        const fenced = isWrite ? yield* Effect.either(fence(core, "invalidate", cache, request)) : Either.void
        if (Exit.isFailure(exit)) return { exit, failure: undefined }
        // A key that is hidden was not captured: what comes of its fence is all there is to say.
        const failure = Option.firstSomeOf([Either.getLeft(captured), Either.getLeft(fenced)])
        return { exit, failure: Option.getOrUndefined(failure) }
      }
      const millis = Math.max(0, (yield* now) - startedMillis)
      // Not side by side: an interruption would reach the children of this fiber although it masks its own.
      const failures = yield* Effect.forEach(items, (item, i) =>
        commit(core, item, captures[i]!, exit.value[i], millis, learnt, unusableTag === undefined, isWrite)
      )
      return { exit, failure: failures.find((failure) => failure !== undefined) }
    })
  )

const captureRequest = (item: Item) => ({
  key: item.key.id,
  shape: item.codec.shape,
  tags: item.tags,
  retainMillis: Math.max(item.policy.retainMillis, 60_000)
})

const commit = (
  core: Core,
  item: Item,
  capture: Capture,
  value: unknown,
  millis: number,
  learnt: ReadonlySet<string>,
  stores: boolean,
  isWrite: boolean
): Effect.Effect<StoreError | undefined, never, any> =>
  Effect.gen(function* () {
    const storable = yield* prepareValue(core, item, value, millis)
    const learntTags = [...new Set([...learnt, ...storable.learnt])]
    const hides = core.journal.hides(item.key.id, [...item.tags, ...learntTags])
    const outcome = yield* Effect.either(
      core.below.commit({
        capture,
        learntTags,
        bytes: hides || !stores ? undefined : storable.bytes,
        timeToLiveMillis: storable.keepMillis
      })
    )
    const request: FenceRequest = { keys: [keyName(item)], tags: [] }
    if (Either.isLeft(outcome)) {
      if (isWrite) yield* core.journal.remember(request)
      yield* core.storeFailed(item.key.prefix, outcome.left)
    } else core.journal.acknowledged(request)
    core.fenceHere(request, true)
    core.backoff.end(item.flightId)
    if (Either.isRight(outcome)) core.emitKey(item.key, { _tag: outcome.right })
    return Either.isLeft(outcome) ? outcome.left : undefined
  })
