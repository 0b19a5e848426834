import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as turnBatch from "../src/internal/turnBatch.js"

/** A batch that answers each item with its double, when the gate opens, and keeps what it was run with. */
const doubling = (gate: Effect.Effect<unknown, string> = Effect.void) =>
  Effect.gen(function* () {
    const runs: Array<ReadonlyArray<number>> = []
    const log = { runs, interrupted: 0 }
    const ask = yield* turnBatch.make((items: ReadonlyArray<number>) => {
      runs.push(items)
      return Effect.as(
        gate,
        items.map((item) => (item < 0 ? Either.left(`no ${item}`) : Either.right(item * 2)))
      ).pipe(Effect.onInterrupt(() => Effect.sync(() => log.interrupted++)))
    })
    return { ask, log }
  })

/** Until the events that are ready have been handled. */
const nextTurn = Effect.async<void>((resume) => void setImmediate(() => setImmediate(() => resume(Effect.void))))

describe("turnBatch", () => {
  it.effect("what many fibers ask for in one turn is one run, and each gets its own answers", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      const answers = yield* Effect.all([ask([1, 2]), ask([3]), ask([]), ask([1])], { concurrency: "unbounded" })
      expect(answers).toEqual([[2, 4], [6], [], [2]])
      expect(log.runs).toEqual([[1, 2, 3, 1]])
    })
  )

  it.effect("what is asked for in the next turn is another run", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      yield* ask([1])
      yield* ask([2])
      expect(log.runs).toEqual([[1], [2]])
    })
  )

  it.effect("a turn that asks for too much is several runs, and nobody is mixed up", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      const answers = yield* Effect.forEach(
        Array.from({ length: 2_500 }, (_, i) => i),
        (i) => ask([i]),
        { concurrency: "unbounded" }
      )
      expect(answers.flat()).toEqual(answers.map((_, i) => i * 2))
      expect(log.runs.map((items) => items.length)).toEqual([1_000, 1_000, 500])
    })
  )

  it.effect("heavy items are spread over several runs, and a list of one caller stays together", () =>
    Effect.gen(function* () {
      const runs: Array<ReadonlyArray<number>> = []
      const ask = yield* turnBatch.make(
        (items: ReadonlyArray<number>) => {
          runs.push(items)
          return Effect.succeed(items.map((item) => Either.right(item)))
        },
        (item) => item
      )
      yield* Effect.all([ask([600]), ask([500, 900]), ask([1]), ask([2])], { concurrency: "unbounded" })
      expect(runs).toEqual([
        [600, 500, 900],
        [1, 2]
      ])
    })
  )

  it.effect("the failure of one item is its asker's alone, and hides the asker's other answers", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      const exits = yield* Effect.all([ask([1]), ask([2, -1, 3]), ask([4])].map(Effect.exit), {
        concurrency: "unbounded"
      })
      expect(exits).toEqual([Exit.succeed([2]), Exit.fail("no -1"), Exit.succeed([8])])
      expect(log.runs).toHaveLength(1)
    })
  )

  it.effect("a failure of the run is everybody's, and the next run is asked again", () =>
    Effect.gen(function* () {
      let fails = true
      const { ask } = yield* doubling(Effect.suspend(() => (fails ? Effect.fail("broken") : Effect.void)))
      const exits = yield* Effect.all([Effect.exit(ask([1])), Effect.exit(ask([2]))], { concurrency: "unbounded" })
      expect(exits).toEqual([Exit.fail("broken"), Exit.fail("broken")])
      fails = false
      expect(yield* ask([1])).toEqual([2])
    })
  )

  it.effect("a defect of the run is everybody's, too, and leaves nobody waiting", () =>
    Effect.gen(function* () {
      const ask = yield* turnBatch.make((): Effect.Effect<ReadonlyArray<Either.Either<number>>> => {
        throw new Error("cannot build the command")
      })
      const exits = yield* Effect.all([Effect.exit(ask([1])), Effect.exit(ask([2]))], { concurrency: "unbounded" })
      for (const exit of exits) expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
    })
  )

  it.effect("one that leaves before the run is not asked for, and the others get their own answers", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      const first = yield* Effect.fork(ask([1]))
      const second = yield* Effect.fork(ask([2]))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      expect(yield* Fiber.join(second)).toEqual([4])
      expect(log.runs).toEqual([[2]])
    })
  )

  it.effect("one that leaves during the run disturbs nobody", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { ask, log } = yield* doubling(Deferred.await(gate))
      const first = yield* Effect.fork(ask([1, 10]))
      const second = yield* Effect.fork(ask([2]))
      yield* nextTurn
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      expect(yield* Fiber.join(second)).toEqual([4])
      expect(log.interrupted).toBe(0)
    })
  )

  it.effect("when the last one leaves the run is interrupted", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling(Effect.never)
      const fibers = yield* Effect.all([Effect.fork(ask([1])), Effect.fork(ask([2]))])
      yield* nextTurn
      yield* Fiber.interrupt(fibers[0])
      yield* nextTurn
      expect(log.interrupted).toBe(0)
      yield* Fiber.interrupt(fibers[1])
      yield* nextTurn
      expect(log.interrupted).toBe(1)
    })
  )

  it.effect("when all leave before the run there is none", () =>
    Effect.gen(function* () {
      const { ask, log } = yield* doubling()
      const fiber = yield* Effect.fork(ask([1]))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      yield* nextTurn
      expect(log.runs).toEqual([])
      expect(yield* ask([2])).toEqual([4])
    })
  )
})
