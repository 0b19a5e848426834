/**
 * After the load: every instance is asked for every flag, until all of them answer what the database says. It is the
 * only judge of flips whose outcome nobody knows: of a process that was killed after its commit and before the store
 * heard of it, the journal tells its next life.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Instance } from "./Instance.js"
import type { Subject } from "./Subject.js"

/** An answer that is not what the database says. */
export interface Difference {
  readonly slug: string
  readonly what: string
  readonly by: string
  readonly answer: boolean | "none"
}

export interface Ending {
  /** How long it took until there were none. */
  readonly millis: number
  /** What the database says of each flag. */
  readonly stored: ReadonlyMap<string, boolean>
  /** Those of the last round. */
  readonly differences: ReadonlyArray<Difference>
}

/** Beyond the bound: processes that were killed start again, and what was not acknowledged is replayed. */
const patienceMillis = 30_000

const roundMillis = 250

export const agree = <E>({
  boundMillis,
  instances,
  stored,
  subjects
}: {
  readonly instances: ReadonlyArray<Instance>
  readonly subjects: ReadonlyArray<Subject>
  /** Asked in each round: what a process that was killed had sent may still come to the database. */
  readonly stored: Effect.Effect<ReadonlyArray<{ readonly slug: string; readonly value: boolean }>, E>
  readonly boundMillis: number
}): Effect.Effect<Ending, E> => {
  const questions = instances.flatMap((instance) =>
    subjects.flatMap(({ asks, slug }) => asks.map(({ ask, what }) => ({ ask, instance, slug, what })))
  )
  const answers = Effect.forEach(
    questions,
    ({ ask, instance, slug, what }) =>
      Effect.map(Effect.option(Effect.timeout(ask(instance.client), "2 seconds")), (answer): Difference => ({
        slug,
        what,
        by: instance.life(),
        answer: answer._tag === "Some" ? answer.value.enabled : "none"
      })),
    { concurrency: 8 }
  )
  return Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    for (;;) {
      const values = new Map((yield* stored).map(({ slug, value }) => [slug, value]))
      const differences = (yield* answers).filter(({ answer, slug }) => answer !== values.get(slug))
      const millis = (yield* Clock.currentTimeMillis) - began
      if (differences.length === 0 || millis > boundMillis + patienceMillis)
        return { millis, stored: values, differences }
      yield* Effect.sleep(roundMillis)
    }
  })
}
