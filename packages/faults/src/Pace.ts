/** How long and how hard each scenario is run. */
import type { Scenario } from "./Scenario.js"
import type { Pace } from "./Trial.js"

/** How many times faster the ten minutes pass. */
export const compression = 60

const usual: Omit<Pace, "faultSeconds"> = {
  healthySeconds: 2,
  rate: 150,
  flipEveryMillis: 100,
  lookupMillis: 2,
  requests: 2_000,
  cache: {}
}

/**
 * Ten minutes: the pauses of the circuit breaker are shorter by as much as the time is, so that it probes as often as
 * it would, and there are as many calls as of some seven a second. A time limit cannot be made shorter by as much, nor
 * the pauses of a client between its attempts to connect, nor those between replays.
 */
export const of = (scenario: Scenario, seconds: number): Pace =>
  scenario.tenMinutes
    ? {
        ...usual,
        rate: 400,
        faultSeconds: 600 / compression,
        cache: { breaker: { pauseMillis: 1_000 / compression, maximumPauseMillis: 30_000 / compression } }
      }
    : { ...usual, faultSeconds: seconds }
