/**
 * Epochs: the opaque tokens that decide whether a stored value may still be answered.
 *
 * Every key and every tag has an epoch in the store. A value carries a copy of each, its *stamps*, as they were when
 * its lookup was leased. A value is valid only while its stamps equal the current epochs; an invalidation replaces or
 * deletes an epoch, so a lookup that began before it can never be served after it, whatever is delayed or lost.
 *
 * An epoch is written `hard` or `hard.soft`; each half is a token `era-n-nonce`. `era` and `n` are those of the
 * store's counter of fences when the token was made; `nonce` is random. An epoch of another era is no epoch: a store
 * that lost its counter has forgotten which invalidations happened, so everything older is a miss.
 *
 * @since 0.1.0
 */

/**
 * The epoch of one key or tag: `hard` or `hard.soft`. Compared for equality only.
 *
 * @since 0.1.0
 * @category models
 */
export type Epoch = string

/**
 * How many fences (invalidations, expirations, sets) a store has seen. `era` is random and made anew whenever the
 * counter was lost, so counts of different eras are never compared.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counter {
  readonly era: string
  readonly n: number
}

/**
 * The epochs under which a value was made: of its key and of each of its tags.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stamps {
  readonly key: Epoch
  readonly tags: ReadonlyArray<readonly [tag: string, epoch: Epoch]>
}

/**
 * The epochs as they are now. A key, tag or counter that the store does not hold is missing here.
 *
 * @since 0.1.0
 * @category models
 */
export interface Epochs {
  readonly counter: Counter | undefined
  readonly key: Epoch | undefined
  readonly tags: ReadonlyMap<string, Epoch>
}

/**
 * What current epochs say of a value: it stands, it was marked stale, or it must never be answered again.
 *
 * @since 0.1.0
 * @category models
 */
export type Standing = "Current" | "Expired" | "Invalid"

/**
 * The hard half: replaced or deleted by an invalidation.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hard = (epoch: Epoch): string => {
  const dot = epoch.indexOf(".")
  return dot < 0 ? epoch : epoch.slice(0, dot)
}

/**
 * The era in which the hard half was made.
 *
 * @since 0.1.0
 * @category accessors
 */
export const era = (epoch: Epoch): string => epoch.slice(0, epoch.indexOf("-"))

/**
 * Which fence the latest change of an epoch belongs to.
 *
 * @since 0.1.0
 * @category accessors
 */
export const changedAt = (epoch: Epoch): Counter => {
  const token = epoch.slice(epoch.indexOf(".") + 1)
  const [era = "", n = "0"] = token.split("-")
  return { era, n: Number(n) }
}

const compare = (stamp: Epoch, current: Epoch | undefined, currentEra: string): Standing => {
  if (current === undefined) return "Invalid"
  if (stamp === current) return era(stamp) === currentEra ? "Current" : "Invalid"
  return hard(stamp) === hard(current) && era(stamp) === currentEra ? "Expired" : "Invalid"
}

/**
 * Decides whether a value with these stamps may be answered under these epochs. Correctness is decided here, on
 * reading, and nowhere else: a missing counter, key epoch or tag epoch is a mismatch.
 *
 * @example
 * import { Epoch } from "@larder/cache"
 *
 * const stamps: Epoch.Stamps = { key: "e-1-x", tags: [["team:1", "e-1-y"]] }
 * const counter = { era: "e", n: 2 }
 *
 * Epoch.standing(stamps, { counter, key: "e-1-x", tags: new Map([["team:1", "e-1-y"]]) }) // => "Current"
 * Epoch.standing(stamps, { counter, key: "e-1-x", tags: new Map([["team:1", "e-1-y.e-2-z"]]) }) // => "Expired"
 * Epoch.standing(stamps, { counter, key: "e-1-x", tags: new Map() }) // => "Invalid"
 *
 * @since 0.1.0
 * @category predicates
 */
export const standing = (stamps: Stamps, current: Epochs): Standing => {
  if (current.counter === undefined) return "Invalid"
  const currentEra = current.counter.era
  let answer = compare(stamps.key, current.key, currentEra)
  for (let i = 0; i < stamps.tags.length && answer !== "Invalid"; i++) {
    const [tag, stamp] = stamps.tags[i]!
    const one = compare(stamp, current.tags.get(tag), currentEra)
    if (one !== "Current") answer = one
  }
  return answer
}
