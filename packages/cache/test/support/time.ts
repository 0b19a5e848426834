/**
 * Virtual time for tests of thousands of steps. `TestClock` waits some milliseconds of real time for each sleep that
 * it ends; this clock lets the event loop turn instead, after which every fiber waits for something.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

/** What lets time pass. */
export class Time extends Context.Tag("test/Time")<
  Time,
  { readonly advance: (millis: number) => Effect.Effect<void> }
>() {}

const turn = Effect.async<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** Lets everything run that can run without time passing. */
export const settle: Effect.Effect<void> = Effect.zipRight(turn, turn)

/** Lets time pass, and everything run that happens at each instant of it. */
export const advance = (duration: Duration.DurationInput): Effect.Effect<void, never, Time> =>
  Effect.flatMap(Time, (time) => time.advance(Duration.toMillis(duration)))

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** Runs an effect in a time of its own, which begins at zero and passes only by `advance`. */
export const inVirtualTime = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Time>> =>
  Effect.suspend(() => {
    let now = 0
    const sleepers = new Set<Sleeper>()
    const clock: Clock.Clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => now,
      unsafeCurrentTimeNanos: () => BigInt(Math.round(now * 1e6)),
      currentTimeMillis: Effect.sync(() => now),
      currentTimeNanos: Effect.sync(() => BigInt(Math.round(now * 1e6))),
      sleep: (duration) =>
        Effect.async<void>((resume) => {
          const millis = Duration.toMillis(duration)
          if (millis <= 0) return resume(Effect.void)
          const sleeper = { until: now + millis, wake: () => resume(Effect.void) }
          sleepers.add(sleeper)
          return Effect.sync(() => sleepers.delete(sleeper))
        })
    }
    const advance = (millis: number) =>
      Effect.gen(function* () {
        const end = now + millis
        yield* turn
        for (;;) {
          const next = Math.min(...[...sleepers].map(({ until }) => until))
          if (next > end) break
          now = Math.max(now, next)
          for (const sleeper of sleepers) {
            if (sleeper.until > now) continue
            sleepers.delete(sleeper)
            sleeper.wake()
          }
          yield* turn
        }
        now = end
        yield* settle
      })
    return self.pipe(Effect.provideService(Time, { advance }), Effect.withClock(clock)) as Effect.Effect<
      A,
      E,
      Exclude<R, Time>
    >
  })

/** Provides a layer, and a time of its own. */
export const under =
  <R>(layer: Layer.Layer<R>) =>
  <A, E, R2>(self: Effect.Effect<A, E, R2>): Effect.Effect<A, E, Exclude<R2, R | Time>> =>
    inVirtualTime(Effect.provide(self, layer)) as Effect.Effect<A, E, Exclude<R2, R | Time>>
