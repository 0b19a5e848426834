/**
 * How many failures of one sort are told in a window of time, and how many were not.
 *
 * Windows are fixed: one opens with the first failure after the last one closed. The number of buckets is bounded;
 * what no bucket is left for shares one, so that a thousand sorts of failures cannot flood a log either.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Options {
  readonly burst?: number | undefined
  readonly windowMillis?: number | undefined
  readonly maximumBuckets?: number | undefined
}

interface Bucket {
  readonly opened: number
  told: number
  suppressed: number
}

const atLeastZero = (given: number | undefined, otherwise: number): number =>
  given === undefined || Number.isNaN(given) ? otherwise : Math.max(0, given)

export const make = (options: Options): ((bucket: string) => Effect.Effect<Option.Option<number>>) => {
  const burst = atLeastZero(options.burst, 5)
  const windowMillis = atLeastZero(options.windowMillis, 60_000)
  const maximumBuckets = atLeastZero(options.maximumBuckets, 256)
  // In the order in which the windows opened: the first is the first to close.
  const buckets = new Map<string, Bucket>()
  let others: Bucket = { opened: Number.NEGATIVE_INFINITY, told: 0, suppressed: 0 }

  // A clock that was set back closes the window too: better one line more than silence until it catches up.
  const closed = (bucket: Bucket, now: number) => now - bucket.opened >= windowMillis || now < bucket.opened

  const makeRoom = (now: number) => {
    const oldest = buckets.entries().next()
    if (oldest.done === true) return
    const [name, bucket] = oldest.value
    if (!closed(bucket, now)) return
    buckets.delete(name)
    others.suppressed += bucket.suppressed
  }

  const find = (name: string, now: number): Bucket => {
    const known = buckets.get(name)
    if (known !== undefined && !closed(known, now)) return known
    const next = { opened: now, told: 0, suppressed: known?.suppressed ?? 0 }
    if (known !== undefined) buckets.delete(name)
    else if (buckets.size >= maximumBuckets) makeRoom(now)
    if (buckets.size < maximumBuckets) {
      buckets.set(name, next)
      return next
    }
    if (closed(others, now)) others = { opened: now, told: 0, suppressed: others.suppressed }
    return others
  }

  return (name) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const bucket = find(name, now)
      if (bucket.told >= burst) {
        bucket.suppressed++
        return Option.none()
      }
      bucket.told++
      const suppressed = bucket.suppressed
      bucket.suppressed = 0
      return Option.some(suppressed)
    })
}
