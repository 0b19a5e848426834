/** Act 1: which cache was chosen, and why. */
import * as Effect from "effect/Effect"
import { Database } from "../Database.js"
import { Stage } from "../Stage.js"
import { count, Story } from "../Story.js"

export const act = Effect.gen(function* () {
  const story = yield* Story
  const { chosen, organisation } = yield* Stage
  const { place, schema } = yield* Database
  const { features, memberships, teamFeatures, teams, userFeatures, users } = organisation
  yield* story.say(`Store     ${chosen.name}: ${chosen.why}.`)
  yield* story.say(`Database  ${place}, schema "${schema}".`)
  yield* story.say(
    `Data      ${count(users.length)} users in ${count(teams.length)} teams, four levels deep; ` +
      `${count(memberships.length)} memberships, ${features.length} features;`
  )
  yield* story.say(
    `          ${userFeatures.length} users and ${teamFeatures.length} teams have a row of their own, everybody else inherits.`
  )
})
