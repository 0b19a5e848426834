/**
 * Leaves a failing store alone: after some failures in a row it answers at once that the circuit is open, and lets one
 * call through from time to time to see whether the store is back.
 *
 * The pause before a probe starts at a second, doubles with each failed probe up to half a minute, and is spread by a
 * random part so that a fleet does not come back in step. Interrupted calls count neither as success nor as failure.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { isWithin } from "./internal/within.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Failures in a row that open it. Whole, at least 1; `Infinity`: it never opens. Default 5. */
  readonly failures?: number | undefined
  /** The first pause, in milliseconds, at least 0. Default 1 000. */
  readonly pauseMillis?: number | undefined
  /** The longest pause, in milliseconds, at least 0. Default 30 000. */
  readonly maximumPauseMillis?: number | undefined
  /** Told when it opens and when it closes again. */
  readonly onChange?: ((state: "Open" | "Closed") => Effect.Effect<void>) | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CircuitBreaker {
  /** Whether a call would be refused now. */
  readonly isOpen: Effect.Effect<boolean>
  /** Runs a call, or fails with `refused` while it is open. */
  readonly protect: <A, E, R, E2>(call: Effect.Effect<A, E, R>, refused: () => E2) => Effect.Effect<A, E | E2, R>
  /** Runs a call whatever the state, and learns from its outcome: for what must be tried each time. */
  readonly observe: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): CircuitBreaker => {
  const threshold = options.failures ?? 5
  const firstPause = options.pauseMillis ?? 1000
  const maximumPause = options.maximumPauseMillis ?? 30_000
  const onChange = options.onChange ?? (() => Effect.void)
  let failuresInARow = 0
  let failedProbes = 0
  let open = false
  let probing = false
  let pausedAtMillis = 0
  let pausedMillis = 0
  const rests = (nowMillis: number): boolean => isWithin(pausedAtMillis, pausedMillis, nowMillis)

  const succeeded = Effect.suspend(() => {
    failuresInARow = 0
    failedProbes = 0
    if (!open) return Effect.void
    open = false
    return onChange("Closed")
  })

  const pause = Effect.zipWith(Random.next, Clock.currentTimeMillis, (random, now) => {
    const millis = Math.min(maximumPause, firstPause * 2 ** Math.min(failedProbes, 30))
    pausedAtMillis = now
    pausedMillis = millis * (0.75 + random / 2)
  })

  // Calls that were under way when it opened say nothing of the store after the pause: only probes prolong it.
  const failed = (isProbe: boolean) =>
    Effect.suspend(() => {
      failuresInARow += 1
      if (open) {
        if (!isProbe) return Effect.void
        failedProbes += 1
        return pause
      }
      if (failuresInARow < threshold) return Effect.void
      open = true
      return Effect.zipRight(pause, onChange("Open"))
    })

  const watch = <A, E, R>(call: Effect.Effect<A, E, R>, isProbe: boolean): Effect.Effect<A, E, R> =>
    Effect.onExit(call, (exit) =>
      Exit.isSuccess(exit) ? succeeded : Exit.isInterrupted(exit) ? Effect.void : failed(isProbe)
    )

  return {
    isOpen: Effect.map(Clock.currentTimeMillis, (now) => open && (probing || rests(now))),
    observe: (call) => watch(call, false),
    protect: <A, E, R, E2>(call: Effect.Effect<A, E, R>, refused: () => E2): Effect.Effect<A, E | E2, R> =>
      Effect.suspend((): Effect.Effect<A, E | E2, R> => {
        if (!open) return watch(call, false)
        return Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | E2, R> => {
            if (probing || rests(now)) return Effect.fail(refused())
            probing = true
            return Effect.ensuring(
              watch(restore(call), true),
              Effect.sync(() => {
                probing = false
              })
            )
          })
        )
      })
  }
}
