/** What is broken when: planned from a seed, then injected. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Instance } from "./Instance.js"
import type { Outage } from "./Shared.js"

export type Kind = Outage["kind"] | "instance killed" | "instance frozen"

export interface Fault {
  readonly kind: Kind
  readonly atMillis: number
  readonly lengthMillis: number
  /** Which instance, or the next one that is well. */
  readonly instance: number
}

/** The longest time from one fault to the next. */
const longestMillis = 6_000

/**
 * Every kind once before any comes again, one after the other with a rest between them: `seconds` long, or as long as a
 * round of all kinds takes if that is less.
 */
export const plan = (
  kinds: ReadonlyArray<Kind>,
  seconds: number,
  instances: number
): Effect.Effect<ReadonlyArray<Fault>> =>
  Effect.gen(function* () {
    const everyMillis = Math.min(longestMillis, (seconds * 1_000) / (kinds.length + 1))
    const faults: Array<Fault> = []
    let round: Array<Kind> = []
    // The last rest lets what was broken last recover.
    for (let at = everyMillis / 4; at + everyMillis < seconds * 1_000; at += everyMillis) {
      if (round.length === 0) round = [...(yield* Random.shuffle(kinds))]
      const lengthMillis = everyMillis * (0.2 + 0.4 * (yield* Random.next))
      const instance = yield* Random.nextIntBetween(0, instances)
      faults.push({ kind: round.pop()!, atMillis: at, lengthMillis, instance })
    }
    return faults
  })

/** Injects the faults of a plan, and undoes each. Tells of what it did. */
export const inject = <E>(
  faults: ReadonlyArray<Fault>,
  instances: ReadonlyArray<Instance>,
  outages: ReadonlyArray<Outage>,
  tell: (what: string, kind?: Kind) => Effect.Effect<void>,
  onFailure: (error: unknown) => Effect.Effect<void, E>
): Effect.Effect<void, E, Scope.Scope> =>
  Effect.gen(function* () {
    let passed = 0
    for (const { atMillis, instance, kind, lengthMillis } of faults) {
      yield* Effect.sleep(Math.max(0, atMillis - passed))
      passed = atMillis + lengthMillis
      const outage = outages.find((one) => one.kind === kind)
      if (outage !== undefined) {
        yield* tell(`${kind} for ${lengthMillis.toFixed(0)} ms`, kind)
        yield* outage.begin
        yield* Effect.sleep(lengthMillis)
        yield* Effect.catchAll(outage.end, onFailure)
        yield* tell(`over: ${kind}`)
        continue
      }
      const order = [...instances.slice(instance), ...instances.slice(0, instance)]
      const chosen = order.find((one) => one.isWell())
      if (chosen === undefined) {
        yield* Effect.sleep(lengthMillis)
        continue
      }
      yield* tell(`${kind}: ${chosen.life()}, for ${lengthMillis.toFixed(0)} ms`, kind)
      if (kind === "instance frozen") {
        yield* Effect.acquireUseRelease(
          chosen.suspend,
          () => Effect.sleep(lengthMillis),
          () => Effect.zipRight(chosen.resume, tell(`goes on: ${chosen.life()}`))
        )
      } else {
        yield* chosen.kill
        yield* Effect.sleep(lengthMillis)
        // It takes its time, and other things may break meanwhile.
        yield* Effect.forkScoped(Effect.catchAll(chosen.start, onFailure))
      }
    }
  })
