/** Act 3: a flag switched on at the organisation flips the answer of every member at once. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Claims } from "../Claims.js"
import * as Database from "../Database.js"
import { Features } from "../Features.js"
import { FeaturesSql } from "../FeaturesSql.js"
import * as Organisation from "../Organisation.js"
import * as Queries from "../Queries.js"
import { Stage } from "../Stage.js"
import { count, Story } from "../Story.js"
import { cached } from "./cached.js"

const slug = "dark-mode"

/** How many of these users have the flag, and how many queries it took to know. */
const ask = (label: string, userIds: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const features = yield* Features
    const story = yield* Story
    const [answers, queries] = yield* Queries.counted(
      story.progress(label, userIds.length, (tick) =>
        Effect.forEach(userIds, (id) => Effect.tap(features.checkIfUserHasFeature(id, slug), tick), { concurrency: 32 })
      )
    )
    return { on: answers.filter((answer) => answer).length, queries }
  })

export const act = Effect.gen(function* () {
  const story = yield* Story
  const claims = yield* Claims
  const features = yield* Features
  const { organisation } = yield* Stage
  const root = organisation.teams[0]!
  const members = Organisation.members(organisation, root.id)
  const inside = new Set(members)
  const others = organisation.users
    .map(({ id }) => id)
    .filter((id) => !inside.has(id))
    .slice(0, 200)

  const first = yield* ask("asking for every member", members)
  yield* ask("asking for some others", others)
  const again = yield* ask("asking for every member again", members)
  yield* story.say(
    `${root.name} has ${count(members.length)} members on four levels. "${slug}" is on for ${first.on} of them: ` +
      `${count(first.queries)} queries; asked again, ${again.queries}.`
  )

  yield* features.setTeamFeature(root.id, slug, "enabled")
  const flipped = yield* ask("asking for every member after the flip", members)
  const untouched = yield* ask("asking for the others", others)
  yield* story.say(
    `Switched on at ${root.name}, it is on for ${count(flipped.on)} of them: ${count(flipped.queries)} queries, ` +
      `one each. ${others.length} users of other organisations: ${untouched.on} have it, ${untouched.queries} queries.`
  )

  yield* claims.check(
    "before the flip nobody has the flag, and asking again takes no query",
    first.on === 0 && again.on === 0 && again.queries === 0
  )
  yield* claims.check(
    `after the flip all ${count(members.length)} members have it, each after at most one query`,
    flipped.on === members.length && flipped.queries <= members.length
  )
  yield* claims.check(
    "users of other organisations keep their answer, and their cached value",
    untouched.on === 0 && untouched.queries === 0
  )
  yield* features.setTeamFeature(root.id, slug, "inherit")
}).pipe(
  Effect.provide(
    cached({ prefix: "features-flip" }).pipe(Layer.provide(FeaturesSql), Layer.provide(Database.layerClient))
  )
)
