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

/** A flag of which the database, after the run, does not say what it acknowledged. */
export interface Lost {
  readonly slug: string
  readonly stored: boolean
  readonly flips: ReadonlyArray<Judge.Flip>
}

/** How many stale answers are shown in full. */
const shown = 20

export interface Tally {
  readonly histories: ReadonlyMap<string, Array<Judge.Flip>>
  readonly answered: (slug: string, what: string, read: Judge.Read) => void
  readonly failed: (status: string) => void
  readonly happened: (event: Event) => void
  /** What the database itself says of a flag, after all flips have ended. */
  readonly stored: (slug: string, value: boolean) => void
  readonly counts: () => {
    readonly requests: number
    /** How long each answer took. */
    readonly tookMillis: ReadonlyArray<number>
    readonly failures: ReadonlyMap<string, number>
    /** Stale answers that the database does not explain: these, and what follows of them, are the cache's. */
    readonly stale: number
    readonly worstStaleMillis: number
    readonly stales: ReadonlyArray<Stale>
    /** Stale answers of flags whose last acknowledged flip the database does not have. */
    readonly staleOfDatabase: number
    readonly stalesOfDatabase: ReadonlyArray<Stale>
    readonly lost: ReadonlyArray<Lost>
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
  const stored = new Map<string, boolean>()
  let requests = 0
  const flips = (outcome: Judge.Outcome) =>
    [...histories.values()].flatMap((all) => all.filter(({ end }) => end?.outcome === outcome))
  const isOfDatabase = ({ read, slug }: Stale): boolean => {
    const value = stored.get(slug)
    return value !== undefined && Judge.isOfDatabase(histories.get(slug)!, read, value)
  }
  return {
    histories,
    answered: (slug, what, read) => {
      requests += 1
      tookMillis.push(read.answeredMillis - read.sentMillis)
      const flips = histories.get(slug)!
      const lag = Judge.lag(flips, read)
      if (lag !== undefined) lags.set(lag.flip, Math.max(lags.get(lag.flip) ?? 0, lag.millis))
      if (!Judge.isStale(flips, read, boundMillis)) return
      stales.push({ slug, what, read, flips: flips.slice(-4), events: events.slice(-4), lagMillis: lag?.millis })
    },
    failed: (status) => {
      requests += 1
      failures.set(status, (failures.get(status) ?? 0) + 1)
    },
    happened: (event) => void events.push(event),
    stored: (slug, value) => void stored.set(slug, value),
    counts: () => {
      const ofDatabase = stales.filter(isOfDatabase)
      const ofCache = stales.filter((one) => !ofDatabase.includes(one))
      return {
        requests,
        tookMillis,
        failures,
        stale: ofCache.length,
        worstStaleMillis: ofCache.reduce((worst, { lagMillis }) => Math.max(worst, lagMillis ?? 0), 0),
        stales: ofCache.slice(0, shown),
        staleOfDatabase: ofDatabase.length,
        stalesOfDatabase: ofDatabase.slice(0, shown),
        lost: [...stored].flatMap(([slug, value]) => {
          const history = histories.get(slug)!
          return Judge.isLost(history, value) ? [{ slug, stored: value, flips: history.slice(-4) }] : []
        }),
        flips: (outcome) => flips(outcome).length,
        lags: (outcome) => flips(outcome).map((flip) => lags.get(flip) ?? 0)
      }
    }
  }
}
