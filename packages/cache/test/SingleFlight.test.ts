import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { SingleFlight } from "@larder/cache"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

type Flights = SingleFlight.SingleFlight<string>
type Work = (flights: ReadonlyArray<SingleFlight.Flight<string>>) => Effect.Effect<void>

/** A registry, and a passenger: joins the flight of a key or launches it, and waits for its landing. */
const world = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const flights: Flights = SingleFlight.make(scope)
  let runs = 0
  let interrupted = 0
  const gate = yield* Deferred.make<string>()
  const work: Work = (launched) =>
    Effect.sync(() => void runs++).pipe(
      Effect.zipRight(Deferred.await(gate)),
      Effect.flatMap((value) => Effect.forEach(launched, (flight) => flights.land(flight, value, false))),
      Effect.asVoid,
      Effect.onInterrupt(() => Effect.sync(() => void interrupted++))
    )
  const fly = (id: string, options: { readonly stays?: boolean; readonly work?: Work } = {}) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        let flight = flights.find(id)
        if (flight === undefined) {
          const specs = [{ id, startedAt: 0, names: [id] }]
          const launched = yield* flights.launch(
            specs,
            { stays: options.stays ?? false, boarding: 1 },
            options.work ?? work
          )
          flight = launched[0]!
        } else flights.board(flight)
        return yield* flights.wait([flight], restore(Deferred.await(flight.landing)))
      })
    )
  return {
    scope,
    flights,
    gate,
    fly,
    work,
    runs: () => runs,
    interrupted: () => interrupted
  }
})

const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

