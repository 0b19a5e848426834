/** The scenarios of `pnpm faults`, shortened: one test each. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Far from "../../src/Far.js"
import type * as Growth from "../../src/Growth.js"
import type { Client } from "../../src/Place.js"
import * as Scenario from "../../src/Scenario.js"
import * as Trial from "../../src/Trial.js"
import * as Verdict from "../../src/Verdict.js"

const pace: Trial.Pace = {
  healthySeconds: 0.2,
  faultSeconds: 0.8,
  rate: 100,
  flipEveryMillis: 50,
  lookupMillis: 2,
  requests: 300,
  cache: { breaker: { pauseMillis: 50, maximumPauseMillis: 200 } }
}

/** Where nothing is answered, so long that a call without a time limit stands out. */
const unanswered: Trial.Pace = { ...pace, faultSeconds: 2.5 }

/** A machine with something else to do is late by itself: exact figures are those of `pnpm faults`. */
const patience = 600

/**
 * Calls that are under way at the moment of the count hold a timer and some fibers each, and on a slow machine there are
 * more of them: up to forty, a hundred a second of which each waits for the store's budget.
 */
const underWay = (held: Growth.Held): Growth.Held => ({
  ...held,
  sockets: Math.max(0, held.sockets - 10),
  timers: Math.max(0, held.timers - 40),
  fibers: Math.max(0, held.fibers - 40)
})

/** Registers the tests of a client. */
export const trials = (client: Client): void => {
  const scenarios = Scenario.all.filter((one) => one.clients.includes(client) && !one.tenMinutes)
  layer(Far.layer, { excludeTestServices: true })((it) =>
    it.effect.each(scenarios.map((scenario) => [scenario.what, scenario] as const))("%s", ([, scenario]) =>
      Effect.gen(function* () {
        const chosen = ["frozen", "silent", "hang"].includes(scenario.name) ? unanswered : pace
        const result = yield* Trial.run(scenario, client, chosen)
        const late = Math.max(0, result.during.max - patience)
        const verdicts = Verdict.judge(chosen, {
          ...result,
          during: { ...result.during, max: late },
          growth: { ...result.growth, during: underWay(result.growth.during) }
        })
        expect(result.flips).toBeGreaterThan(3)
        expect(verdicts.filter(({ holds }) => !holds).map(({ claim }) => claim)).toEqual([])
      })
    )
  )
}
