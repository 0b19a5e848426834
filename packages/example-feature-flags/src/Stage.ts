/** What every act finds when it comes on: a seeded database, and a store that was chosen for the cache. */
import type * as Reporter from "@larder/cache/Reporter"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Organisation } from "./Organisation.js"

/** A way to make the store stop answering, and to let it answer again. */
export interface Outage {
  /** What happens, for people. */
  readonly what: string
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

export interface Chosen {
  readonly name: string
  readonly why: string
  readonly outage: Outage
  /** How many commands went to a Redis, where there is one. */
  readonly commands: Option.Option<Effect.Effect<number>>
}

export class Stage extends Context.Tag("example-feature-flags/Stage")<
  Stage,
  {
    readonly organisation: Organisation
    /** How many checks a measurement makes. */
    readonly requests: number
    readonly chosen: Chosen
    readonly reporter: Layer.Layer<Reporter.Reporter>
  }
>() {}
