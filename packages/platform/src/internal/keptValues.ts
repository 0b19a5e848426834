/**
 * The list that an orderly end leaves for the next start: which values were valid, and where they are.
 *
 * It is taken away before it is used. A list that stayed would be read once more after a crash, and bring back what was
 * invalidated since.
 */
import type { StoreError } from "@larder/cache/CacheError"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { storeError, unlessAbsent } from "./errors.js"

const Kept = Schema.Struct({
  key: Schema.String,
  shape: Schema.String,
  tags: Schema.Array(Schema.String),
  place: Schema.NonNegativeInt,
  id: Schema.String,
  expiresAtMillis: Schema.Number,
  stale: Schema.Boolean
})

export type Kept = typeof Kept.Type

const List = Schema.parseJson(Schema.Struct({ version: Schema.Literal(1), values: Schema.Array(Kept) }))
const encode = Schema.encodeSync(List)
const decode = Schema.decodeUnknownOption(List)

const nameIn = (prefix: string) => `${prefix}kept`

/** Answers the list and takes it away; one that was not written to its end is none. */
export const take = (
  store: KeyValueStore.KeyValueStore,
  prefix: string
): Effect.Effect<ReadonlyArray<Kept>, StoreError> =>
  Effect.gen(function* () {
    const text = yield* store.get(nameIn(prefix))
    if (Option.isNone(text)) return []
    yield* unlessAbsent(store.remove(nameIn(prefix)))
    return Option.match(decode(text.value), { onNone: () => [], onSome: ({ values }) => values })
  }).pipe(Effect.mapError(storeError("begin")))

export const leave = (
  store: KeyValueStore.KeyValueStore,
  prefix: string,
  values: ReadonlyArray<Kept>
): Effect.Effect<void, StoreError> =>
  Effect.mapError(
    Effect.suspend(() => store.set(nameIn(prefix), encode({ version: 1, values }))),
    storeError("end")
  )
