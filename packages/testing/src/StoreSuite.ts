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
import type { Store } from "@larder/cache/Store"
import { it, layer as shared } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as batches from "./internal/suite/batches.js"
import * as expiry from "./internal/suite/expiry.js"
import * as fences from "./internal/suite/fences.js"
import * as learntTags from "./internal/suite/learntTags.js"
import * as leases from "./internal/suite/leases.js"
import * as sets from "./internal/suite/sets.js"
import * as subject from "./internal/suite/subject.js"
import * as values from "./internal/suite/values.js"

/**
 * What a store may lack.
 *
 * - `virtualTime`: its time is Effect's `Clock`, so that cases can stand at the exact millisecond. Without it the
 *   cases run in real time.
 * - `largeValues`: it takes a value of one megabyte.
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
export interface Options {
  /**
   * Lets time pass: `TestClock.adjust` for a store that lives by Effect's `Clock`, `Effect.sleep` for one with a
   * clock of its own. No case waits longer than a second.
   */
  readonly advance: (duration: Duration.DurationInput) => Effect.Effect<void>
  /**
   * What the store lacks, and why: `{ virtualTime: { lacking: "a server keeps its own time" } }`. The cases concerned
   * are skipped by name, with the reason in the title. Default: it lacks nothing.
   */
  readonly capabilities?: { readonly [C in Capability]?: true | { readonly lacking: string } } | undefined
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
  ...learntTags.cases,
  ...fences.cases,
  ...sets.cases
]

/**
 * Registers every case as a test of the store that the layer builds. The layer is built once for all of them.
 *
 * @since 0.1.0
 * @category registration
 */
export const suite = (name: string, layer: Layer.Layer<Store, unknown>, options: Options): void => {
  const lacking = (capability: Capability | undefined): string | undefined => {
    const answer = capability === undefined ? true : (options.capabilities?.[capability] ?? true)
    return answer === true ? undefined : answer.lacking
  }
  const run = (one: Case) => Effect.provideService(one.run, Advance, options.advance)
  const title = `StoreSuite / ${name}`
  const register = (
    effect: (name: string, test: () => Effect.Effect<void, unknown, Store>) => void,
    skip: (name: string, test: () => Effect.Effect<void, unknown, Store>) => void
  ) => {
    for (const one of cases) {
      const reason = lacking(one.capability)
      if (reason === undefined) effect(one.name, () => run(one))
      else skip(`${one.name} (skipped: ${reason})`, () => run(one))
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
