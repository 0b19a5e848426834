/** Act 5: the store stops answering half-way through a load. */
import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { Claims } from "../Claims.js"
import * as Database from "../Database.js"
import { Features } from "../Features.js"
import * as FeaturesCached from "../FeaturesCached.js"
import { FeaturesSql } from "../FeaturesSql.js"
import * as Load from "../Load.js"
import { Stage } from "../Stage.js"
import { count, millis, Story } from "../Story.js"

/** One after the other, as one user meets it. */
const run = (label: string, requests: ReadonlyArray<Load.Request>) =>
  Effect.gen(function* () {
    const features = yield* Features
    const story = yield* Story
    return yield* story.progress(label, requests.length, (tick) =>
      Effect.forEach(requests, (request) => Effect.tap(Load.timed(Effect.either(Load.send(features, request))), tick))
    )
  })

type Results = Effect.Effect.Success<ReturnType<typeof run>>

const median = (results: Results) =>
  Load.quantile(
    results.map(([, time]) => time),
    0.5
  )
const slowest = (results: Results) =>
  Load.quantile(
    results.map(([, time]) => time),
    1
  )

export const act = Effect.gen(function* () {
  const story = yield* Story
  const claims = yield* Claims
  const {
    chosen: { outage },
    organisation,
    reporter
  } = yield* Stage
  const requests = yield* Load.make(organisation, 400)
  const before = requests.slice(0, 200)
  const after = requests.slice(200)

  const bare = yield* run("without the cache", requests)
  const reports = yield* Ref.make(0)
  const counting = Layer.effect(
    Reporter.Reporter,
    Effect.map(Reporter.Reporter, ({ report }) => ({
      report: (failure) =>
        Effect.zipRight(
          Ref.update(reports, (n) => n + 1),
          report(failure)
        )
    }))
  ).pipe(Layer.provide(reporter))

  const [healthy, failing] = yield* Effect.gen(function* () {
    const healthy = yield* run("with the cache", before)
    yield* story.say(`After ${count(before.length)} of ${count(requests.length)} checks, ${outage.what}.`)
    yield* outage.begin
    return [healthy, yield* run("while the store does not answer", after)] as const
  }).pipe(
    Effect.provide(
      FeaturesCached.layer({ prefix: "features-outage" }).pipe(Layer.provide(Cache.layer), Layer.provide(counting))
    ),
    Effect.ensuring(outage.end)
  )

  const bareAfter = bare.slice(before.length)
  yield* story.table([
    ["", "median", "slowest"],
    ["without the cache", millis(median(bare)), millis(slowest(bare))],
    ["with the cache", millis(median(healthy)), millis(slowest(healthy))],
    ["with a store that does not answer", millis(median(failing)), millis(slowest(failing))]
  ])
  yield* story.say(
    `Added to a check by the dead store: ${millis(Math.max(0, median(failing) - median(bareAfter)))} at the median; ` +
      `${millis(Math.max(0, slowest(failing) - slowest(bareAfter)))} to the slowest, until the circuit breaker opened.`
  )
  const right = [...healthy, ...failing].every(
    ([answer], i) => answer._tag === "Right" && bare[i]![0]._tag === "Right" && answer.right === bare[i]![0].right
  )
  yield* claims.check(`all ${count(requests.length)} checks were answered, as the database answers them`, right)
  const told = yield* Ref.get(reports)
  yield* claims.check(`the outage was reported once: ${told}`, told === 1)
}).pipe(Effect.provide(Layer.provide(FeaturesSql, Database.layerClient)))
