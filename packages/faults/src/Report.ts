/** The table: one row for each scenario and client. */
import type * as Growth from "./Growth.js"
import type { Result, Speed } from "./Trial.js"

const whole = (value: number) => String(Math.round(value))
const millis = (value: number) => (value < 9.95 ? value.toFixed(1) : whole(value))
const speed = ({ max, median, p99 }: Speed) => `${millis(median)} / ${millis(p99)} / ${millis(max)}`
const more = (value: number) => (value > 0 ? `+${value}` : String(value))
const held = ({ fibers, heapBytes, sockets, timers }: Growth.Held) =>
  `${(heapBytes / 1e6).toFixed(1)} MB ${more(sockets)} ${more(timers)} ${more(fibers)}`

export const heading: ReadonlyArray<string> = [
  "fault",
  "client",
  "calls",
  "flips",
  "wrong",
  "failed",
  "healthy ms",
  "during ms",
  "hits",
  "reports",
  "back after",
  "grown by",
  ""
]

/** What the columns mean. */
export const legend: ReadonlyArray<string> = [
  "healthy, during: median / 99 % / slowest call, in milliseconds, from the call to its answer",
  "hits: calls during the fault that the store answered. reports: what a Reporter was told during it",
  "back after: from the end of the fault until both instances had values from the store and nothing was to be replayed",
  "grown by: heap, sockets, timers and fibers at the end of the fault, over those before it"
]

export const row = (result: Result, holds: boolean): ReadonlyArray<string> => [
  result.scenario.name,
  result.client,
  whole(result.calls),
  whole(result.flips),
  whole(result.wrong + result.disagreeing),
  whole(result.failed),
  speed(result.healthy),
  speed(result.during),
  `${whole(100 * result.hitShare)} %`,
  whole(result.reports),
  result.recoveryMillis === undefined ? "never" : `${whole(result.recoveryMillis)} ms`,
  held(result.growth.during),
  holds ? "✓" : "✗"
]
