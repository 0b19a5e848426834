/** Act 6: the network to the database is cut. */
import { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Claims } from "../Claims.js"
import * as Database from "../Database.js"
import { Features } from "../Features.js"
import { FeaturesSql } from "../FeaturesSql.js"
import { Stage } from "../Stage.js"
import { Story } from "../Story.js"
import { cached } from "./cached.js"

const fresh = Duration.millis(500)
const stale = Duration.seconds(3)

const ask = (slugs: ReadonlyArray<string>) =>
  Effect.flatMap(Features, (features) =>
    Effect.forEach(slugs, (slug) => Effect.either(features.checkIfTeamHasFeature(1, slug)), { concurrency: 4 })
  )

export const act = Effect.gen(function* () {
  const story = yield* Story
  const claims = yield* Claims
  const { organisation } = yield* Stage
  const slugs = organisation.features.map(({ slug }) => slug)

  const before = yield* ask(slugs)
  yield* Effect.flatMap(Database.Network, (network) => network.cut)
  yield* story.say(
    `${slugs.length} answers were cached, fresh for ${Duration.format(fresh)}, good for ${Duration.format(stale)} more ` +
      `when the database fails. Then the network to the database was cut.`
  )
  yield* story.progress("waiting until they are stale", 1, () => Effect.sleep(Duration.times(fresh, 1.5)))
  const during = yield* ask(slugs)
  yield* story.progress("waiting until they are too old", 1, () => Effect.sleep(Duration.sum(fresh, stale)))
  const after = yield* ask(slugs)

  const stillAnswered = during.filter(
    (one, i) => Either.isRight(one) && Either.isRight(before[i]!) && one.right === before[i]!.right
  )
  yield* claims.check(
    `within the time the plan allows, all are answered as before: ${stillAnswered.length} of ${slugs.length}`,
    stillAnswered.length === slugs.length
  )
  const typed = after.filter((one) => Either.isLeft(one) && one.left instanceof SqlError)
  yield* claims.check(
    `after it, each fails with the repository's own error, SqlError: ${typed.length} of ${slugs.length}`,
    typed.length === slugs.length
  )
}).pipe(
  Effect.provide(
    cached({
      prefix: "features-stale",
      policy: { timeToLive: fresh, staleIfError: stale, errorBackoff: "100 millis", jitter: 0 }
    }).pipe(Layer.provide(FeaturesSql), Layer.provideMerge(Database.layerClientFar(2)))
  )
)
