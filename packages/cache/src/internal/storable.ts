/**
 * From what a lookup brought to what is stored: whether, for how long, under which further tags, and as which bytes.
 *
 * Mistakes of the policy or of the schema are reported, and the value is just not stored.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { type CodecError, ConfigurationError } from "../CacheError.js"
import * as Codec from "../Codec.js"
import type { Item } from "../StoreTier.js"
import { type Core, now } from "./core.js"
import { described } from "./failures.js"

/** What a value is to be stored as, or why not. */
export interface Storable {
  readonly bytes: Uint8Array | undefined
  readonly encoded: string | undefined
  readonly instants: Codec.Instants | undefined
  readonly keepMillis: number
  readonly learnt: ReadonlyArray<string>
  /** When it ends, for what is computed from it, also if it is not stored. */
  readonly expiresAtMillis: number
}

export const unstorable: Storable = {
  bytes: undefined,
  encoded: undefined,
  instants: undefined,
  keepMillis: 0,
  learnt: [],
  expiresAtMillis: -Infinity
}

export const unstorableFailure: Storable = { ...unstorable, expiresAtMillis: Infinity }

/** Tells of a function of the user that threw, or answered what is not usable. */
export const reportPolicy = (core: Core, item: Item, operation: string, error: unknown) =>
  core.report({
    kind: "Policy",
    cache: item.key.prefix,
    operation,
    surfaced: false,
    cause: error instanceof ConfigurationError ? Cause.fail(error) : Cause.die(error)
  })

const reportCodec = (core: Core, item: Item, operation: string, error: CodecError) =>
  core.report({ kind: "Codec", cache: item.key.prefix, operation, surfaced: false, cause: Cause.fail(error) })

/** `untilMillis`: when the first of the values ends that it was computed from. */
export const prepareValue = (
  core: Core,
  item: Item,
  value: unknown,
  lookupMillis: number,
  untilMillis: number
): Effect.Effect<Storable, never, any> =>
  Effect.gen(function* () {
    const { policy, codec } = item
    const questions = yield* Effect.either(
      Effect.try({
        try: () => ({
          cacheable: policy.cacheable(value),
          timeToLive: policy.timeToLiveMillis(value),
          learnt: policy.tagsOf?.(value) ?? []
        }),
        catch: (error) => error
      })
    )
    if (Either.isLeft(questions)) {
      yield* reportPolicy(core, item, "store", questions.left)
      return unstorable
    }
    const { cacheable, learnt, timeToLive } = questions.right
    const random = policy.jitter > 0 ? yield* Random.next : 0
    const createdAtMillis = yield* now
    const ownMillis = cacheable ? Math.ceil(timeToLive * (1 - policy.jitter * random)) : 0
    const freshMillis = Math.min(ownMillis, untilMillis - createdAtMillis)
    const expiresAtMillis = freshMillis > 0 ? createdAtMillis + freshMillis : -Infinity
    const encoded = yield* Effect.either(codec.encode(value))
    if (Either.isLeft(encoded)) {
      yield* reportCodec(core, item, "encode", encoded.left)
      return { ...unstorable, learnt, expiresAtMillis }
    }
    if (freshMillis <= 0) return { ...unstorable, encoded: encoded.right, learnt }
    const instants = { createdAtMillis, expiresAtMillis, lookupMillis }
    const keepMillis = freshMillis + Math.max(policy.staleWhileRevalidateMillis, policy.staleIfErrorMillis)
    const bytes = Codec.seal("Value", codec.shape, instants, encoded.right)
    return { bytes, encoded: encoded.right, instants, keepMillis, learnt, expiresAtMillis }
  })

/** What a failure is stored as; one that is not stored has no life that could end. */
export const prepareFailure = (
  core: Core,
  item: Item,
  cause: Cause.Cause<unknown>,
  lookupMillis: number,
  untilMillis: number
): Effect.Effect<Storable, never, any> =>
  Effect.gen(function* () {
    const { failures } = item.policy
    const unstorable = unstorableFailure
    const error = described(failures, cause)
    if (failures === undefined || item.failureCodec === undefined || Option.isNone(error)) return unstorable
    const cacheable = yield* Effect.either(Effect.try({ try: () => failures.cacheable(error.value), catch: (e) => e }))
    if (Either.isLeft(cacheable)) yield* reportPolicy(core, item, "store", cacheable.left)
    if (Either.isLeft(cacheable) || !cacheable.right || failures.timeToLiveMillis <= 0) return unstorable
    const encoded = yield* Effect.either(item.failureCodec.encode(error.value))
    if (Either.isLeft(encoded)) {
      yield* reportCodec(core, item, "encode", encoded.left)
      return unstorable
    }
    const createdAtMillis = yield* now
    const keepMillis = Math.min(failures.timeToLiveMillis, untilMillis - createdAtMillis)
    if (keepMillis <= 0) return unstorable
    const expiresAtMillis = createdAtMillis + keepMillis
    const instants = { createdAtMillis, expiresAtMillis, lookupMillis }
    const bytes = Codec.seal("Failure", item.failureCodec.shape, instants, encoded.right)
    return { bytes, encoded: undefined, instants: undefined, keepMillis, learnt: [], expiresAtMillis }
  })
