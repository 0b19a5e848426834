import { assertLeft, assertRight, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { CircuitBreaker } from "@larder/cache"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"

/** The middle of the spread: a pause is as long as it says. */
const unspread = Effect.withRandom(Random.fixed([0.5]))

const world = (options: CircuitBreaker.Options = {}) => {
  const changes: Array<string> = []
  const breaker = CircuitBreaker.make({
    ...options,
    onChange: (state) => Effect.sync(() => void changes.push(state))
  })
  let calls = 0
  const run = (call: Effect.Effect<string, string>) =>
    Effect.either(
      breaker.protect(
        Effect.suspend(() => {
          calls += 1
          return call
        }),
        () => "refused"
      )
    )
  return {
    breaker,
    changes,
    calls: () => calls,
    succeed: run(Effect.succeed("ok")),
    fail: run(Effect.fail("down")),
    die: Effect.exit(breaker.protect(Effect.die("bug"), () => "refused"))
  }
}

const failures = (one: Effect.Effect<unknown>, count: number) => Effect.replicateEffect(one, count, { discard: true })

describe("CircuitBreaker", () => {
  it.effect("opens after five failures in a row, and not after four", () =>
    Effect.gen(function* () {
      const { breaker, changes, fail, calls } = world()
      yield* failures(fail, 4)
      strictEqual(yield* breaker.isOpen, false)
      assertLeft(yield* fail, "down")
      strictEqual(yield* breaker.isOpen, true)
      assertLeft(yield* fail, "refused")
      strictEqual(calls(), 5)
      deepStrictEqual(changes, ["Open"])
    }).pipe(unspread)
  )

  it.effect("a clock that is set back ends the pause: the store is asked again", () =>
    Effect.gen(function* () {
      const { fail, succeed } = world()
      yield* TestClock.setTime(3_600_000)
      yield* failures(fail, 5)
      assertLeft(yield* succeed, "refused")
      yield* TestClock.setTime(0)
      assertRight(yield* succeed, "ok")
    }).pipe(unspread)
  )

  it.effect("a success between them begins the row anew", () =>
    Effect.gen(function* () {
      const { breaker, fail, succeed } = world()
      yield* failures(fail, 4)
      yield* succeed
      yield* failures(fail, 4)
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(unspread)
  )

  it.effect("a defect is a failure", () =>
    Effect.gen(function* () {
      const { breaker, die } = world({ failures: 2 })
      yield* failures(die, 2)
      strictEqual(yield* breaker.isOpen, true)
    }).pipe(unspread)
  )

  it.effect("an interrupted call counts neither as failure nor as success", () =>
    Effect.gen(function* () {
      const { breaker, fail } = world({ failures: 2 })
      yield* fail
      for (let i = 0; i < 5; i++) {
        const fiber = yield* Effect.fork(breaker.protect(Effect.never, () => "refused"))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
      }
      strictEqual(yield* breaker.isOpen, false)
      yield* fail
      strictEqual(yield* breaker.isOpen, true)
    }).pipe(unspread)
  )

  it.effect("lets one call through after a second, and closes when that succeeds", () =>
    Effect.gen(function* () {
      const { breaker, changes, fail, succeed, calls } = world({ failures: 1 })
      yield* fail
      yield* TestClock.adjust(999)
      assertLeft(yield* succeed, "refused")
      yield* TestClock.adjust(1)
      strictEqual(yield* breaker.isOpen, false)
      yield* succeed
      strictEqual(yield* breaker.isOpen, false)
      strictEqual(calls(), 2)
      deepStrictEqual(changes, ["Open", "Closed"])
    }).pipe(unspread)
  )

  it.effect("only one call at a time is a probe; the others are refused meanwhile", () =>
    Effect.gen(function* () {
      const { breaker, fail, succeed } = world({ failures: 1 })
      const answer = yield* Deferred.make<string>()
      yield* fail
      yield* TestClock.adjust(1000)
      const probe = yield* Effect.fork(breaker.protect(Deferred.await(answer), () => "refused"))
      yield* Effect.yieldNow()
      strictEqual(yield* breaker.isOpen, true)
      assertLeft(yield* succeed, "refused")
      yield* Deferred.succeed(answer, "back")
      strictEqual(yield* Fiber.join(probe), "back")
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(unspread)
  )

  it.effect("an interrupted probe leaves the place to the next", () =>
    Effect.gen(function* () {
      const { breaker, fail, succeed, calls } = world({ failures: 1 })
      yield* fail
      yield* TestClock.adjust(1000)
      const probe = yield* Effect.fork(breaker.protect(Effect.never, () => "refused"))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(probe)
      yield* succeed
      strictEqual(calls(), 2)
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(unspread)
  )

  it.effect("the pause doubles with each failed probe up to half a minute, and is a second again after a success", () =>
    Effect.gen(function* () {
      const { fail, succeed, calls } = world({ failures: 1 })
      yield* fail
      for (const seconds of [1, 2, 4, 8, 16, 30, 30, 30]) {
        const before = calls()
        yield* TestClock.adjust(seconds * 1000 - 1)
        assertLeft(yield* fail, "refused")
        yield* TestClock.adjust(1)
        assertLeft(yield* fail, "down")
        strictEqual(calls(), before + 1)
      }
      yield* TestClock.adjust(30_000)
      yield* succeed
      yield* fail
      yield* TestClock.adjust(999)
      assertLeft(yield* succeed, "refused")
      yield* TestClock.adjust(1)
      expect((yield* succeed)._tag).toBe("Right")
    }).pipe(unspread)
  )

  it.effect.each([
    [0, 750],
    [0.5, 1000],
    [0.999999, 1250]
  ])("the pause is spread by a quarter of itself either way: %j", ([random, pause]) =>
    Effect.gen(function* () {
      const { breaker, fail } = world({ failures: 1 })
      yield* fail
      yield* TestClock.adjust(pause! - 1)
      strictEqual(yield* breaker.isOpen, true)
      yield* TestClock.adjust(1)
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(Effect.withRandom(Random.fixed([random])))
  )

  it.effect("calls that were under way when it opened do not prolong the pause", () =>
    Effect.gen(function* () {
      const { breaker, fail } = world({ failures: 1 })
      const answer = yield* Deferred.make<string, string>()
      const slow = yield* Effect.fork(Effect.exit(breaker.protect(Deferred.await(answer), () => "refused")))
      yield* Effect.yieldNow()
      yield* fail
      yield* TestClock.adjust(900)
      yield* Deferred.fail(answer, "down")
      strictEqual(yield* Fiber.join(slow).pipe(Effect.map(Exit.isFailure)), true)
      yield* TestClock.adjust(100)
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(unspread)
  )

  it.effect("an observed call runs though it is open, and a success of it closes", () =>
    Effect.gen(function* () {
      const { breaker, changes, fail } = world({ failures: 1 })
      yield* fail
      strictEqual(yield* breaker.observe(Effect.succeed("ok")), "ok")
      strictEqual(yield* breaker.isOpen, false)
      deepStrictEqual(changes, ["Open", "Closed"])
    }).pipe(unspread)
  )

  it.effect("observed failures open it too", () =>
    Effect.gen(function* () {
      const { breaker } = world({ failures: 2 })
      yield* failures(Effect.exit(breaker.observe(Effect.fail("down"))), 2)
      strictEqual(yield* breaker.isOpen, true)
    }).pipe(unspread)
  )

  it.effect("takes its limits from its options", () =>
    Effect.gen(function* () {
      const { fail, succeed, breaker } = world({ failures: 1, pauseMillis: 10, maximumPauseMillis: 15 })
      yield* fail
      yield* TestClock.adjust(10)
      yield* fail
      yield* TestClock.adjust(14)
      assertLeft(yield* succeed, "refused")
      yield* TestClock.adjust(1)
      yield* succeed
      strictEqual(yield* breaker.isOpen, false)
    }).pipe(unspread)
  )
})
