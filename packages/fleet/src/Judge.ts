/**
 * Which answers are right, while a flag is flipped through some processes and read through others. Pure: it knows times
 * and answers, and nothing of processes.
 *
 * All times are of one clock, that of whoever asks. A flip takes its place somewhere between the moment it was sent and
 * the moment it was acknowledged. A flip without an acknowledgement may have happened, or happen, at any moment until
 * the next one that has one: until then the answers of both sides are right.
 *
 * An acknowledged flip holds for every request that is sent afterwards through the same process, and for every request
 * that is sent more than the bound afterwards through another one. What was sent earlier may be answered from before.
 */

/** What came of a flip. */
export type Outcome =
  /** Written, and the store of the cache knows. */
  | "everywhere"
  /** Written, and the process it went through knows; the store did not answer. */
  | "here"
  /** Nobody knows: the process was killed, or the database failed. */
  | "unknown"

/** One flip of one flag. Flips of a flag come one after the other. */
export interface Flip {
  readonly value: boolean
  /** The process, by a name that another life of it does not share. */
  readonly by: string
  readonly sentMillis: number
  /** Absent while it is under way. */
  readonly end?: { readonly millis: number; readonly outcome: Outcome } | undefined
}

/** One answer of one flag. */
export interface Read {
  readonly value: boolean
  readonly by: string
  readonly sentMillis: number
  readonly answeredMillis: number
}

/** Whether a flip holds for a read that was sent at a moment, through some process. */
const holds = ({ by, end }: Flip, read: Read, boundMillis: number): boolean => {
  if (end === undefined || end.outcome === "unknown") return false
  if (by === read.by) return end.millis < read.sentMillis
  return end.outcome === "everywhere" && end.millis < read.sentMillis - boundMillis
}

/** The answers that are right for a read. `flips` are those of its flag, in their order; before them it was off. */
export const allowed = (flips: ReadonlyArray<Flip>, read: Read, boundMillis: number): ReadonlySet<boolean> => {
  let possible = new Set([false])
  for (const flip of flips) {
    if (flip.sentMillis > read.answeredMillis) break
    if (holds(flip, read, boundMillis)) possible = new Set()
    possible.add(flip.value)
  }
  return possible
}

export const isStale = (flips: ReadonlyArray<Flip>, read: Read, boundMillis: number): boolean =>
  !allowed(flips, read, boundMillis).has(read.value)

/** An answer from before a flip, to a request that was sent after the flip was acknowledged to somebody else. */
export interface Lag {
  /** Which flip. */
  readonly flip: Flip
  /** How long after its acknowledgement the request was sent. */
  readonly millis: number
}

/**
 * How far behind an answer shows its process to be: nothing when it is up to date, or when a later flip explains it too.
 */
export const lag = (flips: ReadonlyArray<Flip>, read: Read): Lag | undefined => {
  const flip = flips.findLast(({ end, sentMillis }) => sentMillis <= read.answeredMillis && end?.outcome !== "unknown")
  if (flip?.end === undefined || flip.by === read.by || flip.end.millis >= read.sentMillis) return undefined
  const late = flips.slice(flips.indexOf(flip) + 1).some(({ sentMillis }) => sentMillis <= read.answeredMillis)
  if (late || flip.value === read.value) return undefined
  return { flip, millis: read.sentMillis - flip.end.millis }
}
