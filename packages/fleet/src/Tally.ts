/** What a run has seen so far: counts, and every answer that was judged stale, with what happened around it. */
import * as Judge from "./Judge.js"

/** Something that was done to the fleet. */
export interface Event {
  readonly what: string
  readonly atMillis: number
}

/** An answer from before a flip that holds. */
export interface Stale {
  readonly slug: string
  readonly what: string
  readonly read: Judge.Read
  readonly flips: ReadonlyArray<Judge.Flip>
  /** What was broken lately. */
  readonly events: ReadonlyArray<Event>
  /** How long after the acknowledgement of the flip that it should have known its request was sent. */
  readonly lagMillis: number | undefined
}

/** How many stale answers are kept in full. */
const kept = 20

export interface Tally {
  readonly histories: ReadonlyMap<string, Array<Judge.Flip>>
  readonly answered: (slug: string, what: string, read: Judge.Read) => void
  readonly failed: (status: string) => void
  readonly happened: (event: Event) => void
  readonly counts: () => {
    readonly requests: number
    /** How long each answer took. */
    readonly tookMillis: ReadonlyArray<number>
    readonly failures: ReadonlyMap<string, number>
    readonly stale: number
    readonly worstStaleMillis: number
    readonly stales: ReadonlyArray<Stale>
    /** The time to the last old answer elsewhere, one for each flip of that outcome. */
    readonly lags: (outcome: Judge.Outcome) => ReadonlyArray<number>
    readonly flips: (outcome: Judge.Outcome) => number
  }
}

export const make = (slugs: ReadonlyArray<string>, boundMillis: number): Tally => {
  const histories = new Map<string, Array<Judge.Flip>>(slugs.map((slug) => [slug, []]))
  const failures = new Map<string, number>()
  const lags = new Map<Judge.Flip, number>()
  const stales: Array<Stale> = []
  const events: Array<Event> = []
  const tookMillis: Array<number> = []
  let requests = 0
  let stale = 0
  let worst = 0
  const flips = (outcome: Judge.Outcome) =>
    [...histories.values()].flatMap((all) => all.filter(({ end }) => end?.outcome === outcome))
  return {
    histories,
    answered: (slug, what, read) => {
      requests += 1
      tookMillis.push(read.answeredMillis - read.sentMillis)
      const flips = histories.get(slug)!
      const lag = Judge.lag(flips, read)
      if (lag !== undefined) lags.set(lag.flip, Math.max(lags.get(lag.flip) ?? 0, lag.millis))
      if (!Judge.isStale(flips, read, boundMillis)) return
      stale += 1
      worst = Math.max(worst, lag?.millis ?? 0)
      if (stales.length < kept)
        stales.push({ slug, what, read, flips: flips.slice(-4), events: events.slice(-4), lagMillis: lag?.millis })
    },
    failed: (status) => {
      requests += 1
      failures.set(status, (failures.get(status) ?? 0) + 1)
    },
    happened: (event) => void events.push(event),
    counts: () => ({
      requests,
      tookMillis,
      failures,
      stale,
      worstStaleMillis: worst,
      stales,
      flips: (outcome) => flips(outcome).length,
      lags: (outcome) => flips(outcome).map((flip) => lags.get(flip) ?? 0)
    })
  }
}