describe("SingleFlight", () => {
  it.effect("a thousand callers of one key share one run and its landing", () =>
    Effect.gen(function* () {
      const { fly, flights, gate, runs } = yield* world
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 1000 }, () => fly("a")),
          { concurrency: "unbounded" }
        )
      )
      yield* settle
      strictEqual(flights.size(), 1)
      yield* Deferred.succeed(gate, "v")
      deepStrictEqual(new Set(yield* Fiber.join(all)), new Set(["v"]))
      strictEqual(runs(), 1)
      strictEqual(flights.size(), 0)
    })
  )

  it.effect("two keys are two runs", () =>
    Effect.gen(function* () {
      const { fly, gate, runs } = yield* world
      const both = yield* Effect.fork(Effect.all([fly("a"), fly("b")], { concurrency: 2 }))
      yield* settle
      yield* Deferred.succeed(gate, "v")
      yield* Fiber.join(both)
      strictEqual(runs(), 2)
    })
  )

  it.effect("a landed flight cannot be joined: the next call launches another", () =>
    Effect.gen(function* () {
      const { fly, gate, runs } = yield* world
      yield* Deferred.succeed(gate, "v")
      yield* fly("a")
      yield* fly("a")
      strictEqual(runs(), 2)
    })
  )

  it.effect("interrupting the first caller disturbs nobody", () =>
    Effect.gen(function* () {
      const { fly, gate, interrupted, runs } = yield* world
      const first = yield* Effect.fork(fly("a"))
      yield* settle
      const second = yield* Effect.fork(fly("a"))
      yield* settle
      yield* Fiber.interrupt(first)
      strictEqual(interrupted(), 0)
      yield* Deferred.succeed(gate, "v")
      strictEqual(yield* Fiber.join(second), "v")
      strictEqual(runs(), 1)
    })
  )

  it.effect("when the last caller is gone the run is interrupted, before that caller is let go", () =>
    Effect.gen(function* () {
      const { fly, flights, interrupted } = yield* world
      const both = [yield* Effect.fork(fly("a")), yield* Effect.fork(fly("a"))]
      yield* settle
      yield* Fiber.interrupt(both[0]!)
      strictEqual(interrupted(), 0)
      yield* Fiber.interrupt(both[1]!)
      strictEqual(interrupted(), 1)
      strictEqual(flights.size(), 0)
    })
  )

  it.effect("a run that was interrupted cannot be joined while it winds up", () =>
    Effect.gen(function* () {
      const { fly, flights, gate, runs } = yield* world
      const windingUp = yield* Deferred.make<void>()
      const slow = yield* Effect.fork(
        fly("a", { work: () => Effect.onInterrupt(Effect.never, () => Deferred.await(windingUp)) })
      )
      yield* settle
      const leaving = yield* Effect.fork(Fiber.interrupt(slow))
      yield* settle
      strictEqual(flights.find("a"), undefined)
      yield* Deferred.succeed(gate, "v")
      strictEqual(yield* fly("a"), "v")
      strictEqual(runs(), 1)
      yield* Deferred.succeed(windingUp, undefined)
      yield* Fiber.join(leaving)
    })
  )

  it.effect("a run that stays goes on when nobody waits", () =>
    Effect.gen(function* () {
      const { flights, gate, interrupted, runs, work } = yield* world
      const launched = yield* Effect.uninterruptible(
        flights.launch([{ id: "a", startedAt: 0, names: [] }], { stays: true, boarding: 0 }, work)
      )
      yield* settle
      flights.board(launched[0]!)
      const visitor = yield* Effect.fork(flights.wait(launched, Deferred.await(launched[0]!.landing)))
      yield* settle
      yield* Fiber.interrupt(visitor)
      strictEqual(interrupted(), 0)
      yield* Deferred.succeed(gate, "v")
      strictEqual(yield* Deferred.await(launched[0]!.landing), "v")
      strictEqual(runs(), 1)
    })
  )

  it.effect("a caller that no longer waits can let the run go on", () =>
    Effect.gen(function* () {
      const { fly, flights, gate, interrupted } = yield* world
      const caller = yield* Effect.fork(fly("a"))
      yield* settle
      const flight = flights.find("a")!
      flights.stay(flight)
      yield* Fiber.interrupt(caller)
      strictEqual(interrupted(), 0)
      yield* Deferred.succeed(gate, "v")
      strictEqual(yield* Deferred.await(flight.landing), "v")
    })
  )

  it.effect("work that ends, dies or is cut off without landing comes to nothing for who waits", () =>
    Effect.gen(function* () {
      const { fly, flights, scope } = yield* world
      strictEqual(yield* fly("ends", { work: () => Effect.void }), undefined)
      strictEqual(yield* fly("dies", { work: () => Effect.die("bug") }), undefined)
      const cut = yield* Effect.fork(fly("cut", { work: () => Effect.never }))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      strictEqual(yield* Fiber.join(cut), undefined)
      strictEqual(flights.size(), 0)
    })
  )

  it.effect("several keys fly together on one run, and each can be joined by itself", () =>
    Effect.gen(function* () {
      const { flights, fly, runs } = yield* world
      const gates = { a: yield* Deferred.make<void>(), b: yield* Deferred.make<void>() }
      let launches = 0
      const launched = yield* Effect.uninterruptible(
        flights.launch(
          [
            { id: "a", startedAt: 1, names: ["x"] },
            { id: "b", startedAt: 1, names: ["y"] }
          ],
          { stays: false, boarding: 2 },
          ([a, b]) =>
            Effect.gen(function* () {
              launches += 1
              yield* Deferred.await(gates.a)
              yield* flights.land(a!, "va", false)
              yield* Deferred.await(gates.b)
              yield* flights.land(b!, "vb", false)
            })
        )
      )
      const owner = yield* Effect.fork(
        flights.wait(
          launched,
          Effect.forEach(launched, (flight) => Deferred.await(flight.landing))
        )
      )
      const joined = yield* Effect.fork(fly("b"))
      yield* settle
      yield* Deferred.succeed(gates.a, undefined)
      yield* settle
      strictEqual(flights.find("a"), undefined)
      expect(flights.find("b")).toBeDefined()
      yield* Deferred.succeed(gates.b, undefined)
      deepStrictEqual(yield* Fiber.join(owner), ["va", "vb"])
      strictEqual(yield* Fiber.join(joined), "vb")
      strictEqual(launches, 1)
      strictEqual(runs(), 0)
    })
  )

  it.effect("a flight launched in the place of another is the one that is found, and outlives it", () =>
    Effect.gen(function* () {
      const { flights, gate, work } = yield* world
      const spec = [{ id: "a", startedAt: 0, names: [] }]
      const launch = (own: Work) => Effect.uninterruptible(flights.launch(spec, { stays: true, boarding: 0 }, own))
      const [old] = yield* launch(([flight]) => flights.land(flight!, "old", false))
      const [young] = yield* launch(work)
      yield* settle
      strictEqual(yield* Deferred.await(old!.landing), "old")
      strictEqual(flights.find("a"), young)
      yield* Deferred.succeed(gate, "v")
      strictEqual(yield* Deferred.await(young!.landing), "v")
    })
  )

  it.effect("a flight that landed and stays can still be joined until its run ends", () =>
    Effect.gen(function* () {
      const { flights, gate } = yield* world
      const [flight] = yield* Effect.uninterruptible(
        flights.launch([{ id: "a", startedAt: 0, names: [] }], { stays: true, boarding: 0 }, ([one]) =>
          Effect.zipRight(flights.land(one!, "v", true), Effect.asVoid(Deferred.await(gate)))
        )
      )
      yield* settle
      strictEqual(flights.find("a"), flight)
      yield* Deferred.succeed(gate, "end")
      yield* settle
      strictEqual(flights.find("a"), undefined)
    })
  )

  it.effect("the run has the context of the caller that launched it", () =>
    Effect.gen(function* () {
      class Name extends Context.Tag("Name")<Name, string>() {}
      const { flights } = yield* world
      const [flight] = yield* Effect.uninterruptible(
        flights.launch([{ id: "a", startedAt: 0, names: [] }], { stays: true, boarding: 0 }, ([one]) =>
          Effect.flatMap(Name, (name) => flights.land(one!, name, false))
        )
      ).pipe(Effect.provideService(Name, "Ada"))
      strictEqual(yield* Deferred.await(flight!.landing), "Ada")
    })
  )
})

const run = (): SingleFlight.Run => ({ waiters: 0, pending: 0, fiber: undefined, waitsFor: new Map(), close: () => {} })

describe("SingleFlight / waitsForAny", () => {
  const [a, b, c, d] = [run(), run(), run(), run()]
  SingleFlight.countWait(a!, b!, 1)
  SingleFlight.countWait(b!, c!, 1)
  SingleFlight.countWait(c!, a!, 1)

  it("sees a run itself, through others, and round a circle", () => {
    strictEqual(SingleFlight.waitsForAny(a!, new Set([a!])), true)
    strictEqual(SingleFlight.waitsForAny(a!, new Set([b!])), true)
    strictEqual(SingleFlight.waitsForAny(a!, new Set([c!])), true)
    strictEqual(SingleFlight.waitsForAny(a!, new Set([d!])), false)
    strictEqual(SingleFlight.waitsForAny(d!, new Set([a!, b!, c!])), false)
    strictEqual(SingleFlight.waitsForAny(a!, new Set()), false)
  })
})
