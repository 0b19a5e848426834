/** What every act finds when it comes on: a seeded database, and a cache's store under a prefix of its own. */
import type * as Reporter from "@larder/cache/Reporter"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Organisation } from "./Organisation.js"

/** A way to make the store stop answering, and to let it answer again. */
export interface Outage {
  /** What happens, for people: a sentence's end. */
  readonly what: string
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

export class Stage extends Context.Tag("example-feature-flags/Stage")<
  Stage,
  {
    readonly organisation: Organisation
    /** How many checks a measurement makes. */
    readonly requests: number
    /** Which store was chosen, and why. */
    readonly chosen: string
    readonly why: string
    /** What the keys begin with. */
    readonly prefix: string
    readonly outage: Outage
    readonly reporter: Layer.Layer<Reporter.Reporter>
  }
>() {}
