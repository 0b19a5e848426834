/**
 * Everything that forbids an older value: invalidate, expire, set.
 *
 * The order is that of the protocol: the store's reply first, then the local fence, then the answer to the caller.
 * What the store did not acknowledge goes into the journal, which hides it here at once and is replayed until it is.
 * None of it can be interrupted half-way; the store's time limit bounds it. In a transaction that keeps them, fences
 * wait for the commit.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as AfterCommit from "../AfterCommit.js"
import type { StoreError } from "../CacheError.js"
import type { Capture, FenceRequest } from "../Store.js"
import type { Item } from "../StoreTier.js"
import { keyName } from "../StoreTier.js"
import * as consequences from "./consequences.js"
import { type Core, now } from "./core.js"
import type { Lookup } from "./currentLookup.js"
import type * as dependencies from "./dependencies.js"
import { type Beginning, keeps, replace } from "./keeping.js"
import * as learnings from "./learning.js"
import { prepareValue, type Storable, unstorable } from "./storable.js"

/**
 * Lets a fence fall, or leaves it to the transaction it is called in. Fails when the store did not acknowledge it; on
 * this instance it holds all the same.
 */
export const fence = (
  core: Core,
  kind: AfterCommit.Fence["kind"],
  cache: string,
  request: FenceRequest
): Effect.Effect<void, StoreError> => {
  if (request.keys.length === 0 && request.tags.length === 0 && request.everything !== true) return Effect.void
  // What falls after the commit has the names of many, as a replay has.
  const later: AfterCommit.Fence = {
    cache: core,
    kind,
    request,
    fall: (all) => Effect.ignore(fall(core, kind, "*", all)),
    announce: core.journal.announce ?? (() => Effect.succeed(Effect.void))
  }
  return Effect.contextWithEffect((context: Context.Context<never>) =>
    AfterCommit.isKept(context, later) ? Effect.void : fall(core, kind, cache, request)
  )
}

