/**
 * The operations of a `BackingPersistence`, as those of a store. A set after a miss is a fill, in the place of the lease
 * that the persistence does not know of; a set for itself is a capture and a commit; one after a read
 * that failed is an invalidation.
 */
import { CodecError, type StoreError } from "@larder/cache/CacheError"
import * as CacheKey from "@larder/cache/CacheKey"
import * as CachePolicy from "@larder/cache/CachePolicy"
import * as Codec from "@larder/cache/Codec"
import * as Epoch from "@larder/cache/Epoch"
import type * as Store from "@larder/cache/Store"
import * as Persistence from "@effect/experimental/Persistence"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Options } from "../StorePersistence.js"
import * as guardedStore from "./guardedStore.js"
import * as misses from "./misses.js"

type Entry = readonly [key: string, value: unknown, ttl: Option.Option<Duration.Duration>]

interface Storable {
  readonly id: string
  readonly tags: ReadonlyArray<string>
  readonly bytes: Uint8Array
  readonly timeToLiveMillis: number
}

const codec = Codec.make(Schema.Unknown)
const { shape } = codec
const longest = Duration.toMillis(CachePolicy.maximumTimeToLive)
const leaseMillis = 10_000
/** How long the epoch of a miss is there to be compared with. What is looked up for longer is not stored. */
const epochMillis = 600_000

export const make = (options: Options) =>
  Effect.gen(function* () {
    const guarded = yield* guardedStore.make(options)
    const family = CacheKey.family(options.prefix ?? "persistence")
    const missed = misses.make()
    return Persistence.BackingPersistence.of({
      [Persistence.BackingPersistenceTypeId]: Persistence.BackingPersistenceTypeId,
      make: (storeId) => Effect.sync(() => backing(guarded, family, missed, storeId))
    })
  })

