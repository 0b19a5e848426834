/** The repository as the acts use it: cached over the chosen store, under a name of each act's own. */
import * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FeaturesCached from "../FeaturesCached.js"
import { Stage } from "../Stage.js"

/**
 * The store is waited for longer than by default, so that a machine that is busy with something else changes the
 * numbers of the story and not its end. The act about a store that does not answer keeps the defaults.
 */
const patient = Cache.layerWith({ storeTimeout: "2 seconds", storeBudget: "4 seconds" })

const reporter = Layer.unwrapEffect(Effect.map(Stage, ({ reporter }) => reporter))

export const cached = (options: FeaturesCached.Options) =>
  FeaturesCached.layer(options).pipe(Layer.provide(patient), Layer.provide(reporter))
