/**
 * What every store must do, as tests that an adapter registers in one line, and as plain data.
 *
 * The cases use names of their own, so a server with other data, or with what earlier runs have left, serves as well
 * as an empty one. Only the cases about `everything` touch the rest of a store: give the suite a key prefix of its own.
 *
 * @example
 * import { Store } from "@larder/cache"
 * import { StoreSuite } from "@larder/testing"
 * import * as TestClock from "effect/TestClock"
 *
 * const register = () => StoreSuite.suite("memory", Store.layerMemory, { advance: TestClock.adjust })
 *
 * register.length // => 0
 * StoreSuite.cases.some(({ name }) => name === "a lease fills once") // => true
 *
 * @since 0.1.0
 */
import { Store } from "@larder/cache/Store"
import { it, layer as shared } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as batches from "./internal/suite/batches.js"
import * as dependents from "./internal/suite/dependents.js"
import * as expiry from "./internal/suite/expiry.js"
import * as fences from "./internal/suite/fences.js"
import * as inspection from "./internal/suite/inspection.js"
import * as instances from "./internal/suite/instances.js"
import * as learntTags from "./internal/suite/learntTags.js"
import * as leases from "./internal/suite/leases.js"
import * as sharedLeases from "./internal/suite/sharedLeases.js"
import * as sets from "./internal/suite/sets.js"
import * as subject from "./internal/suite/subject.js"
import * as values from "./internal/suite/values.js"

/**
 * What a store may lack. Taken for granted unless it is said to be lacking:
 *
 * - `virtualTime`: its time is Effect's `Clock`, so that cases can stand at the exact millisecond. Without it the
 *   cases run in real time.
 * - `largeValues`: it takes a value of one megabyte.
 *
 * Tested where it is claimed:
 *
 * - `sharedFences`: stores built side by side over the same data see each other's values, leases and fences, as
 *   several instances of a program do. A store whose fences hold within one process lacks this.
 * - `survivesRestart`: what is stored and fenced is so still after the store was closed and built again.
 * - `inspection`: somebody can look into it from outside; see `immortal` of the options, which claims it.
 *
 * @since 0.1.0
 * @category models
 */
export type Capability = subject.Capability

/**
 * One case. `run` fails or dies when the store does not do what the name says.
 *
 * @since 0.1.0
 * @category models
 */
export interface Case {
  readonly name: string
  /** The capability without which the case says nothing. */
  readonly capability?: Capability
  readonly run: Effect.Effect<void, unknown, Store>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<out R = never> {
  /**
   * Lets time pass: `TestClock.adjust` for a store that lives by Effect's `Clock`, `Effect.sleep` for one with a
   * clock of its own. No case waits longer than a second.
   */
  readonly advance: (duration: Duration.DurationInput) => Effect.Effect<void>
  /**
   * What the store lacks, and why: `{ virtualTime: { lacking: "a server keeps its own time" } }`, and what it has
   * beyond the rest: `{ sharedFences: true }`. The cases of what is lacking are skipped by name, with the reason in the
   * title; those of what is neither lacking nor claimed are left out. Default: the first two of `Capability`.
   */
  readonly capabilities?: { readonly [C in Capability]?: true | { readonly lacking: string } } | undefined
  /**
   * One more store over the data of the first, for the cases of `sharedFences` and `survivesRestart`: the layer of the
   * store itself, which finds its client or its files in the context of the first.
   */
  readonly another?: Layer.Layer<Store, unknown, R> | undefined
  /**
   * Answers the names of whatever the store holds that would stay for ever if nobody touched it: for Redis, the keys
   * without a time to live. One case does a little of everything and asks. Default: nobody can tell.
   */
  readonly immortal?: Effect.Effect<ReadonlyArray<string>, unknown, R> | undefined
}

/**
 * How a case lets time pass, in milliseconds. The default is Effect's `TestClock`; provide another to run a case on a
 * store that has a clock of its own.
 *
 * @since 0.1.0
 * @category references
 */
export const Advance: typeof subject.Advance = subject.Advance

/**
 * How a case opens one more store over the same data, for cases of `sharedFences` and `survivesRestart`.
 *
 * @since 0.1.0
 * @category references
 */
export const Another: typeof subject.Another = subject.Another

/**
 * How a case asks what the store holds without an end, for cases of `inspection`.
 *
 * @since 0.1.0
 * @category references
 */
export const Immortal: typeof subject.Immortal = subject.Immortal

/**
 * Every case, in the order of the suite.
 *
 * @since 0.1.0
 * @category cases
 */
export const cases: ReadonlyArray<Case> = [
  ...values.cases,
  ...batches.cases,
  ...expiry.cases,
  ...leases.cases,
  ...sharedLeases.cases,
  ...learntTags.cases,
  ...fences.cases,
  ...dependents.cases,
  ...sets.cases,
  ...instances.cases,
  ...inspection.cases
]

/** Not every store can have these: a case of theirs says something of a store that claims them. */
const claimed: ReadonlyArray<Capability> = ["sharedFences", "survivesRestart", "inspection"]

/**
 * Registers every case as a test of the store that the layer builds. The layer is built once for all of them.
 *
 * @since 0.1.0
 * @category registration
 */
export const suite = <R = never>(
  name: string,
  layer: Layer.Layer<Store | R, unknown>,
  options: Options<Store | R>
): void => {
  const { advance, another, capabilities = {}, immortal } = options
  const lacking = (capability: Capability | undefined): "left out" | { readonly lacking: string } | undefined => {
    if (capability === undefined) return undefined
    if (capability === "inspection" && immortal !== undefined) return undefined
    const answer = capabilities[capability] ?? (claimed.includes(capability) ? "left out" : true)
    return answer === true ? undefined : answer
  }
  const run = (one: Case): Effect.Effect<void, unknown, Store | R> =>
    Effect.contextWithEffect((context: Context.Context<Store | R>) =>
      one.run.pipe(
        Effect.provideService(Advance, advance),
        another === undefined
          ? identity
          : Effect.provideService(
              Another,
              Effect.provide(Effect.map(Layer.build(another), Context.get(Store)), context)
            ),
        immortal === undefined ? identity : Effect.provideService(Immortal, Effect.provide(immortal, context))
      )
    )
  const title = `StoreSuite / ${name}`
  const register = (
    effect: (name: string, test: () => Effect.Effect<void, unknown, Store | R>) => void,
    skip: (name: string, test: () => Effect.Effect<void, unknown, Store | R>) => void
  ) => {
    for (const one of cases) {
      const reason = lacking(one.capability)
      if (reason === "left out") continue
      if (reason === undefined) effect(one.name, () => run(one))
      else skip(`${one.name} (skipped: ${reason.lacking})`, () => run(one))
    }
  }
  // `layer` of @effect/vitest puts its own `effect` and `scoped` on the `it` of the whole file: they are put back, so
  // that the tests beside this suite stay what they are.
  const whole = { ...it }
  const restore = () => Object.assign(it, whole)
  if (lacking("virtualTime") === undefined) {
    shared(layer)(title, ({ effect }) => {
      register(effect, effect.skip)
      restore()
    })
  } else {
    shared(layer, { excludeTestServices: true })(title, ({ effect }) => {
      register(effect, effect.skip)
      restore()
    })
  }
}
