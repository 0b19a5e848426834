/** A result as plain text. */
import { quantile } from "example-feature-flags/Load"
import type { Result } from "./Fleet.js"
import type { Stale } from "./Tally.js"

const millis = (value: number): string => `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} ms`

const distribution = (all: ReadonlyArray<number>): string =>
  all.length === 0
    ? "none"
    : `p50 ${millis(quantile(all, 0.5))}, p90 ${millis(quantile(all, 0.9))}, p99 ${millis(quantile(all, 0.99))}, ` +
      `max ${millis(quantile(all, 1))}`

const listed = (counts: ReadonlyMap<string, number>): string =>
  counts.size === 0 ? "none" : [...counts].map(([what, count]) => `${what} ${count}`).join(", ")

/** Pairs of a name and what is to be said of it. */
export const rows = ({
  boundMillis,
  counts,
  faults,
  hits,
  misses,
  options
}: Result): ReadonlyArray<[string, string]> => [
  ["store", options.client === "redis" ? "redis-server" : "local Upstash before a redis-server"],
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
  ["invalidation delay", distribution(counts.lags("everywhere"))],
  ["the same after a 202", distribution(counts.lags("here"))]
]

export const table = (result: Result): string => {
  const all = rows(result)
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join("")
}

/** One stale answer with its history; times from when its request was sent. */
export const stale = ({ events, flips, lagMillis, read, slug, what }: Stale): string => {
  const at = (moment: number) => millis(moment - read.sentMillis)
  const lines = flips.map(
    ({ by, end, sentMillis, value }) =>
      `    ${value ? "on " : "off"} through ${by}: sent ${at(sentMillis)}, ` +
      (end === undefined ? "under way" : `${end.outcome} ${at(end.millis)}`)
  )
  return [
    `  ${slug}, ${what}: ${read.value ? "on" : "off"} through ${read.by}, answered ${at(read.answeredMillis)}` +
      (lagMillis === undefined ? "" : `, ${millis(lagMillis)} after the flip`),
    ...lines,
    ...events.map(({ atMillis, what }) => `    ${at(atMillis)}: ${what}`),
    ""
  ].join("\n")
}
