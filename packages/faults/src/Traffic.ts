/**
 * The load of the example at a steady rate on two instances, while flags are flipped through them: calls start when
 * they are due, whether earlier ones have been answered or not, so that waiting shows as waiting. Every answer is
 * judged.
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Features } from "example-feature-flags/Features"
import * as Load from "example-feature-flags/Load"
import type { Instance } from "./Instance.js"
import type { Ledger } from "./Ledger.js"
import type { Truth } from "./Truth.js"

/** What was seen from a moment on. */
export interface Window {
  readonly millis: Array<number>
  wrong: number
  failed: number
  flips: number
}

export const newWindow = (): Window => ({ millis: [], wrong: 0, failed: 0, flips: 0 })

export interface Options {
  readonly requests: ReadonlyArray<Load.Request>
  readonly instances: readonly [Instance, Instance]
  readonly truth: Truth
  readonly ledger: Ledger
  /** Calls a second, of both instances together. */
  readonly rate: number
  readonly flipEveryMillis: number
}

export interface Traffic {
  /** Calls that start from now on are counted here. */
  readonly into: (window: Window) => void
  readonly go: Effect.Effect<void>
  /** Starts no call, and ends when every one that has started was answered. */
  readonly pause: Effect.Effect<void>
  /** Asks both instances for everything once, when no flip is under way: how many answers are not those of now. */
  readonly settle: Effect.Effect<number>
  /** How many questions that takes. */
  readonly questions: number
}

/** A bound on the calls under way: beyond it the load waits, as a server's accept queue would. */
const maximumInFlight = 400

/** Turns the answer to a request into the other one, in the way its kind of request allows. */
const flip = (features: Features["Type"], request: Load.Request, answer: boolean) => {
  const setting = answer ? "disabled" : "enabled"
  switch (request.check) {
    case "global":
      return features.setFeature(request.slug, !answer)
    case "team":
      return features.setTeamFeature(request.id, request.slug, setting)
    case "user":
      return features.setUserFeature(request.id, request.slug, setting)
  }
}

export const make = (options: Options): Effect.Effect<Traffic, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { instances, ledger, rate, requests, truth } = options
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    let window = newWindow()
    let going = false
    let inFlight = 0
    let flipping = false
    let turn = 0
    let flips = 0

    const judged = (instance: Instance, request: Load.Request, into: Window): Effect.Effect<void> =>
      Effect.suspend(() => {
        const floor = ledger.floor(instance.name)
        const started = performance.now()
        inFlight += 1
        return Effect.matchCause(Load.send(instance.features, request), {
          onFailure: () => {
            into.failed += 1
          },
          onSuccess: (answer) => {
            if (!ledger.isRight(request, answer, floor)) into.wrong += 1
          }
        }).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              inFlight -= 1
              into.millis.push(performance.now() - started)
            })
          )
        )
      })

    const flipOne = Effect.gen(function* () {
      const into = window
      const instance = instances[flips % 2]!
      // The popular ones first: they are what the load asks for.
      const request = requests[(flips * 7) % requests.length]!
      flips += 1
      const change = flip(instance.features, request, truth.at(request, truth.version()))
      const settled = yield* instance.mutate(change)
      ledger.flipped({ by: instance.name, settled })
      into.flips += 1
      yield* judged(instance, request, into)
    }).pipe(
      Effect.catchAllCause(() =>
        Effect.sync(() => {
          window.failed += 1
        })
      )
    )

    const beat = 5
    let due = 0
    yield* Effect.forkScoped(
      Effect.repeat(
        Effect.sync(() => {
          if (!going) return
          due += (rate * beat) / 1000
          for (; due >= 1; due -= 1) {
            if (inFlight >= maximumInFlight) continue
            const request = requests[turn % requests.length]!
            run(judged(instances[turn++ % 2]!, request, window))
          }
        }),
        Schedule.fixed(beat)
      )
    )
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.suspend(() => {
          if (!going) return Effect.sleep(beat)
          flipping = true
          return Effect.zipRight(
            Effect.ensuring(
              flipOne,
              Effect.sync(() => {
                flipping = false
              })
            ),
            Effect.sleep(options.flipEveryMillis)
          )
        })
      )
    )
    const distinct = [...new Map(requests.map((request) => [JSON.stringify(request), request])).values()]

    const questions = instances.flatMap((instance) => distinct.map((request) => [instance, request] as const))

    return {
      questions: questions.length,
      into: (next) => {
        window = next
      },
      go: Effect.sync(() => {
        going = true
      }),
      pause: Effect.suspend(() => {
        going = false
        return Effect.repeat(Effect.sleep(beat), { until: () => inFlight === 0 && !flipping })
      }),
      settle: Effect.map(
        Effect.forEach(
          questions,
          ([instance, request]) =>
            Effect.map(Effect.exit(Load.send(instance.features, request)), (exit) =>
              exit._tag === "Success" && exit.value === truth.at(request, truth.version()) ? 0 : 1
            ),
          { concurrency: 16 }
        ),
        (all) => all.reduce((sum: number, one) => sum + one, 0)
      )
    }
  })
