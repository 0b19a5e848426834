/**
 * One run for each key: callers that want the same thing at the same time share one flight, its success and its
 * failure.
 *
 * A flight runs on a fiber of its own, in the scope of whoever made the registry, with the context of the caller that
 * launched it. So interrupting a caller, the first one included, disturbs nobody; when the last one is gone the
 * flight is interrupted. One launch may fly several keys together (a batch): they share one fiber, and each key can be
 * joined by itself.
 *
 * The registry does not know what makes a flight too old to join; the caller decides that, with the flight's
 * `startedAt` and `names`.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Scope from "effect/Scope"

/**
 * The fiber behind one or several flights, and who waits for it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Run {
  waiters: number
  /** How many of its flights have not landed. */
  pending: number
  /** Takes its flights out of the registry, so that nobody joins them any more. */
  close: () => void
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** The runs that the work of this one waits for at the moment, and how often: a circle of these would never end. */
  readonly waitsFor: Map<Run, number>
}

/**
 * One key on its way.
 *
 * @since 0.1.0
 * @category models
 */
export interface Flight<A> {
  readonly id: string
  /** When it began, on the clock of the caller's choice. */
  readonly startedAt: number
  /** What it depends on; grows while the lookup learns. */
  readonly names: Set<string>
  readonly run: Run
  /** Answers `undefined` when the flight came to nothing: it was cut off from outside. */
  readonly landing: Deferred.Deferred<A | undefined>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SingleFlight<A> {
  readonly size: () => number
  readonly find: (id: string) => Flight<A> | undefined
  /**
   * Starts one run for these keys, each in the place of a flight of the same key that is under way. `work` lands each
   * flight with `land`; what is not landed when it ends comes to nothing. A run that `stays` is not interrupted when
   * nobody waits. Must be called where interruption is masked, and the launcher has boarded `boarding` of them.
   */
  readonly launch: <R>(
    flights: ReadonlyArray<{ readonly id: string; readonly startedAt: number; readonly names: Iterable<string> }>,
    options: { readonly stays: boolean; readonly boarding: number },
    work: (flights: ReadonlyArray<Flight<A>>) => Effect.Effect<void, never, R>
  ) => Effect.Effect<ReadonlyArray<Flight<A>>, never, R>
  /** Lets everybody who waits go. Unless it `stays`, nobody can join any more. */
  readonly land: (flight: Flight<A>, landing: A, stays: boolean) => Effect.Effect<void>
  /** Counts a caller in. Must be called where interruption is masked, and be followed by `wait`. */
  readonly board: (flight: Flight<A>) => void
  /** Waits in the way that `how` says, and counts the caller out of each flight in the end. */
  readonly wait: <B>(flights: ReadonlyArray<Flight<A>>, how: Effect.Effect<B>) => Effect.Effect<B>
  /** Lets the flight go on although this caller no longer waits. */
  readonly stay: (flight: Flight<A>) => void
}

/**
 * Whether a run waits, directly or through others, for one of these.
 *
 * @since 0.1.0
 * @category predicates
 */
export const waitsForAny = (run: Run, others: ReadonlySet<Run>): boolean => {
  const seen = new Set<Run>()
  const visit = (one: Run): boolean => {
    if (others.has(one)) return true
    if (seen.has(one)) return false
    seen.add(one)
    for (const next of one.waitsFor.keys()) if (visit(next)) return true
    return false
  }
  return visit(run)
}

/**
 * Says that a run begins (`1`) or ends (`-1`) to wait for another one.
 *
 * @since 0.1.0
 * @category combinators
 */
export const countWait = (run: Run, other: Run, by: 1 | -1): void => {
  const waits = (run.waitsFor.get(other) ?? 0) + by
  if (waits > 0) run.waitsFor.set(other, waits)
  else run.waitsFor.delete(other)
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = <A>(scope: Scope.Scope): SingleFlight<A> => {
  const flights = new Map<string, Flight<A>>()

  const remove = (some: ReadonlyArray<Flight<A>>) => {
    for (const flight of some) if (flights.get(flight.id) === flight) flights.delete(flight.id)
  }

  const leave = (flight: Flight<A>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { run } = flight
      run.waiters -= 1
      if (run.waiters > 0 || run.pending === 0 || run.fiber === undefined) return Effect.void
      run.close()
      return Effect.asVoid(Fiber.interrupt(run.fiber))
    })

  return {
    size: () => flights.size,
    find: (id) => flights.get(id),
    launch: (specs, { stays, boarding }, work) =>
      Effect.suspend(() => {
        const run: Run = {
          waiters: boarding,
          pending: specs.length,
          close: () => remove(launched),
          fiber: undefined,
          waitsFor: new Map()
        }
        if (stays) run.waiters += 1
        const launched = specs.map(({ id, startedAt, names }): Flight<A> => {
          const landing = Deferred.unsafeMake<A | undefined>(FiberId.none)
          return { id, startedAt, names: new Set(names), run, landing }
        })
        for (const flight of launched) flights.set(flight.id, flight)
        const end = Effect.suspend(() => {
          run.pending = 0
          remove(launched)
          return Effect.forEach(launched, (flight) => Deferred.succeed(flight.landing, undefined), { discard: true })
        })
        // Forked where interruption is masked, so that `end` is in place before the fiber can be cut off.
        const body = Effect.uninterruptibleMask(() => Effect.ensuring(Effect.interruptible(work(launched)), end))
        return Effect.map(Effect.forkIn(body, scope), (fiber) => {
          run.fiber = fiber
          return launched
        })
      }),
    land: (flight, landing, stays) =>
      Effect.suspend(() => {
        flight.run.pending -= 1
        if (!stays) remove([flight])
        return Effect.asVoid(Deferred.succeed(flight.landing, landing))
      }),
    board: (flight) => {
      flight.run.waiters += 1
    },
    wait: (some, how) => Effect.ensuring(how, Effect.forEach(some, leave, { discard: true })),
    stay: (flight) => {
      flight.run.waiters += 1
    }
  }
}
