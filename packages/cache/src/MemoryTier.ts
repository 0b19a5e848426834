/**
 * Values in this process's memory, above a store: what was read or stored lately is answered without asking below.
 *
 * It decides nothing about freshness. It answers what the store answered, for as long as nothing has happened that
 * would make the store answer something else: no fence has fallen here on the value's key or on one of its tags since
 * the value began its way, its time below is not over, and its own time, which bounds what this instance may miss, is
 * not either.
 *
 * There is no index from tags to values. A value remembers the moment at which its read or its flight began, and is
 * compared with the moments of the fences when it is asked for: one comparison while nothing was fenced. So an
 * invalidation costs nothing here, and a value that was overtaken by one on its way in is never answered.
 *
 * Nobody sees what another one does to a value; see `Isolation`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { Instants } from "./Codec.js"
import type { Fences } from "./internal/fences.js"
import * as frozen from "./internal/frozen.js"
import * as Lru from "./internal/lru.js"
import { isWithin } from "./internal/within.js"
import type { Item, View } from "./StoreTier.js"

/**
 * How callers are kept apart who are answered the same value.
 *
 * - `copy`: each gets a value of its own, decoded anew; it costs a decode.
 * - `freeze`: all get the same one, frozen through and through, so that who changes it fails at that line. Values that
 *   cannot be frozen (maps, sets, dates, bytes) are copied.
 * - `share`: all get the same one. For values that nobody changes.
 *
 * Numbers, texts and booleans are never copied.
 *
 * @since 0.1.0
 * @category models
 */
export type Isolation = "copy" | "freeze" | "share"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many values are held, least recently used out first. Whole, at least 1. Default 10 000. */
  readonly maximumEntries?: number | undefined
  /**
   * How much they may weigh together, in characters of their encoded form, at least 1. Default: no bound but the number.
   * A value that weighs more than a hundredth of it is not held.
   */
  readonly maximumWeight?: number | undefined
  /**
   * How long a value is answered at most without asking below, or hearing from the bus. `DurationInput`. Default 5
   * seconds. Counted from when it was read or stored here, and with a bus that the store sends on from the last sign of
   * life of it; the end of its time below ends it in any case. For so long an invalidation of another instance may go
   * unnoticed here: without a bus always, with one while its messages are lost. A lookup that has run for longer is
   * joined only while the bus is heard.
   */
  readonly timeToLive?: Duration.DurationInput | undefined
  /** One of `copy`, `freeze`, `share`. Default `copy`. */
  readonly isolation?: Isolation | undefined
}

/**
 * A value as it is held: encoded, with everything that decides about it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Content extends Instants {
  readonly id: string | undefined
  readonly encoded: string
  /** Every tag it carries, learnt ones too. */
  readonly tags: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface MemoryTier {
  /** The value of an item, if it may be answered now. */
  readonly find: (item: Item, nowMillis: number) => View | undefined
  /**
   * Holds a value whose read or flight began at a moment of the fences, and of which it is known that nothing was
   * fenced elsewhere up to an instant. Answers whether it is held.
   */
  readonly hold: (item: Item, content: Content, since: number, knownMillis: number) => boolean
  readonly size: () => number
  /** What may be answered now, for whoever wants to look at it: a page for operators, or a test. */
  readonly answerable: (nowMillis: number) => ReadonlyArray<Held>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Held extends Content {
  /** Key and shape. */
  readonly flightId: string
  readonly key: string
}

interface Place extends Held {
  readonly names: ReadonlyArray<string>
  readonly heldAtMillis: number
  /** No fence had fallen on its names up to here. */
  clearUntil: number
  live: { readonly value: unknown } | undefined
}

/**
 * @since 0.1.0
 * @category constants
 */
export const defaultTimeToLive: Duration.DurationInput = "5 seconds"

const weigh = ({ encoded }: Content): number => encoded.length + 1

const isPlain = (value: unknown): boolean =>
  (typeof value !== "object" && typeof value !== "function") || value === null

/**
 * `heardMillis` says when it was last known that every fence of other instances had been heard of here.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  fences: Pick<Fences, "now" | "fellSince">,
  options: Options = {},
  heardMillis: () => number = () => -Infinity
): MemoryTier => {
  const { isolation = "copy", maximumEntries = 10_000, maximumWeight = Infinity } = options
  const ownMillis = Duration.toMillis(options.timeToLive ?? defaultTimeToLive)
  const held = Lru.make<Place>(maximumEntries, maximumWeight, weigh)

  /** A value for one caller; `undefined` when it cannot be had at once. */
  const valueOf = (item: Item, one: Place): { readonly value: unknown } | undefined => {
    if (one.live !== undefined) return one.live
    const decoded = item.codec.decode(one.encoded)
    if (!Either.isEither(decoded) || Either.isLeft(decoded)) return undefined
    const value: unknown = decoded.right
    const shared = isPlain(value) || isolation === "share" || (isolation === "freeze" && frozen.freeze(value))
    if (shared) one.live = { value }
    return { value }
  }

  const ended = (one: Place, nowMillis: number): boolean => {
    const isKnown = isWithin(one.heldAtMillis, ownMillis, nowMillis) || isWithin(heardMillis(), ownMillis, nowMillis)
    return !isKnown || nowMillis >= one.expiresAtMillis || fences.fellSince(one.clearUntil, one.names)
  }

  return {
    find: (item, nowMillis) => {
      const one = held.get(item.flightId)
      if (one === undefined) return undefined
      if (ended(one, nowMillis)) {
        held.delete(item.flightId)
        return undefined
      }
      one.clearUntil = fences.now()
      // Somebody else may have stored it, without a tag that this caller declares.
      if (!item.tags.every((tag) => one.tags.includes(tag))) return undefined
      const found = valueOf(item, one)
      if (found === undefined) return undefined
      const { createdAtMillis, expiresAtMillis, id, lookupMillis, tags } = one
      return {
        entry: { content: Either.right(found.value), createdAtMillis, expiresAtMillis, lookupMillis },
        encoded: one.encoded,
        expired: false,
        id,
        tags,
        problem: undefined
      }
    },
    hold: (item, content, since, knownMillis) => {
      const names = [item.key.id, ...content.tags]
      if (knownMillis >= content.expiresAtMillis || fences.fellSince(since, names)) return false
      if (weigh(content) > maximumWeight / 100) return false
      const { flightId } = item
      const place = { flightId, key: item.key.id, names, heldAtMillis: knownMillis, clearUntil: since, live: undefined }
      held.set(flightId, { ...content, ...place })
      return true
    },
    size: held.size,
    answerable: (nowMillis) => held.values().filter((one) => !ended(one, nowMillis))
  }
}
