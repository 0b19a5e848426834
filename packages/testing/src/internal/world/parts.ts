/** What a running world is made of: its instances and their surroundings, and what is done with them. */
import type { Cache } from "@larder/cache/Cache"
import type { JournalStorage } from "@larder/cache/JournalStorage"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { WorldBus } from "./bus.js"
import type { Call, Judge, Life } from "./judge.js"
import type { WorldStore } from "./store.js"
import type { Timeline } from "./timeline.js"
import type { Fence, Id, Policy, Setup } from "./words.js"

/** One instance of the program. */
export interface Instance {
  life: Life
  readonly journal: JournalStorage | undefined
  cache: Context.Tag.Service<Cache> | undefined
  scope: Scope.CloseableScope | undefined
}

/** How long lookups of a key take before and after they read, and whether they fail. */
export interface Manner {
  readonly before: number
  readonly after: number
  readonly fails: boolean
}

export interface Parts {
  readonly setup: Setup
  readonly policy: Policy
  readonly timeline: Timeline
  readonly store: WorldStore
  readonly bus: WorldBus
  readonly judge: Judge
  readonly instances: ReadonlyArray<Instance>
  readonly database: Map<Id, Manner>
  readonly note: (text: string) => void
  readonly fork: <A, E>(life: Life, effect: Effect.Effect<A, E>) => Fiber.RuntimeFiber<A, E>
  /** Answers the value of a key. */
  readonly get: (instance: Instance, made: Call, id: Id) => Effect.Effect<number, unknown>
  /** A call whose answers are checked. */
  readonly call: (
    life: Life,
    asked: ReadonlyArray<Id>,
    made: Call,
    effect: Effect.Effect<ReadonlyArray<number>, unknown>
  ) => Fiber.RuntimeFiber<unknown, unknown>
  readonly fence: (instance: Instance, by: Fence, id: Id, changes: boolean) => void
}
