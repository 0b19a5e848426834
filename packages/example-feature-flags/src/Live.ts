/**
 * The composition: the only file that knows which store stands behind the cache. Everything else sees `Store`, and
 * most of it only `Features`.
 */
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Faults from "@larder/testing/Faults"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Options } from "./CommandLine.js"
import * as Database from "./Database.js"
import * as Organisation from "./Organisation.js"
import { seed } from "./Seed.js"
import { Stage, type Outage } from "./Stage.js"
import { Story } from "./Story.js"
import type { ThreadError } from "./Thread.js"

/** Fresh, dropped databases aside, the same on every run. */
const size: Organisation.Size = { users: 5000, organisations: 5 }

const memory = Faults.layer.pipe(Layer.provide(Store.layerMemory))

const outage: Effect.Effect<Outage, never, Faults.Faults> = Effect.map(Faults.Faults, (faults) => ({
  what: "the store stopped answering",
  begin: faults.set({ fault: Faults.hang, span: "onwards" }),
  end: faults.clear
}))

const stage = Layer.scoped(
  Stage,
  Effect.gen(function* () {
    const story = yield* Story
    const organisation = yield* Organisation.make(size)
    yield* story.progress("seeding the database", 1, () =>
      Effect.provide(seed(organisation), Database.layerClient)
    )
    return {
      organisation,
      requests: 3000,
      chosen: "memory",
      why: "no redis-server is on the PATH",
      prefix: "features",
      outage: yield* outage,
      reporter: Reporter.layerLog
    }
  })
)

export const layer = (
  _options: Options
): Layer.Layer<Stage | Store.Store | Database.Database, SqlError | ThreadError, Story> =>
  stage.pipe(
    Layer.provideMerge(memory),
    Layer.provideMerge(Layer.provideMerge(Database.layerTables, Database.layerEmbedded))
  )
