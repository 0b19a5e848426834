/** A result as plain text. */
import { quantile } from "example-feature-flags/Load"
import type { Difference, Ending } from "./Ending.js"
import type { Result } from "./Fleet.js"
import type * as Judge from "./Judge.js"
import type { Lost, Stale } from "./Tally.js"

const millis = (value: number): string => `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} ms`

const distribution = (all: ReadonlyArray<number>): string =>
  all.length === 0
    ? "none"
    : `p50 ${millis(quantile(all, 0.5))}, p90 ${millis(quantile(all, 0.9))}, p99 ${millis(quantile(all, 0.99))}, ` +
      `max ${millis(quantile(all, 1))}`

const listed = (counts: ReadonlyMap<string, number>): string =>
  counts.size === 0 ? "none" : [...counts].map(([what, count]) => `${what} ${count}`).join(", ")

const inTheEnd = ({ differences, millis: took }: Ending): [string, string] => [
  "in the end",
  differences.length === 0
    ? `every instance says what the database says, after ${millis(took)}`
    : `${differences.length} answers are not what the database says, after ${millis(took)}`
]

/** Pairs of a name and what is to be said of it. */
export const rows = ({
  boundMillis,
  counts,
  database,
  ending,
  faults,
  hits,
  misses,
  options
}: Result): ReadonlyArray<[string, string]> => [
  ["store", options.client === "redis" ? "redis-server" : "local Upstash before a redis-server"],
  ["bus", options.bus],
  ["database", database],
  ["run", `${options.seconds} s, ${options.instances} instances, seed ${options.seed}`],
  ["requests", `${counts.requests}, of them without an answer: ${listed(counts.failures)}`],
  ["answer takes", distribution(counts.tookMillis)],
  [
    "flips",
    `${counts.flips("everywhere")} acknowledged, ${counts.flips("here")} not known to the store (202), ` +
      `${counts.flips("unknown")} of unknown outcome`
  ],
  ["faults", listed(faults)],
  ["cache", `${hits} hits, ${misses} misses`],
  ["bound", millis(boundMillis)],
  ["stale answers", counts.stale === 0 ? "0" : `${counts.stale}, the worst ${millis(counts.worstStaleMillis)} late`],
  [
    "writes the database lost",
    `${counts.lost.length}` +
      (counts.staleOfDatabase === 0 ? "" : `, which explain ${counts.staleOfDatabase} further stale answers`)
  ],
  ...(ending === undefined ? [] : [inTheEnd(ending)]),
  ["invalidation delay", distribution(counts.lags("everywhere"))],
  ["the same after a 202", distribution(counts.lags("here"))]
]

export const untilInterrupted = "interrupted; until then, and without asking the database for what it has lost:"

export const table = (result: Result): string => {
  const all = rows(result)
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join("")
}

const history = (flips: ReadonlyArray<Judge.Flip>, at: (moment: number) => string): ReadonlyArray<string> =>
  flips.map(
    ({ by, end, sentMillis, value }) =>
      `    ${value ? "on " : "off"} through ${by}: sent ${at(sentMillis)}, ` +
      (end === undefined ? "under way" : `${end.outcome} ${at(end.millis)}`)
  )

/** One flag whose last acknowledged flip the database does not have; times from when that was sent. */
export const lost = ({ flips, slug, stored }: Lost): string => {
  const sent = flips.at(-1)?.sentMillis ?? 0
  const lines = history(flips, (moment) => millis(moment - sent))
  return [`  ${slug}: the database says ${stored ? "on" : "off"}, after`, ...lines, ""].join("\n")
}

/** One stale answer with its history; times from when its request was sent. */
export const stale = ({ events, flips, lagMillis, read, slug, what }: Stale): string => {
  const at = (moment: number) => millis(moment - read.sentMillis)
  return [
    `  ${slug}, ${what}: ${read.value ? "on" : "off"} through ${read.by}, answered ${at(read.answeredMillis)}` +
      (lagMillis === undefined ? "" : `, ${millis(lagMillis)} after the flip`),
    ...history(flips, at),
    ...events.map(({ atMillis, what }) => `    ${at(atMillis)}: ${what}`),
    ""
  ].join("\n")
}

const different = ({ answer, by, slug, what }: Difference): string =>
  `  ${slug}, ${what}: ${answer === "none" ? "no answer" : answer ? "on" : "off"} through ${by} in the end\n`

/** The stale answers and the lost writes of a run, each with its history. */
export const details = ({ counts, ending }: Pick<Result, "counts" | "ending">): ReadonlyArray<string> => [
  ...counts.stales.map(stale),
  ...counts.lost.map(lost),
  ...(ending?.differences ?? []).map(different),
  ...counts.stalesOfDatabase.map((one) => `  not the cache's, the database lost the write:\n${stale(one)}`)
]

/** 1 when the cache was wrong; 3 when only the database was, and the run says nothing of what it lost. */
export const exitCode = ({
  counts,
  ending
}: {
  readonly counts: Pick<Result["counts"], "stale" | "lost">
  readonly ending: Pick<Ending, "differences"> | undefined
}): 0 | 1 | 3 => {
  if (counts.stale > 0) return 1
  // What a database mixes up it may have answered to anybody.
  return counts.lost.length > 0 ? 3 : (ending?.differences ?? []).length > 0 ? 1 : 0
}
