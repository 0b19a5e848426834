/**
 * A believable customer base, the same on every run: organisations of departments, of teams, of squads, and the people
 * in them. Rows are rare, as they are in life: nearly everybody inherits nearly everything.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Feature } from "./Features.js"

export interface Team {
  readonly id: number
  readonly name: string
  readonly parentId: number | null
}

export interface User {
  readonly id: number
  readonly name: string
}

export interface Membership {
  readonly userId: number
  readonly teamId: number
  readonly accepted: boolean
}

export interface Organisation {
  readonly users: ReadonlyArray<User>
  readonly teams: ReadonlyArray<Team>
  readonly memberships: ReadonlyArray<Membership>
  readonly features: ReadonlyArray<Feature>
  readonly userFeatures: ReadonlyArray<{ readonly userId: number; readonly slug: string; readonly enabled: boolean }>
  readonly teamFeatures: ReadonlyArray<{ readonly teamId: number; readonly slug: string; readonly enabled: boolean }>
}

export interface Size {
  readonly users: number
  readonly organisations: number
}

const departments = ["Engineering", "Sales", "Support", "Finance", "People", "Marketing"]
const areas = ["Platform", "Growth", "Europe", "Americas", "Asia"]
const squads = ["Red", "Green", "Blue"]
const firstNames = ["Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Ken", "Leslie", "Margaret"]
const lastNames = ["Allen", "Dijkstra", "Hamilton", "Hopper", "Knuth", "Lamport", "Liskov", "Lovelace", "Turing"]

const subjects = ["calendar", "booking", "workflow", "insights", "routing", "billing", "inbox", "webhook"]
const traits = ["v2", "cache", "bulk-edit", "export"]

/** Flags by name; three are on for everybody. `dark-mode`, the one the story is about, is on for nobody. */
const features: ReadonlyArray<Feature> = [
  { slug: "dark-mode", enabled: false },
  ...subjects.flatMap((subject) =>
    traits.map((trait) => ({
      slug: `${subject}-${trait}`,
      enabled: trait === "v2" && ["calendar", "booking", "inbox"].includes(subject)
    }))
  )
]

/** Four levels: an organisation, its departments, their teams, their squads. */
const makeTeams = (organisations: number): ReadonlyArray<Team> => {
  const teams: Array<Team> = []
  const add = (name: string, parentId: number | null) => {
    teams.push({ id: teams.length + 1, name, parentId })
    return teams.length
  }
  for (let i = 1; i <= organisations; i++) {
    const organisation = add(`Organisation ${i}`, null)
    for (const department of departments) {
      const parent = add(department, organisation)
      for (const area of areas) {
        const team = add(`${department} ${area}`, parent)
        for (const squad of squads) add(`${department} ${area} ${squad}`, team)
      }
    }
  }
  return teams
}

const pick = <A>(items: ReadonlyArray<A>) => Effect.map(Random.nextIntBetween(0, items.length), (i) => items[i]!)
const chance = (probability: number) => Effect.map(Random.next, (x) => x < probability)

/** Most people are in one team, one in five is in a second one; one invitation in fifteen is not accepted yet. */
const makeMemberships = (users: ReadonlyArray<User>, teams: ReadonlyArray<Team>) =>
  Effect.map(
    Effect.forEach(users, ({ id }) =>
      Effect.gen(function* () {
        const memberships = [
          { userId: id, teamId: (yield* pick(teams)).id, accepted: !(yield* chance(1 / 15)) },
          { userId: id, teamId: (yield* pick(teams)).id, accepted: !(yield* chance(1 / 15)) }
        ] as const
        const second = (yield* chance(1 / 5)) && memberships[0].teamId !== memberships[1].teamId
        return second ? memberships : [memberships[0]]
      })
    ),
    (all) => all.flat()
  )

/** Rows for `share` of the owners, one flag each, two in three of them on. `dark-mode` is left to the story. */
const makeRows = (owners: ReadonlyArray<{ readonly id: number }>, share: number) =>
  Effect.map(
    Effect.forEach(owners, ({ id }) =>
      Effect.gen(function* () {
        const row = { id, slug: (yield* pick(features.slice(1))).slug, enabled: yield* chance(2 / 3) }
        return (yield* chance(share)) ? [row] : []
      })
    ),
    (all) => all.flat()
  )

export const make = ({ organisations, users: count }: Size): Effect.Effect<Organisation> =>
  Effect.gen(function* () {
    const teams = makeTeams(organisations)
    const users = yield* Effect.forEach(Array.from({ length: count }), (_, i) =>
      Effect.map(Effect.all([pick(firstNames), pick(lastNames)]), (names) => ({ id: i + 1, name: names.join(" ") }))
    )
    return {
      users,
      teams,
      features,
      memberships: yield* makeMemberships(users, teams),
      userFeatures: (yield* makeRows(users, 1 / 50)).map(({ id, ...row }) => ({ userId: id, ...row })),
      teamFeatures: (yield* makeRows(teams, 1 / 5)).map(({ id, ...row }) => ({ teamId: id, ...row }))
    }
  }).pipe(withSeed("larder"))

/** The same numbers on every run, also when one program runs the effect twice. */
export const withSeed =
  (seed: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => Effect.withRandom(effect, Random.make(seed)))

/** A team and everything below it. */
export const below = ({ teams }: Organisation, teamId: number): ReadonlySet<number> => {
  const found = new Set([teamId])
  // Parents come before their children.
  for (const { id, parentId } of teams) if (parentId !== null && found.has(parentId)) found.add(id)
  return found
}

/** The users accepted by a team or by any team below it. */
export const members = (organisation: Organisation, teamId: number): ReadonlyArray<number> => {
  const inside = below(organisation, teamId)
  return [
    ...new Set(organisation.memberships.filter((m) => m.accepted && inside.has(m.teamId)).map(({ userId }) => userId))
  ]
}