const fall = (
  core: Core,
  kind: AfterCommit.Fence["kind"],
  cache: string,
  request: FenceRequest
): Effect.Effect<void, StoreError> =>
  Effect.uninterruptible(
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

/** What became of values that were computed or written between a capture and its commit. */
export interface Written<E> {
  readonly exit: Exit.Exit<ReadonlyArray<any>, E>
  readonly failure: StoreError | undefined
}

/**
 * Captures the epochs, runs the effect, and commits a value for each item: stored only if nothing was fenced in
 * between, and the keys' older values are gone in any case. `isWrite`: the effect changes the source, so that a
 * failure of it, or of the store, must hide the old values; otherwise it only computes, and the old ones may stay.
 *
 * Where the policy leaves the store out, a write is committed without a value, so that the older ones are gone for
 * everybody, and what was only computed reaches memory alone.
 */
export const writeThrough = <E, R>(
  core: Core,
  items: ReadonlyArray<Item>,
  effect: Effect.Effect<ReadonlyArray<unknown>, E, R>,
  outer: Lookup | undefined,
  isWrite: boolean,
  observe?: (index: number, answer: dependencies.Dependency) => void
): Effect.Effect<Written<E>, never, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { key, policy } = items[0]!
      const cache = key.prefix
      const since = core.fences.now()
      const stores = isWrite || policy.writesStore
      const hides = items.some((item) => core.journal.hides(item.key.id, item.tags))
      const captured =
        hides || !stores
          ? Either.right(undefined)
          : yield* Effect.either(Effect.forEach(items, (item) => core.tier.capture(captureRequest(item))))
      const learning = learnings.make(core, items)
      const { inherited, learner, tags: learnt } = learning
      const startedMillis = yield* now
      const exit = yield* Effect.exit(restore(learnings.within(effect, outer, items, undefined, learner)))
      yield* learning.report
      const captures = Either.getOrUndefined(captured)
      const begun = { since, millis: startedMillis }
      if (Either.isLeft(captured)) yield* core.storeFailed(cache, captured.left)
      const tell = (index: number, more: ReadonlyArray<string>, expiresAtMillis: number) =>
        observe?.(index, {
          names: [...items[index]!.names, ...learnt, ...more],
          expiresAtMillis,
          since: inherited.since()
        })
      if (Exit.isFailure(exit) || captures === undefined) {
        for (const i of items.keys()) tell(i, [], Exit.isFailure(exit) ? Infinity : -Infinity)
        const request = { keys: items.map(keyName), tags: [] }
        const fenced = isWrite ? yield* Effect.either(fence(core, "invalidate", cache, request)) : Either.void
        if (Exit.isSuccess(exit) && !stores && learning.isUsable()) {
          const millis = Math.max(0, (yield* now) - startedMillis)
          yield* Effect.forEach(items, (item, i) => renew(core, item, exit.value[i], millis, learnt, begun, inherited))
        }
        if (Exit.isFailure(exit)) return { exit, failure: undefined }
        // A key that is hidden was not captured: what comes of its fence is all there is to say.
        const failure = Option.firstSomeOf([Either.getLeft(captured), Either.getLeft(fenced)])
        return { exit, failure: Option.getOrUndefined(failure) }
      }
      const millis = Math.max(0, (yield* now) - startedMillis)
      // Not side by side: an interruption would reach the children of this fiber although it masks its own.
      const untilMillis = learning.untilMillis()
      const failures = yield* Effect.forEach(items, (item, i) =>
        Effect.flatMap(prepareValue(core, item, exit.value[i], millis, untilMillis), (storable) => {
          tell(i, storable.learnt, storable.expiresAtMillis)
          const judged = inherited.judged(captures[i]!)
          return commit(core, item, {
            capture: judged ?? captures[i]!,
            storable,
            learnt,
            stores: judged !== undefined && learning.isUsable(),
            isWrite,
            // What was read may be older than the write: memory cannot be asked since when.
            begun: inherited.since() === undefined ? begun : undefined
          })
        })
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

/** Puts a value in the place of an older one, in this process's memory. */
const renew = (
  core: Core,
  item: Item,
  value: unknown,
  millis: number,
  learnt: ReadonlySet<string>,
  begun: Beginning,
  inherited: dependencies.Inherited
): Effect.Effect<void, never, any> =>
  Effect.map(prepareValue(core, item, value, millis, inherited.untilMillis()), (storable) => {
    const fence = () => core.fenceHere({ keys: [keyName(item)], tags: [] }, true)
    // Values whose age nobody knows take the place of older ones as none.
    const one = inherited.since() === undefined ? storable : unstorable
    const kept = keeps(core, item.policy)
      ? replace(core, item, one, [...new Set([...learnt, ...storable.learnt])], begun, fence)
      : "Uncacheable"
    core.backoff.end(item.flightId)
    core.emitKey(item.key, { _tag: kept })
  })

/** A value on its way into the place of an older one. */
interface Committing {
  readonly capture: Capture
  readonly storable: Storable
  readonly learnt: ReadonlySet<string>
  /** Whether the value may be stored; the older ones are gone in any case. */
  readonly stores: boolean
  readonly isWrite: boolean
  /** Absent: nobody knows how old what it was computed from is, so memory does not take it. */
  readonly begun: Beginning | undefined
}

const commit = (
  core: Core,
  item: Item,
  { begun, capture, isWrite, learnt, storable, stores }: Committing
): Effect.Effect<StoreError | undefined, never, any> =>
  Effect.gen(function* () {
    const learntTags = [...new Set([...learnt, ...storable.learnt])].filter((tag) => tag !== item.key.id)
    const hides = core.journal.hides(item.key.id, [...item.tags, ...learntTags])
    const outcome = yield* Effect.either(
      core.below.commit({
        capture,
        learntTags,
        bytes: hides || !stores || !item.policy.writesStore ? undefined : storable.bytes,
        timeToLiveMillis: storable.keepMillis
      })
    )
    const request: FenceRequest = { keys: [keyName(item)], tags: [] }
    if (Either.isLeft(outcome)) {
      if (isWrite) yield* core.journal.remember(request)
      yield* core.storeFailed(item.key.prefix, outcome.left, isWrite ? undefined : consequences.ofRefresh)
    } else core.journal.acknowledged(request)
    const fence = () => core.fenceHere(request, true)
    const kept = stores && begun !== undefined ? replace(core, item, storable, learntTags, begun, fence) : fence()
    core.backoff.end(item.flightId)
    if (Either.isRight(outcome)) core.emitKey(item.key, { _tag: kept === "Stored" ? kept : outcome.right })
    return Either.isLeft(outcome) ? outcome.left : undefined
  })
