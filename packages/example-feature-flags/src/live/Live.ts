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

/** The same in every run, so that runs can be compared. Through a network there are fewer checks: somebody waits. */
const size: Organisation.Size = { users: 5000, organisations: 5 }
const requests = { local: 2000, remote: 1000 }

const stage = (options: Options) =>
  Layer.effect(
    Stage,
    Effect.gen(function* () {
      const story = yield* Story
      const organisation = yield* Organisation.make(size)
      yield* story.progress("seeding the database", 1, () => Effect.provide(seed(organisation), Database.layerClient))
      return {
        organisation,
        requests: options.useEnv ? requests.remote : requests.local,
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
      stage(options).pipe(
        Layer.provideMerge(Stores.layer(options, run)),
        Layer.provideMerge(Databases.layer(options, run))
      )
    )
  )
