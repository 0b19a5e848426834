import * as SqlClient from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import { Features } from "../src/Features.js"
import * as Queries from "../src/Queries.js"
import { layerFeatures } from "./behaviour.js"

const queriesOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Queries.counted(effect), ([, count]) => count)

layer(layerFeatures("cached", Cache.layerMemory), { excludeTestServices: true })("FeaturesCached", (it) => {
  it.effect("the second check of any kind takes no query, also when no row says anything", () =>
    Effect.gen(function* () {
      const features = yield* Features
      for (const queries of [
        queriesOf(features.checkIfFeatureIsEnabledGlobally("dark-mode")),
        queriesOf(features.checkIfUserHasFeature(1, "dark-mode")),
        queriesOf(features.checkIfTeamHasFeature(1, "dark-mode")),
        queriesOf(features.list)
      ]) {
        expect([yield* queries, yield* queries]).toEqual([1, 0])
      }
    })
  )

  it.effect("a thousand simultaneous checks of a cold key take one query", () =>
    Effect.gen(function* () {
      const features = yield* Features
      const crowd = Array.from({ length: 1000 }, () => features.checkIfUserHasFeature(2, "booking-v2"))
      expect(yield* queriesOf(Effect.all(crowd, { concurrency: "unbounded" }))).toBe(1)
    })
  )

  it.effect("a change at one team leaves the answers of teams beside it cached", () =>
    Effect.gen(function* () {
      const features = yield* Features
      const sql = yield* SqlClient.SqlClient
      const [left, right] = yield* sql<{ id: number }>`select id from ${sql("Team")} where "parentId" = 1 limit 2`
      const check = (id: number) => queriesOf(features.checkIfTeamHasFeature(id, "inbox-cache"))
      yield* check(left!.id)
      yield* check(right!.id)
      yield* features.setTeamFeature(left!.id, "inbox-cache", "enabled")
      expect([yield* check(left!.id), yield* check(right!.id)]).toEqual([1, 0])
    })
  )

  it.effect("a change that the database refused invalidates all the same: it may have happened", () =>
    Effect.gen(function* () {
      const features = yield* Features
      const check = queriesOf(features.checkIfTeamHasFeature(3, "dark-mode"))
      yield* check
      expect(yield* check).toBe(0)
      yield* Effect.flip(features.setTeamFeature(3, "no-such-feature", "enabled"))
      expect(yield* check).toBe(1)
    })
  )
})
