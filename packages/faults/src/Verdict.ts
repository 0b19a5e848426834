/** What is claimed of every scenario, and whether a result bears it out. */
import * as Duration from "effect/Duration"
import type * as Growth from "./Growth.js"
import type { Pace, Result } from "./Trial.js"

export interface Verdict {
  readonly claim: string
  readonly holds: boolean
}

/**
 * The longest a call may take: its lookup, all store work of one call, and the wait for a lease that somebody else
 * seems to hold: a store that was frozen may have granted it to a call that had left. What the machine adds is measured
 * twice in the same run, by the event loop's own delay and by the slowest call on the healthy store.
 */
export const callLimit = ({ cache, lookupMillis }: Pace, { healthy, loopMillis }: Result): number => {
  const millis = (given: Duration.DurationInput | undefined) => Duration.toMillis(given ?? 400)
  return lookupMillis + millis(cache.storeBudget) + millis(cache.leaseWait) + 2 * loopMillis + healthy.max
}

/** Keeps open what is in use: a connection that is being made, a pause before the next. */
const bounded = (held: Growth.Held): boolean => held.sockets <= 6 && held.timers <= 6 && held.fibers <= 12

const gone = (held: Growth.Held): boolean => held.sockets <= 2 && held.timers <= 3 && held.fibers <= 3

/** What the engine itself comes to hold while code gets hot, and the figures of the run. */
const heapLimit = 6e6

export const judge = (pace: Pace, result: Result): ReadonlyArray<Verdict> => {
  const { bit, disagreeing, during, failed, growth, recoveryMillis, scenario, wrong } = result
  return [
    { claim: "the fault was met", holds: bit },
    ...(scenario.mild
      ? [
          {
            claim: `the store goes on answering, and knows of each flip at once (${result.unacknowledged} unknown)`,
            holds: result.hitShare > 0.05 && result.unacknowledged === 0
          }
        ]
      : []),
    { claim: `no answer is wrong (${wrong})`, holds: wrong === 0 },
    { claim: `no caller sees a failure (${failed})`, holds: failed === 0 },
    {
      claim: `no call waits longer than its lookup and the limits (${Math.round(during.max)} ms)`,
      holds: during.max <= callLimit(pace, result)
    },
    {
      claim: `values go to the store and come from there again within ${Math.round(result.recoveryLimitMillis)} ms of its return`,
      holds: recoveryMillis !== undefined
    },
    { claim: `then both instances answer as the database does (${disagreeing} do not)`, holds: disagreeing === 0 },
    {
      claim: `asked once more, the store answers (${Math.round(100 * result.lookedUpAgain)} % looked up)`,
      holds: result.lookedUpAgain < 0.2
    },
    { claim: "no sockets, timers or fibers pile up while it lasts", holds: bounded(growth.during) },
    {
      claim: "nothing of it is left afterwards",
      holds: gone(growth.after) && growth.during.heapBytes < heapLimit && growth.after.heapBytes < heapLimit
    }
  ]
}
