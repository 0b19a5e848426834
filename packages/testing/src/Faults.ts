/**
 * Makes a store fail: the nth operation, every one from the nth on, or some of them by chance, fails, is slow, never
 * answers, does its work and loses the reply or a part of it. Plans are changed while the program runs.
 *
 * The wrapped store says that it is `remote`, so that whoever uses it keeps the time limits and the circuit breaker it
 * keeps for a server.
 *
 * @example
 * import { Store } from "@larder/cache"
 * import { Faults } from "@larder/testing"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const program = Effect.gen(function* () {
 *   const faults = yield* Faults.Faults
 *   const store = yield* Store.Store
 *   yield* faults.set({ fault: Faults.fail(), on: "read", nth: 2 })
 *   const outcomes = yield* Effect.forEach([1, 2, 3], () => Effect.isSuccess(store.read([])))
 *   return { outcomes, calls: yield* faults.calls }
 * }).pipe(Effect.provide(Faults.layer.pipe(Layer.provide(Store.layerMemory))))
 *
 * Effect.runSync(program) // => { outcomes: [true, false, true], calls: ["read", "read", "read"] }
 *
 * @since 0.1.0
 */
import { ConfigurationError, StoreError } from "@larder/cache/CacheError"
import { Store } from "@larder/cache/Store"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PCGRandom } from "effect/Utils"
import { cut } from "./internal/truncate.js"

/**
 * An operation of a store.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = Exclude<keyof Context.Tag.Service<Store>, "name" | "remote" | "apart" | "carrier">

/**
 * What goes wrong with an operation.
 *
 * - `Fail`: it does nothing and fails.
 * - `Delay`: it waits, by Effect's `Clock`, and then does its work.
 * - `Hang`: it never answers; it can be interrupted.
 * - `LoseReply`: it does its work, and then fails, or never answers.
 * - `Truncate`: it does its work, and a part of its answer is lost, without anybody noticing: the values it answers
 *   are cut, or its list of answers is; see `truncate`.
 * - `Die`: it dies with a defect, as a broken adapter does.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault =
  | { readonly _tag: "Fail"; readonly reason: StoreError["reason"] }
  | { readonly _tag: "Delay"; readonly duration: Duration.DurationInput }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "LoseReply"; readonly ending: "Fail" | "Hang" }
  | { readonly _tag: "Truncate"; readonly part: "Bytes" | "Answers"; readonly keep: number }
  | { readonly _tag: "Die" }

/**
 * Which operations a fault meets. The count, and the sequence of a seed, begin anew with each plan.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan {
  readonly fault: Fault
  /** Which operations count. Default: all. */
  readonly on?: Operation | ReadonlyArray<Operation> | undefined
  /** From which one of those on it may be met. A whole number, from 1. Default 1. */
  readonly nth?: number | undefined
  /**
   * `once`: the first one that is met, and none after it. `onwards`: each one from the nth on. Default `once`, and
   * with a `probability` `onwards`.
   */
  readonly span?: "once" | "onwards" | undefined
  /** How likely each of them is met. A number from 0 to 1. Default 1. */
  readonly probability?: number | undefined
  /** Where the sequence of chances begins: the same seed meets the same operations. A whole number. Default 0. */
  readonly seed?: number | undefined
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const fail = (reason: StoreError["reason"] = "Unavailable"): Fault => ({ _tag: "Fail", reason })

/**
 * @since 0.1.0
 * @category constructors
 */
export const delay = (duration: Duration.DurationInput): Fault => ({ _tag: "Delay", duration })

/**
 * @since 0.1.0
 * @category constructors
 */
export const hang: Fault = { _tag: "Hang" }

/**
 * @since 0.1.0
 * @category constructors
 */
export const loseReply = (ending: "Fail" | "Hang" = "Fail"): Fault => ({ _tag: "LoseReply", ending })

/**
 * A reply of which a part is lost, and that is taken for whole. `bytes`: of each value that is answered only so many
 * bytes are left. `answers`: of a list of answers only so many are left; an operation that answers no list answers
 * nothing. A negative number says how many are lost at the end: `{ bytes: -1 }` loses the last byte.
 *
 * @since 0.1.0
 * @category constructors
 */
export const truncate = (keep: { readonly bytes: number } | { readonly answers: number }): Fault =>
  "bytes" in keep
    ? { _tag: "Truncate", part: "Bytes", keep: keep.bytes }
    : { _tag: "Truncate", part: "Answers", keep: keep.answers }

/**
 * @since 0.1.0
 * @category constructors
 */
export const die: Fault = { _tag: "Die" }

/**
 * The switch.
 *
 * @since 0.1.0
 * @category tags
 */
