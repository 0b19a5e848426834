/**
 * Merges what many fibers ask for in one turn of the event loop into one run.
 *
 * Each caller gets exactly the answers to its own items, by position; the first failure among them, which is nobody
 * else's; or the failure of the whole run. A caller that is interrupted leaves; when the last one has left, the run is
 * interrupted. Nothing is retried.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

/** From this weight on a batch takes no more, and the turn begins another. */
const maximumWeight = 1_000

/** Runs a function when everything that is ready now has run. Edge runtimes have no `setImmediate`. */
const afterThisTurn: (run: () => void) => void =
  typeof globalThis.setImmediate === "function" ? globalThis.setImmediate : (run) => globalThis.setTimeout(run, 0)

interface Waiter<I, A, E> {
  readonly items: ReadonlyArray<I>
  readonly resume: (answer: Effect.Effect<ReadonlyArray<A>, E>) => void
}

interface Batch<I, A, E> {
  readonly waiters: Set<Waiter<I, A, E>>
  weight: number
  fiber: Fiber.RuntimeFiber<ReadonlyArray<Either.Either<A, E>>, E> | undefined
}

export const make = <I, A, E>(
  run: (items: ReadonlyArray<I>) => Effect.Effect<ReadonlyArray<Either.Either<A, E>>, E>,
  weight: (item: I) => number = () => 1
): Effect.Effect<(items: ReadonlyArray<I>) => Effect.Effect<ReadonlyArray<A>, E>> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    let open: Batch<I, A, E> | undefined

    const flush = (batch: Batch<I, A, E>): void => {
      if (open === batch) open = undefined
      // Those that leave from now on still have their place in the list of answers.
      const waiters = [...batch.waiters]
      if (waiters.length === 0) return
      const items = waiters.flatMap(({ items }) => items)
      // Suspended: a `run` that throws is a defect of its waiters, not of the event loop.
      batch.fiber = fork(Effect.suspend(() => run(items)))
      batch.fiber.addObserver((exit) => {
        let from = 0
        for (const { items, resume } of waiters) {
          const to = from + items.length
          const start = from
          resume(Exit.isSuccess(exit) ? Either.all(exit.value.slice(start, to)) : Exit.failCause(exit.cause))
          from = to
        }
      })
    }

    const join = (items: ReadonlyArray<I>): Batch<I, A, E> => {
      if (open === undefined || open.weight >= maximumWeight) {
        const batch: Batch<I, A, E> = { waiters: new Set(), weight: 0, fiber: undefined }
        open = batch
        afterThisTurn(() => flush(batch))
      }
      for (const item of items) open.weight += weight(item)
      return open
    }

    return (items) =>
      Effect.async((resume) => {
        const waiter = { items, resume }
        const batch = join(items)
        batch.waiters.add(waiter)
        return Effect.sync(() => {
          batch.waiters.delete(waiter)
          // Not awaited: a client that cannot give up at once must not hold up whoever was interrupted.
          if (batch.waiters.size === 0) batch.fiber?.unsafeInterruptAsFork(FiberId.none)
        })
      })
  })
