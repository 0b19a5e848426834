/** Act 4: a thousand requests for a cold key at the same moment. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Claims } from "../Claims.js"
import * as Database from "../Database.js"
import { Features } from "../Features.js"
import { FeaturesSql } from "../FeaturesSql.js"
import * as Load from "../Load.js"
import * as Queries from "../Queries.js"
import { count, millis, Story } from "../Story.js"
import { cached } from "./cached.js"

const crowd = 1000

const everybody = Effect.gen(function* () {
  const features = yield* Features
  const requests = Array.from({ length: crowd }, () => features.checkIfUserHasFeature(1, "booking-v2"))
  return yield* Queries.counted(Load.timed(Effect.all(requests, { concurrency: "unbounded" })))
})

export const act = Effect.gen(function* () {
  const story = yield* Story
  const claims = yield* Claims

  const [[, slow], without] = yield* everybody
  const [[answers, time], queries] = yield* Effect.provide(everybody, cached({ prefix: "features-stampede" }))
  yield* story.say(
    `${count(crowd)} users open the same page while its answer is not cached. Without the cache: ${count(without)} ` +
      `queries, ${millis(slow)} until the last is served; with it: ${queries}, ${millis(time)}.`
  )
  yield* claims.check(`${count(crowd)} simultaneous requests for a cold key: one query`, queries === 1)
  yield* claims.check(
    "all of them got the same answer",
    answers.every((answer) => answer === answers[0])
  )
}).pipe(Effect.provide(Layer.provide(FeaturesSql, Database.layerClient)))