const backing = (
  guarded: guardedStore.GuardedStore,
  family: CacheKey.Family,
  missed: FiberRef.FiberRef<misses.Misses>,
  storeId: string
): Persistence.BackingPersistenceStore => {
  const { store, tier } = guarded
  const keyOf = (key: string) => CacheKey.of(family, [storeId, key], Schema.Unknown)
  const scope = CacheKey.scopeTag(family.prefix, storeId)

  const note = (changes: Iterable<readonly [string, misses.Seen | undefined]>) =>
    FiberRef.update(missed, (known) => misses.update(known, changes))

  /** The value in an answer that may be given, or nothing. */
  const valueOf = (
    tags: ReadonlyArray<string>,
    { epochs, found }: Store.ReadAnswer,
    isLate: boolean,
    nowMillis: number
  ): Effect.Effect<Option.Option<unknown>> => {
    const unusable = (detail: string) =>
      Effect.as(guarded.undecodable(storeId, new CodecError({ reason: "Decode", detail })), Option.none())
    if (found._tag === "Absent") return Effect.succeedNone
    if (found._tag === "Malformed") return unusable("not an entry of this store")
    const carried = found.stamps.tags.map(([tag]) => tag)
    const stands = !isLate && Epoch.standing(found.stamps, epochs) === "Current"
    if (!stands || !tags.every((tag) => carried.includes(tag))) return Effect.succeedNone
    const opened = Codec.open(found.bytes)
    if (opened?.shape !== shape) return unusable("not an envelope of ours")
    if (nowMillis >= opened.expiresAtMillis) return Effect.succeedNone
    return Effect.matchEffect(codec.decode(opened.encoded), {
      onFailure: (error) => Effect.as(guarded.undecodable(storeId, error), Option.none()),
      onSuccess: Effect.succeedSome
    })
  }

  /** What a set that follows will be compared with: where a key lies apart from its tags, an epoch of its own. */
  const missOf = (id: string, tags: ReadonlyArray<string>, { epochs, found }: Store.ReadAnswer) => {
    const miss: misses.Miss = { epochs, seen: found._tag === "Absent" ? undefined : found.id }
    if (store.apart !== true || epochs.key !== undefined) return Effect.succeed<misses.Seen>(miss)
    return Effect.match(tier.capture({ key: id, shape, tags, retainMillis: epochMillis }), {
      onFailure: (): misses.Seen => "Unknown",
      onSuccess: ({ counter, stamps }): misses.Seen => ({
        ...miss,
        epochs: { counter, key: stamps.key, tags: new Map(stamps.tags) }
      })
    })
  }

  const getMany = (keys: ReadonlyArray<string>): Effect.Effect<Array<Option.Option<unknown>>> =>
    Effect.suspend(() => {
      const named = keys.map(keyOf)
      const asked = guarded.asked()
      const requests = named.map(({ id, tags }) => ({ key: id, shape, tags }))
      return Effect.matchEffect(guarded.list("read", store.read(requests), requests.length), {
        onFailure: (error) =>
          Effect.zipRight(
            guarded.swallowed(storeId, error),
            Effect.as(
              note(named.map(({ id }) => [id, "Unknown"])),
              keys.map(() => Option.none())
            )
          ),
        onSuccess: (answers) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const values: Array<Option.Option<unknown>> = []
            for (const [i, answer] of answers.entries()) {
              const late = guarded.lags(answer.epochs.counter, asked)
              values.push(yield* valueOf(named[i]!.tags, answer, late, now))
            }
            const changes = Effect.forEach(
              answers,
              (answer, i) => {
                const { id, tags } = named[i]!
                const seen = Option.isSome(values[i]!) ? Effect.succeed(undefined) : missOf(id, tags, answer)
                return Effect.map(seen, (one) => [id, one] as const)
              },
              { concurrency: "unbounded" }
            )
            yield* note(yield* changes)
            return values
          }).pipe(
            // An answer that is no answer is a failure of the store, not a defect of whoever asked.
            Effect.catchAllDefect(() =>
              Effect.zipRight(
                guarded.swallowed(storeId, guarded.badReply("read")),
                Effect.as(
                  note(named.map(({ id }) => [id, "Unknown"])),
                  keys.map(() => Option.none())
                )
              )
            )
          )
      })
    })

  const storable = ([key, value, ttl]: Entry): Effect.Effect<Option.Option<Storable>> =>
    Effect.gen(function* () {
      const { id, tags } = keyOf(key)
      const millis = Math.min(Option.match(ttl, { onNone: () => longest, onSome: Duration.toMillis }), longest)
      const encoded = yield* Effect.either(codec.encode(value))
      if (encoded._tag === "Left") {
        yield* guarded.unencodable(storeId, encoded.left)
        return Option.none()
      }
      const createdAtMillis = yield* Clock.currentTimeMillis
      const instants = { createdAtMillis, expiresAtMillis: createdAtMillis + millis, lookupMillis: 0 }
      const bytes = Codec.seal("Value", shape, instants, encoded.right)
      return Option.some({ id, tags, bytes, timeToLiveMillis: Math.max(1, Math.ceil(millis)) })
    })

  /** After misses: stored where nothing was fenced since, and nobody else has stored meanwhile. */
  const fill = (entries: ReadonlyArray<readonly [Storable, misses.Miss]>): Effect.Effect<void, StoreError> =>
    Effect.gen(function* () {
      const requests = entries.map(([{ id, tags, timeToLiveMillis }, { seen }]) => {
        const retainMillis = Math.max(timeToLiveMillis, 2 * leaseMillis)
        return { key: id, shape, tags, seen, leaseMillis, retainMillis }
      })
      const answers = yield* guarded.list("lease", store.lease(requests), requests.length)
      const fills: Array<Store.FillRequest> = []
      const overtaken: Array<Store.Lease> = []
      for (const [i, answer] of answers.entries()) {
        const [{ bytes, timeToLiveMillis }, miss] = entries[i]!
        if (answer._tag !== "Granted") continue
        const { lease } = answer
        if (!misses.isUntouched(miss, lease.stamps, lease.counter)) overtaken.push(lease)
        else fills.push({ lease, learntTags: [], bytes, timeToLiveMillis })
      }
      if (overtaken.length > 0) yield* tier.release(overtaken)
      if (fills.length > 0) yield* guarded.list("fill", store.fill(fills), fills.length)
    })

  /** For itself: stored in the place of whatever is there, unless another set or a removal comes in between. */
  const commit = ({ bytes, id, tags, timeToLiveMillis }: Storable): Effect.Effect<void, StoreError> =>
    Effect.flatMap(tier.capture({ key: id, shape, tags, retainMillis: timeToLiveMillis }), (capture) =>
      tier.commit({ capture, learntTags: [], bytes, timeToLiveMillis })
    )

  const setMany = (entries: ReadonlyArray<Entry>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const isOver = ([, , ttl]: Entry) => Option.exists(ttl, (duration) => !(Duration.toMillis(duration) > 0))
      // Of one key's entries the last one counts.
      const last = [...new Map(entries.map((entry) => [entry[0], entry])).values()]
      const stored = (work: Effect.Effect<void, StoreError>) =>
        Effect.catchAll(work, (error) => guarded.swallowed(storeId, error))
      const known = yield* FiberRef.get(missed)
      // What is there may be older than this, and this older than a removal: neither stays.
      const isUnknown = ([key]: Entry) => known.get(keyOf(key).id) === "Unknown"
      const over = last
        .filter((entry) => isOver(entry) || isUnknown(entry))
        .map(([key]) => ({ key: keyOf(key).id, shapes: [shape] }))
      if (over.length > 0) yield* stored(tier.invalidate({ keys: over, tags: [] }))
      const all = yield* Effect.forEach(last, (entry) => (isOver(entry) ? Effect.succeedNone : storable(entry)))
      const following: Array<readonly [Storable, misses.Miss]> = []
      const alone: Array<Storable> = []
      for (const one of all.flatMap(Option.toArray)) {
        const miss = known.get(one.id)
        if (miss === undefined) alone.push(one)
        else if (miss !== "Unknown") following.push([one, miss])
      }
      yield* note(last.map(([key]) => [keyOf(key).id, undefined]))
      if (following.length > 0) yield* stored(fill(following))
      yield* Effect.forEach(alone, (one) => stored(commit(one)), { concurrency: "unbounded", discard: true })
    }).pipe(Effect.catchAllDefect(() => guarded.swallowed(storeId, guarded.badReply("fill"))))

  const fence = (method: string, request: Store.FenceRequest) =>
    Effect.mapError(tier.invalidate(request), (error) => Persistence.PersistenceBackingError.make(method, error))

  const remove = (key: string) =>
    Effect.suspend(() => {
      const { id } = keyOf(key)
      // What this fiber sets from here on was not looked up before.
      return Effect.zipRight(
        note([[id, undefined]]),
        fence("remove", { keys: [{ key: id, shapes: [shape] }], tags: [] })
      )
    })

  return {
    get: (key) => Effect.map(getMany([key]), ([value]) => value!),
    getMany: (keys) => (keys.length === 0 ? Effect.succeed([]) : getMany(keys)),
    set: (key, value, ttl) => setMany([[key, value, ttl]]),
    setMany,
    remove,
    clear: Effect.zipRight(FiberRef.set(missed, new Map()), fence("clear", { keys: [], tags: [scope] }))
  }
}
