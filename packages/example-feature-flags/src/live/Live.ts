/**
 * The composition. This folder is the only place that knows which store stands behind the cache: everything else sees
 * `Store`, and most of it only `Features`. A lint rule says so.
 */
import * as Reporter from "@larder/cache/Reporter"
import type { Store } from "@larder/cache/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type { Options } from "../CommandLine.js"
import * as Database from "../Database.js"
import * as Organisation from "../Organisation.js"
import { seed } from "../Seed.js"
import { Stage } from "../Stage.js"
import { Story } from "../Story.js"
import * as Databases from "./Databases.js"
import * as Stores from "./Stores.js"

/** The same in every run, so that runs can be compared. */
const size: Organisation.Size = { users: 3000, organisations: 6 }
const requests = 1600

const stage = Layer.effect(
  Stage,
  Effect.gen(function* () {
    const story = yield* Story
    const organisation = yield* Organisation.make(size)
    yield* story.progress("seeding the database", 1, () => Effect.provide(seed(organisation), Database.layerClient))
    return {
      organisation,
      requests,
      chosen: yield* Stores.Choice,
      // One line for each kind of failure is enough for a story.
      reporter: Reporter.layerLogWith({ burst: 1 })
    }
  })
)

const runName = Effect.map(Random.nextIntBetween(0, 2 ** 31 - 1), (n) => n.toString(36).padStart(6, "0"))

export const layer = (
  options: Options
): Layer.Layer<Stage | Store | Database.Database, Stores.Failure | Databases.Failure, Story> =>
  Layer.unwrapEffect(
    Effect.map(runName, (run) =>
      stage.pipe(Layer.provideMerge(Stores.layer(options, run)), Layer.provideMerge(Databases.layer(options, run)))
    )
  )
