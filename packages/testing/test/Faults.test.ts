import { describe, expect, it } from "@effect/vitest"
import { ConfigurationError, StoreError } from "@larder/cache/CacheError"
import * as Store from "@larder/cache/Store"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import * as Faults from "../src/Faults.js"
import * as StoreSuite from "../src/StoreSuite.js"

const layer = Faults.layer.pipe(Layer.provide(Store.layerMemory))
const provided = Effect.provide(layer)

const request: Store.CaptureRequest = { key: "k", shape: "s", tags: [], retainMillis: 1_000 }
const read = Effect.flatMap(Store.Store, (store) => store.read([request]))
const invalidate = Effect.flatMap(Store.Store, (store) => store.invalidate({ keys: [], tags: [] }))
const outcomes = (times: number) =>
  Effect.forEach(Array.from({ length: times }), () => Effect.map(Effect.exit(read), Exit.isSuccess))

// Without a plan it is the store that it wraps.
StoreSuite.suite("memory behind Faults", layer, { advance: TestClock.adjust })

describe("Faults", () => {
  it.effect("the wrapped store is remote, and keeps its name", () =>
    Effect.gen(function* () {
      const store = yield* Store.Store
      expect(store.remote).toBe(true)
      expect(store.name).toBe("memory")
    }).pipe(provided)
  )

  it.effect("exactly the nth operation fails, and the count begins anew with each plan", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* outcomes(1)
      yield* faults.set({ fault: Faults.fail(), nth: 3 })
      expect(yield* outcomes(5)).toEqual([true, true, false, true, true])
      expect(yield* faults.met).toBe(1)
      yield* faults.set({ fault: Faults.fail() })
      expect(yield* faults.met).toBe(0)
      expect(yield* outcomes(2)).toEqual([false, true])
    }).pipe(provided)
  )

  it.effect("from the nth operation onwards all fail, until the plan is cleared", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail(), nth: 2, span: "onwards" })
      expect(yield* outcomes(4)).toEqual([true, false, false, false])
      yield* faults.clear
      expect(yield* outcomes(2)).toEqual([true, true])
    }).pipe(provided)
  )

  it.effect("only the operations that a plan names count and fail, and plans stand side by side", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set([
        { fault: Faults.fail("Rejected"), on: "invalidate" },
        { fault: Faults.fail("CircuitOpen"), on: ["read", "lease"], nth: 2 }
      ])
      yield* read
      expect((yield* Effect.flip(invalidate)).reason).toBe("Rejected")
      expect((yield* Effect.flip(read)).reason).toBe("CircuitOpen")
      yield* invalidate
      expect(yield* faults.calls).toEqual(["read", "invalidate", "read", "invalidate"])
      expect(yield* faults.count).toBe(4)
    }).pipe(provided)
  )

  it.effect("a failed operation did nothing, and says which it was", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const before = (yield* read)[0]!.epochs.counter
      yield* faults.set({ fault: Faults.fail("Unavailable"), on: "invalidate" })
      const error = yield* Effect.flip(invalidate)
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ store: "memory", operation: "invalidate", reason: "Unavailable" })
      expect((yield* read)[0]!.epochs.counter).toEqual(before)
    }).pipe(provided)
  )

  it.effect("a lost reply is a failure, or silence, after the work was done", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const before = (yield* read)[0]!.epochs.counter!
      yield* faults.set({ fault: Faults.loseReply(), on: "invalidate" })
      expect((yield* Effect.flip(invalidate)).reason).toBe("Timeout")
      expect((yield* read)[0]!.epochs.counter!.n).toBe(before.n + 1)

      yield* faults.set({ fault: Faults.loseReply("Hang"), on: "invalidate" })
      const fiber = yield* Effect.fork(invalidate)
      yield* Effect.yieldNow({ priority: 1 })
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      expect((yield* read)[0]!.epochs.counter!.n).toBe(before.n + 2)
      expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
    }).pipe(provided)
  )

  it.effect("a delayed operation does its work when the time has passed, not before", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.delay("1 second"), on: "read" })
      const fiber = yield* Effect.fork(read)
      yield* TestClock.adjust("999 millis")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 millis")
      expect(Exit.isSuccess(yield* Fiber.await(fiber))).toBe(true)
    }).pipe(provided)
  )

  it.effect("a hanging operation never answers, and can be interrupted", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.hang })
      const fiber = yield* Effect.fork(read)
      yield* TestClock.adjust("1 day")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
    }).pipe(provided)
  )

  it.effect("a dying operation is a defect, not a failure", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.die })
      const exit = yield* Effect.exit(read)
      expect(Exit.isFailure(exit) && exit.cause._tag).toBe("Die")
    }).pipe(provided)
  )

  it.effect("a plan with a probability meets about that part of the operations, the same for the same seed", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const drawn = (seed: number) =>
        Effect.zipRight(faults.set({ fault: Faults.fail(), probability: 0.1, seed }), outcomes(1000))
      const first = yield* drawn(42)
      const failed = first.filter((succeeded) => !succeeded).length
      expect(failed).toBeGreaterThan(70)
      expect(failed).toBeLessThan(130)
      expect(yield* faults.met).toBe(failed)
      expect(yield* drawn(42)).toEqual(first)
      expect(yield* drawn(43)).not.toEqual(first)
    }).pipe(provided)
  )

  it.effect("the chances of a plan are those of its seed, whatever the program draws", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const plan = { fault: Faults.fail(), probability: 0.5, seed: 7 }
      yield* faults.set(plan)
      const alone = yield* outcomes(50)
      yield* faults.set(plan)
      const beside = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.zipRight(
          Random.next,
          Effect.map(outcomes(1), ([first]) => first)
        )
      ).pipe(Effect.withRandom(Random.make("another")))
      expect(beside).toEqual(alone)
    }).pipe(provided)
  )

  it.effect("chance begins at the nth operation, counts only those named, and once is the first one met", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail(), probability: 1, nth: 3, on: "read" })
      yield* invalidate
      expect(yield* outcomes(4)).toEqual([true, true, false, false])
      yield* faults.set({ fault: Faults.fail(), probability: 0.2, span: "once", seed: 3 })
      const once = yield* outcomes(100)
      expect(once.filter((succeeded) => !succeeded)).toHaveLength(1)
      expect(once[0]).toBe(true)
      yield* faults.set({ fault: Faults.fail(), probability: 0 })
      expect(yield* outcomes(100)).not.toContain(false)
    }).pipe(provided)
  )

  it.effect.each<[string, Partial<Faults.Plan>]>([
    ["probability", { probability: 1.1 }],
    ["probability", { probability: -0.1 }],
    ["probability", { probability: Number.NaN }],
    ["nth", { nth: 0 }],
    ["nth", { nth: 1.5 }],
    ["seed", { seed: 0.5 }],
    ["truncate", { fault: Faults.truncate({ bytes: Number.NaN }) }]
  ])("a plan that is not usable is a mistake that names the field, and the plan before stands: %s", ([field, plan]) =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      yield* faults.set({ fault: Faults.fail(), nth: 2 })
      const exit = yield* Effect.exit(faults.set([{ fault: Faults.hang }, { fault: Faults.fail(), ...plan }]))
      const defect = Option.getOrThrow(Exit.causeOption(exit).pipe(Option.flatMap(Cause.dieOption)))
      expect(defect).toBeInstanceOf(ConfigurationError)
      expect(defect).toMatchObject({ where: `plan of faults: ${field}` })
      expect(yield* outcomes(2)).toEqual([true, false])
    }).pipe(provided)
  )

  it.effect("a truncated reply has lost bytes of each value, or answers, and the store has done its work", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.Faults
      const store = yield* Store.Store
      const lease = { ...request, seen: "*", leaseMillis: 1_000 }
      const [granted] = yield* store.lease([lease])
      if (granted?._tag !== "Granted") return expect.fail("no lease")
      const bytes = new TextEncoder().encode("value")
      yield* store.fill([{ lease: granted.lease, learntTags: [], bytes, timeToLiveMillis: 1_000 }])
      const value = (length: number) => ({ _tag: "Stored", bytes: bytes.slice(0, length) })

      yield* faults.set({ fault: Faults.truncate({ bytes: 2 }), span: "onwards" })
      expect((yield* store.read([request, request])).map(({ found }) => found)).toMatchObject([value(2), value(2)])
      expect(yield* store.lease([request].map((one) => ({ ...one, leaseMillis: 1 })))).toMatchObject([
        { _tag: "Found", answer: { found: value(2) } }
      ])
      yield* faults.set({ fault: Faults.truncate({ bytes: -1 }) })
      expect((yield* read)[0]).toMatchObject({ found: value(4) })

      yield* faults.set({ fault: Faults.truncate({ answers: -1 }), span: "onwards" })
      expect(yield* store.read([request, request])).toHaveLength(1)
      expect(yield* store.invalidate({ keys: [{ key: "k", shapes: ["s"] }], tags: [] })).toBeUndefined()
      yield* faults.clear
      expect((yield* read)[0]).toMatchObject({ found: { _tag: "Absent" }, epochs: { counter: { n: 1 } } })
    }).pipe(provided)
  )
})
