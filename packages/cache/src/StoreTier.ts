/**
 * A store seen through a codec: entries instead of bytes, decided by their epochs, with a time limit and a circuit
 * breaker around a store that is not in this process.
 *
 * Here, and only here, an answer of a store becomes an entry: one whose stamps are not the current epochs, whose shape
 * is another, or whose bytes are not ours, is none.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { CacheEntry } from "./CacheEntry.js"
import { CodecError, StoreError } from "./CacheError.js"
import type { CacheKey } from "./CacheKey.js"
import type { Resolved } from "./CachePolicy.js"
import type { CircuitBreaker } from "./CircuitBreaker.js"
import * as Codec from "./Codec.js"
import * as Epoch from "./Epoch.js"
import * as Counts from "./internal/counts.js"
import { limit } from "./internal/limit.js"
import type {
  Capture,
  CaptureRequest,
  CommitRequest,
  FenceRequest,
  FillRequest,
  KeyName,
  Lease,
  Outcome,
  ReadAnswer,
  Store
} from "./Store.js"

/**
 * One call's key with everything decided about it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Item {
  readonly key: CacheKey<any, any, any>
  readonly codec: Codec.Codec<any, any>
  readonly failureCodec: Codec.Codec<any, never> | undefined
  readonly policy: Resolved
  /** The tags known before the lookup, as the store holds them. */
  readonly tags: ReadonlyArray<string>
  /** The key and its tags, as fences name them. */
  readonly names: ReadonlyArray<string>
  /** Key and shape: what one flight is for. */
  readonly flightId: string
}

/**
 * What the store holds for an item, seen through its codec.
 *
 * @since 0.1.0
 * @category models
 */
