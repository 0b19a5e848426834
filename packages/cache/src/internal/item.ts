/** From a key and its policies to an `Item`: everything decided once, and kept for as long as the policy lives. */
import * as Context from "effect/Context"
import type { CacheKey } from "../CacheKey.js"
import { Ambient, type Any as AnyPolicy, resolve, type Resolved } from "../CachePolicy.js"
import * as Codec from "../Codec.js"
import type { Item } from "../StoreTier.js"

const none: AnyPolicy = {}
const ambientDefault: AnyPolicy = Context.get(Context.empty(), Ambient)
const resolved = new WeakMap<AnyPolicy, WeakMap<AnyPolicy, Resolved>>()

const resolvedFor = (policy: AnyPolicy, ambient: AnyPolicy): Resolved => {
  let byAmbient = resolved.get(policy)
  if (byAmbient === undefined) resolved.set(policy, (byAmbient = new WeakMap()))
  let made = byAmbient.get(ambient)
  if (made === undefined) byAmbient.set(ambient, (made = resolve(ambient, policy)))
  return made
}

/** Throws a `ConfigurationError` when the policy is not usable; what it decides is kept for the calls to come. */
export const check = (policy: AnyPolicy): void => void resolvedFor(policy, ambientDefault)

/** Throws a `ConfigurationError` when the policy is not usable. */
export const itemOf = (
  key: CacheKey<any, any, any>,
  policy: AnyPolicy = none,
  ambient: AnyPolicy = ambientDefault
): Item => {
  const decided = resolvedFor(policy, ambient)
  const plain = Codec.make(key.schema)
  const codec = key.context === undefined ? plain : Codec.provide(plain, key.context as Context.Context<any>)
  const tags = decided.tags.length === 0 ? key.tags : [...key.tags, ...decided.tags]
  return {
    key,
    codec,
    failureCodec: decided.failures === undefined ? undefined : Codec.make(decided.failures.schema),
    policy: decided,
    tags,
    names: [key.id, ...tags],
    flightId: `${key.id} ${codec.shape}`
  }
}