export class Faults extends Context.Tag("@larder/testing/Faults")<
  Faults,
  {
    /**
     * Follows this plan, or these plans side by side, instead of the one before. A plan that is not usable is a mistake
     * of the test: it dies with a `ConfigurationError`, and the plan before stands.
     */
    readonly set: (plan: Plan | ReadonlyArray<Plan>) => Effect.Effect<void>
    /** No faults any more. */
    readonly clear: Effect.Effect<void>
    /** How many operations were begun since the layer was built. */
    readonly count: Effect.Effect<number>
    /** Their names, oldest first, those that were met by a fault included. */
    readonly calls: Effect.Effect<ReadonlyArray<Operation>>
    /** How many operations were met by a fault since the plan was set. */
    readonly met: Effect.Effect<number>
  }
>() {}

interface Running {
  readonly plan: Plan
  readonly random: PCGRandom
  seen: number
  over: boolean
}

const wrong = ({ fault, nth = 1, probability = 1, seed = 0 }: Plan): ConfigurationError | undefined => {
  const expected = (field: string, what: string, got: number) =>
    new ConfigurationError({ where: `plan of faults: ${field}`, detail: `expected ${what}, got ${got}` })
  if (!Number.isSafeInteger(nth) || nth < 1) return expected("nth", "a whole number from 1", nth)
  if (!(probability >= 0 && probability <= 1)) return expected("probability", "a number from 0 to 1", probability)
  if (!Number.isSafeInteger(seed)) return expected("seed", "a whole number", seed)
  if (fault._tag === "Truncate" && !Number.isSafeInteger(fault.keep)) {
    return expected("truncate", "a whole number", fault.keep)
  }
  return undefined
}

/** Whether this plan meets this operation, which is one of those that it counts. */
const meets = (one: Running): boolean => {
  const { nth = 1, probability = 1, span = one.plan.probability === undefined ? "once" : "onwards" } = one.plan
  one.seen++
  if (one.over || one.seen < nth || one.random.number() >= probability) return false
  one.over = span === "once"
  return true
}

const counts = (plan: Plan, operation: Operation): boolean =>
  plan.on === undefined || (typeof plan.on === "string" ? plan.on === operation : plan.on.includes(operation))

/**
 * Wraps a store.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  store: Context.Tag.Service<Store>
): Effect.Effect<{
  readonly store: Context.Tag.Service<Store>
  readonly faults: Context.Tag.Service<Faults>
}> =>
  Effect.sync(() => {
    let running: ReadonlyArray<Running> = []
    let met = 0
    const calls: Array<Operation> = []

    const next = (operation: Operation): Fault | undefined => {
      calls.push(operation)
      let fault: Fault | undefined
      for (const one of running) {
        if (counts(one.plan, operation) && meets(one)) fault ??= one.plan.fault
      }
      if (fault !== undefined) met++
      return fault
    }

    const through = <A>(operation: Operation, effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => {
        const fault = next(operation)
        if (fault === undefined) return effect
        const failure = (reason: StoreError["reason"]) =>
          Effect.fail(new StoreError({ store: store.name, operation, reason, detail: "a fault was asked for" }))
        switch (fault._tag) {
          case "Fail":
            return failure(fault.reason)
          case "Delay":
            return Effect.delay(effect, fault.duration)
          case "Hang":
            return Effect.never
          case "LoseReply":
            return Effect.zipRight(effect, fault.ending === "Hang" ? Effect.never : failure("Timeout"))
          case "Truncate":
            return Effect.map(effect, (answer) => cut(answer, fault.part, fault.keep))
          case "Die":
            return Effect.dieMessage(`${store.name}: ${operation} died, as was asked for`)
        }
      })

    return {
      store: {
        name: store.name,
        remote: true,
        apart: store.apart,
        carrier: store.carrier,
        read: (requests) => through("read", store.read(requests)),
        lease: (requests) => through("lease", store.lease(requests)),
        fill: (requests) => through("fill", store.fill(requests)),
        renew: (leases, leaseMillis) => through("renew", store.renew(leases, leaseMillis)),
        release: (leases) => through("release", store.release(leases)),
        invalidate: (request) => through("invalidate", store.invalidate(request)),
        expire: (request) => through("expire", store.expire(request)),
        capture: (request) => through("capture", store.capture(request)),
        commit: (request) => through("commit", store.commit(request))
      },
      faults: {
        set: (plan) =>
          Effect.suspend(() => {
            const plans = "fault" in plan ? [plan] : plan
            const mistake = plans.map(wrong).find((one) => one !== undefined)
            if (mistake !== undefined) return Effect.die(mistake)
            running = plans.map((plan) => ({ plan, random: new PCGRandom(plan.seed ?? 0), seen: 0, over: false }))
            met = 0
            return Effect.void
          }),
        clear: Effect.sync(() => {
          running = []
        }),
        count: Effect.sync(() => calls.length),
        calls: Effect.sync(() => [...calls]),
        met: Effect.sync(() => met)
      }
    }
  })

/**
 * Puts the switch before the store it is given: `Faults.layer.pipe(Layer.provide(Store.layerMemory))`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Store | Faults, never, Store> = Layer.effectContext(
  Effect.map(Effect.flatMap(Store, make), ({ faults, store }) =>
    Context.empty().pipe(Context.add(Store, store), Context.add(Faults, faults))
  )
)
