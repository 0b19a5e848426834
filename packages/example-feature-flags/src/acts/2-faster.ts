/** Act 2: the same load without and with the cache, and the RFC's promises with a verdict. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Claims } from "../Claims.js"
import * as Database from "../Database.js"
import { Features } from "../Features.js"
import { FeaturesSql } from "../FeaturesSql.js"
import * as Load from "../Load.js"
import * as Queries from "../Queries.js"
import { Stage } from "../Stage.js"
import { count, millis, percent, Story } from "../Story.js"
import { cached } from "./cached.js"

interface Measured {
  readonly median: number
  readonly p99: number
  readonly queries: number
  readonly answers: ReadonlyArray<boolean>
}

const measure = (label: string, requests: ReadonlyArray<Load.Request>) =>
  Effect.gen(function* () {
    const features = yield* Features
    const story = yield* Story
    const [results, queries] = yield* Queries.counted(
      story.progress(label, requests.length, (tick) =>
        // One after the other: what is measured is how long an answer takes, not how long it queues.
        Effect.forEach(requests, (request) => Effect.tap(Load.timed(Load.send(features, request)), tick))
      )
    )
    const times = results.map(([, time]) => time)
    const answers = results.map(([answer]) => answer)
    return { median: Load.quantile(times, 0.5), p99: Load.quantile(times, 0.99), queries, answers } satisfies Measured
  })

/** Less than before, as a share: 0.5 is half as much, negative is more. */
const saved = (before: number, after: number) => 1 - after / before

const row = (label: string, { median, p99, queries }: Measured) => [label, millis(median), millis(p99), count(queries)]

/** What one trip to the database and back takes, without any work there. */
const roundTrip = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const times = yield* Effect.forEach(Array.from({ length: 50 }), () => Load.timed(sql`select 1`))
  return Load.quantile(
    times.map(([, time]) => time),
    0.5
  )
})

const networkMillis = 2

export const act = Effect.gen(function* () {
  const story = yield* Story
  const claims = yield* Claims
  const { organisation, requests: size } = yield* Stage
  const requests = yield* Load.make(organisation, size)

  const both = (place: string, label: string) =>
    Effect.gen(function* () {
      // The first hundreds of calls of anything are slower: connections are opened, code is compiled.
      const warmUp = measure(`${label}, warming up`, requests.slice(0, size / 10))
      yield* Effect.zipRight(warmUp, Effect.provide(warmUp, cached({ prefix: `features-${place}-warm-up` })))
      const trip = yield* roundTrip
      const without = yield* measure(`${label}, without the cache`, requests)
      const withCache = yield* Effect.provide(
        measure(`${label}, with the cache`, requests),
        cached({ prefix: `features-${place}` })
      )
      return { label, trip, without, withCache }
    })

  yield* story.say(`${count(size)} checks, one after the other; few users and flags make up most of them.`)
  const near = yield* Effect.provide(
    both("near", "database next door"),
    Layer.provideMerge(FeaturesSql, Database.layerClient)
  )
  const far = yield* Effect.provide(
    both("far", `${networkMillis} ms to the database`),
    Layer.provideMerge(FeaturesSql, Database.layerClientFar(networkMillis))
  )
  yield* story.table([
    ["", "median", "p99", "SQL queries"],
    ...[near, far].flatMap(({ label, withCache, without }) => [
      row(`${label}, without the cache`, without),
      row(`${label}, with the cache`, withCache)
    ])
  ])
  yield* story.aside(
    `A round trip to the database takes ${millis(near.trip)} next door and ${millis(far.trip)} over the network.`
  )

  const nearer = saved(near.without.median, near.withCache.median)
  yield* story.say(
    nearer >= 0
      ? `Next door the median is ${percent(nearer)} lower with the cache (not judged).`
      : `Next door the median is ${percent(-nearer)} higher with the cache: it is no nearer than the database (not judged).`
  )
  const faster = saved(far.without.median, far.withCache.median)
  const fewer = saved(far.without.queries, far.withCache.queries)
  yield* claims.check(`over the network the median is at least 50 % lower: ${percent(faster)}`, faster >= 0.5)
  yield* claims.check(
    `over the network at least 60 % fewer queries reach the database: ${percent(fewer)}`,
    fewer >= 0.6
  )
  const same = [near.withCache, far.without, far.withCache].every(({ answers }) =>
    answers.every((answer, i) => answer === near.without.answers[i])
  )
  yield* claims.check("every answer is the same with the cache as without it", same)
})
