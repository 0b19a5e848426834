/**
 * A load as a service sees it: few users do most of the work, few flags are asked for most of the time. The same on
 * every run.
 *
 * The n-th most popular of a list is chosen with a probability proportional to 1/n (Zipf's law), as page views, users
 * and cache keys are in the field (Breslau et al., "Web caching and Zipf-like distributions", INFOCOM 1999).
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Features } from "./Features.js"
import { type Organisation, withSeed } from "./Organisation.js"

export type Request =
  | { readonly check: "global"; readonly slug: string }
  | { readonly check: "team"; readonly id: number; readonly slug: string }
  | { readonly check: "user"; readonly id: number; readonly slug: string }

/** Chooses ranks from 0 to `size - 1`, the first most often. */
export const zipf = (size: number): Effect.Effect<number> => {
  const cumulative = new Float64Array(size)
  let sum = 0
  for (let rank = 0; rank < size; rank++) cumulative[rank] = sum += 1 / (rank + 1)
  return Effect.map(Random.next, (uniform) => {
    const wanted = uniform * sum
    let low = 0
    let high = size - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (cumulative[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  })
}

/** Within the minutes that a cached value lives, this many users, teams and flags are asked about. */
const busy = { users: 20, teams: 5, features: 10 }

/** `count` requests. Who is busy has nothing to do with their number. */
export const make = (organisation: Organisation, count: number): Effect.Effect<ReadonlyArray<Request>> =>
  Effect.gen(function* () {
    const some = <A>(all: Iterable<A>, many: number) =>
      Effect.map(Random.shuffle(all), (mixed) => [...mixed].slice(0, many))
    const users = yield* some(organisation.users, busy.users)
    const teams = yield* some(organisation.teams, busy.teams)
    const features = yield* some(organisation.features, busy.features)
    const anyUser = zipf(users.length)
    const anyTeam = zipf(teams.length)
    const anyFeature = zipf(features.length)
    return yield* Effect.forEach(Array.from({ length: count }), () =>
      Effect.gen(function* () {
        const slug = features[yield* anyFeature]!.slug
        const dice = yield* Random.next
        if (dice < 0.1) return { check: "global", slug } as const
        if (dice < 0.3) return { check: "team", id: teams[yield* anyTeam]!.id, slug } as const
        return { check: "user", id: users[yield* anyUser]!.id, slug } as const
      })
    )
  }).pipe(withSeed("load"))

export const send = (features: Features["Type"], request: Request): Effect.Effect<boolean, SqlError> => {
  switch (request.check) {
    case "global":
      return features.checkIfFeatureIsEnabledGlobally(request.slug)
    case "team":
      return features.checkIfTeamHasFeature(request.id, request.slug)
    case "user":
      return features.checkIfUserHasFeature(request.id, request.slug)
  }
}

/** An effect's result and how long it took, in milliseconds. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeNanos
    const result = yield* effect
    return [result, Number((yield* Clock.currentTimeNanos) - start) / 1e6] as const
  })

/** The smallest of the values that `share` of them do not exceed; the median for 0.5. */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