export interface View {
  readonly entry: CacheEntry<any, any> | undefined
  /** The value as it is stored; none for a stored failure. */
  readonly encoded: string | undefined
  /** Whether `expire` marked the entry stale. */
  readonly expired: boolean
  /** Names the value that was seen, an unusable one too. */
  readonly id: string | undefined
  /** Every tag the entry carries. */
  readonly tags: ReadonlyArray<string>
  /** Why there is no entry although there are bytes. */
  readonly problem: CodecError | undefined
  /** The store's count of fences when it was seen there. */
  readonly counter?: Epoch.Counter | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Leased =
  | { readonly _tag: "Granted"; readonly lease: Lease }
  | { readonly _tag: "Busy" }
  | { readonly _tag: "Found"; readonly view: View }

/**
 * @since 0.1.0
 * @category models
 */
export interface Wish {
  readonly item: Item
  /** The `id` of the view that was refused; `"*"` refuses any. */
  readonly seen: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoreTier {
  readonly name: string
  /** Whether an operation may wait. */
  readonly remote: boolean
  /** Looks items up; their values come with the epochs that judge them. */
  readonly read: (items: ReadonlyArray<Item>) => Effect.Effect<ReadonlyArray<View>, StoreError, any>
  readonly lease: (
    wishes: ReadonlyArray<Wish>,
    limitMillis: number
  ) => Effect.Effect<ReadonlyArray<Leased>, StoreError, any>
  readonly fill: (requests: ReadonlyArray<FillRequest>) => Effect.Effect<ReadonlyArray<Outcome>, StoreError>
  readonly renew: (leases: ReadonlyArray<Lease>) => Effect.Effect<ReadonlyArray<boolean>, StoreError>
  readonly release: (leases: ReadonlyArray<Lease>) => Effect.Effect<void, StoreError>
  /**
   * Tried even while the circuit is open: an invalidation that could be delivered must not wait for a probe. Not
   * interruptible, as `expire` and `commit`: what was begun may have happened, and its caller must know.
   */
  readonly invalidate: (request: FenceRequest) => Effect.Effect<void, StoreError>
  readonly expire: (request: FenceRequest) => Effect.Effect<void, StoreError>
  readonly capture: (request: CaptureRequest) => Effect.Effect<Capture, StoreError>
  readonly commit: (request: CommitRequest) => Effect.Effect<Outcome, StoreError>
  /** Whether the store gave this count to a fence of this instance. */
  readonly isOwnFence: (counter: Epoch.Counter) => boolean
  /** How far the store is known to be. */
  readonly lastCount: () => Epoch.Counter | undefined
  /**
   * Takes what the store has told elsewhere, by a bus that it sends on: that it was so far, and where `asked` is given,
   * that it was when it had been known to be at that.
   */
  readonly counted: (counter: Epoch.Counter, asked?: Epoch.Counter) => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly operationMillis: number
  readonly leaseMillis: number
  readonly breaker: CircuitBreaker
  /** Told of every operation that succeeded, by its name. */
  readonly onSuccess: (operation: string) => void
  /** Told when the store has gone back behind what it had told before: it has lost something, or a replica took over. */
  readonly onRegress?: (() => void) | undefined
}

/**
 * The view of nothing.
 *
 * @since 0.1.0
 * @category constants
 */
export const nothing: View = {
  entry: undefined,
  encoded: undefined,
  expired: false,
  id: undefined,
  tags: [],
  problem: undefined
}

/**
 * The names of an item's key for a fence.
 *
 * @since 0.1.0
 * @category accessors
 */
export const keyName = (item: Item): KeyName => ({ key: item.key.id, shapes: [item.codec.shape] })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (store: Context.Tag.Service<Store>, options: Options): StoreTier => {
  const counts = Counts.make(() => options.onRegress?.())

  const guarded = <A>(
    operation: string,
    call: Effect.Effect<A, StoreError>,
    limitMillis = options.operationMillis
  ): Effect.Effect<A, StoreError> =>
    store.remote
      ? options.breaker.protect(
          limit({ store: store.name, operation }, call, Math.min(limitMillis, options.operationMillis)),
          () =>
            new StoreError({ store: store.name, operation, reason: "CircuitOpen", detail: "left alone for a while" })
        )
      : call

  const always = <A>(operation: string, call: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    store.remote
      ? Effect.uninterruptible(
          options.breaker.observe(limit({ store: store.name, operation }, call, options.operationMillis))
        )
      : call

  // A value stored without a tag that is declared now cannot be fenced by it: older releases did not know the tag.
  const carries = (stamps: Epoch.Stamps, tags: ReadonlyArray<string>): boolean =>
    tags.every((tag, i) => stamps.tags[i]?.[0] === tag || stamps.tags.some(([name]) => name === tag))

  const unusable = (id: string, detail: string): Effect.Effect<View> =>
    Effect.succeed({ ...nothing, id, problem: new CodecError({ reason: "Decode", detail }) })

  const view = (item: Item, answer: ReadAnswer, asked: Epoch.Counter | undefined): Effect.Effect<View, never, any> => {
    const { found, epochs } = answer
    // Every answer says how far the store was, also one that found nothing.
    if (epochs.counter !== undefined) counts.read(epochs.counter)
    if (found._tag === "Absent") return Effect.succeed(nothing)
    if (found._tag === "Malformed") return unusable(found.id, "not an entry of this store")
    const { id } = found
    // A replica may lag behind what this instance had seen when it asked: an answer from before that is a miss.
    const standing = counts.isBehind(epochs.counter, asked) ? "Invalid" : Epoch.standing(found.stamps, epochs)
    if (standing === "Invalid" || !carries(found.stamps, item.tags)) return Effect.succeed({ ...nothing, id })
    const opened = Codec.open(found.bytes)
    if (opened === undefined) return unusable(id, "not an envelope of ours")
    const codec = opened.kind === "Value" ? item.codec : item.failureCodec
    if (codec?.shape !== opened.shape) {
      // A failure that this policy does not store is a miss like any other.
      return opened.kind === "Failure" ? Effect.succeed({ ...nothing, id }) : unusable(id, "of another shape")
    }
    const { createdAtMillis, expiresAtMillis, lookupMillis } = opened
    const seen = (decoded: Either.Either<unknown, CodecError>): View =>
      Either.isLeft(decoded)
        ? { ...nothing, id, problem: decoded.left }
        : {
            entry: {
              content: opened.kind === "Value" ? Either.right(decoded.right) : Either.left(decoded.right),
              createdAtMillis,
              expiresAtMillis,
              lookupMillis
            },
            encoded: opened.kind === "Value" ? opened.encoded : undefined,
            expired: standing === "Expired",
            id,
            tags: found.stamps.tags.map(([tag]) => tag),
            problem: undefined,
            counter: epochs.counter
          }
    const decoding = codec.decode(opened.encoded)
    return Either.isEither(decoding)
      ? Effect.succeed(seen(decoding as Either.Either<unknown, CodecError>))
      : Effect.map(Effect.either(decoding), seen)
  }

  /** An answer that is no answer is a failure of the store, not a defect of whoever asked. */
  const believe = <A, B, R>(
    operation: string,
    call: Effect.Effect<A, StoreError>,
    f: (answer: A) => Effect.Effect<B, StoreError, R>
  ): Effect.Effect<B, StoreError, R> =>
    Effect.catchAllDefect(
      Effect.flatMap(call, (answer) => {
        options.onSuccess(operation)
        return f(answer)
      }),
      () =>
        Effect.fail(new StoreError({ store: store.name, operation, reason: "BadReply", detail: "no usable answer" }))
    )

  const each = <A>(
    operation: string,
    answers: ReadonlyArray<A>,
    questions: number
  ): Effect.Effect<ReadonlyArray<A>, StoreError> =>
    Array.isArray(answers) && answers.length === questions
      ? Effect.succeed(answers)
      : Effect.fail(
          new StoreError({
            store: store.name,
            operation,
            reason: "BadReply",
            detail: "another number of answers than questions"
          })
        )

  const fenced = (operation: "invalidate" | "expire", request: FenceRequest) =>
    Effect.suspend(() => {
      const asked = request.everything === true ? undefined : counts.last()
      return believe(operation, always(operation, store[operation](request)), (counter) =>
        typeof counter.n === "number" ? Effect.sync(() => counts.fenced(counter, asked)) : Effect.die(counter)
      )
    })

  return {
    name: store.name,
    remote: store.remote,
    isOwnFence: counts.isOwn,
    lastCount: counts.last,
    counted: counts.written,
    read: (items) =>
      Effect.suspend(() => {
        const asked = counts.last()
        const requests = items.map(({ key, codec, tags }) => ({ key: key.id, shape: codec.shape, tags }))
        return believe("read", guarded("read", store.read(requests)), (answers) =>
          items.length === 1 && answers.length === 1
            ? Effect.map(view(items[0]!, answers[0]!, asked), (one) => [one])
            : Effect.flatMap(each("read", answers, items.length), (some) =>
                Effect.forEach(some, (answer, i) => view(items[i]!, answer, asked))
              )
        )
      }),
    lease: (wishes, limitMillis) =>
      Effect.suspend(() => {
        const asked = counts.last()
        const requests = wishes.map(({ item, seen }) => ({
          key: item.key.id,
          shape: item.codec.shape,
          tags: item.tags,
          seen,
          shared: item.policy.sharesLease,
          leaseMillis: options.leaseMillis,
          retainMillis: Math.max(item.policy.retainMillis, 2 * options.leaseMillis)
        }))
        return believe("lease", guarded("lease", store.lease(requests), limitMillis), (answers) =>
          Effect.flatMap(each("lease", answers, wishes.length), (some) =>
            Effect.forEach(some, (answer, i): Effect.Effect<Leased, never, any> => {
              if (answer._tag === "Granted") counts.written(answer.lease.counter, asked)
              if (answer._tag !== "Found") return Effect.succeed(answer)
              return Effect.map(view(wishes[i]!.item, answer.answer, asked), (one) => ({ _tag: "Found", view: one }))
            })
          )
        )
      }),
    fill: (requests) =>
      believe("fill", guarded("fill", store.fill(requests)), (outcomes) => each("fill", outcomes, requests.length)),
    renew: (leases) =>
      believe("renew", guarded("renew", store.renew(leases, options.leaseMillis)), (kept) =>
        each("renew", kept, leases.length)
      ),
    release: (leases) => believe("release", guarded("release", store.release(leases)), () => Effect.void),
    invalidate: (request) => fenced("invalidate", request),
    expire: (request) => fenced("expire", request),
    capture: (request) => believe("capture", guarded("capture", store.capture(request)), Effect.succeed),
    commit: (request) =>
      Effect.suspend(() => {
        const asked = counts.last()
        return believe("commit", always("commit", store.commit(request)), ({ outcome, counter }) => {
          counts.fenced(counter, asked)
          return Effect.succeed(outcome)
        })
      })
  }
}
