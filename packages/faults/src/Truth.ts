/**
 * The repository of the example on tables in memory: the same tag, the same rule of inheritance, the same learnt tags
 * as on PostgreSQL, with the latency of a database next door. It starts in no time, and it remembers every row as it was
 * after each write, so that it can be asked afterwards what was true when.
 */
import * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import { Features, type Setting } from "example-feature-flags/Features"
import * as Inheritance from "example-feature-flags/Inheritance"
import type { Request } from "example-feature-flags/Load"
import type { Organisation } from "example-feature-flags/Organisation"
import * as Tags from "example-feature-flags/Tags"

/** A row as it was from each write on, the first one first. `undefined`: there was none. */
type History = Array<{ readonly from: number; readonly enabled: boolean | undefined }>

/** Rows by their name, as they were at any time. */
interface Table {
  readonly at: (name: string, version: number) => boolean | undefined
  readonly put: (name: string, version: number, enabled: boolean | undefined) => void
}

const makeTable = (rows: Iterable<readonly [name: string, enabled: boolean]>): Table => {
  const histories = new Map<string, History>()
  for (const [name, enabled] of rows) histories.set(name, [{ from: 0, enabled }])
  return {
    at: (name, version) => histories.get(name)?.findLast(({ from }) => from <= version)?.enabled,
    put: (name, version, enabled) => {
      const history = histories.get(name)
      if (history === undefined) histories.set(name, [{ from: version, enabled }])
      else history.push({ from: version, enabled })
    }
  }
}

export interface Truth {
  readonly features: Features["Type"]
  /** How many writes there were. */
  readonly version: () => number
  /** What a request had to be answered after so many writes. */
  readonly at: (request: Request, version: number) => boolean
  /** How many lookups there were. */
  readonly lookups: () => number
}

const rowName = (id: number, slug: string) => `${id}/${slug}`

export const make = (organisation: Organisation, latency: { readonly millis: number }): Truth => {
  const features = makeTable(organisation.features.map(({ slug, enabled }) => [slug, enabled]))
  const ofUsers = makeTable(organisation.userFeatures.map((row) => [rowName(row.userId, row.slug), row.enabled]))
  const ofTeams = makeTable(organisation.teamFeatures.map((row) => [rowName(row.teamId, row.slug), row.enabled]))
  const accepted = makeTable(
    organisation.memberships.map((row) => [rowName(row.userId, `${row.teamId}`), row.accepted])
  )
  const parents = new Map(organisation.teams.map(({ id, parentId }) => [id, parentId]))
  const teamsOf = new Map<number, Set<number>>()
  const joins = (userId: number, teamId: number) => {
    const teams = teamsOf.get(userId)
    if (teams === undefined) teamsOf.set(userId, new Set([teamId]))
    else teams.add(teamId)
  }
  for (const { userId, teamId } of organisation.memberships) joins(userId, teamId)
  let version = 0
  let lookups = 0

  const wayUp = (teamId: number): ReadonlyArray<number> => {
    const way: Array<number> = []
    for (let id: number | null = teamId; id !== null && !way.includes(id); id = parents.get(id) ?? null) way.push(id)
    return way
  }
  /** The ways up from each team that has accepted a user. */
  const waysOf = (userId: number, at: number) =>
    [...(teamsOf.get(userId) ?? [])].filter((team) => accepted.at(rowName(userId, `${team}`), at) === true).map(wayUp)
  const rows = (way: ReadonlyArray<number>, slug: string, at: number): Inheritance.Way =>
    way.map((team) => ofTeams.at(rowName(team, slug), at))

  const at = (request: Request, when: number): boolean => {
    const globally = features.at(request.slug, when)
    switch (request.check) {
      case "global":
        return globally ?? false
      case "team":
        return Inheritance.teamHasFeature({ globally, way: rows(wayUp(request.id), request.slug, when) })
      case "user":
        return Inheritance.userHasFeature({
          globally,
          own: ofUsers.at(rowName(request.id, request.slug), when),
          ways: waysOf(request.id, when).map((way) => rows(way, request.slug, when))
        })
    }
  }

  /** Decided half-way there and back, as a database does. */
  const query = <A>(decide: () => A) =>
    Effect.sleep(latency.millis / 2).pipe(
      Effect.zipRight(Effect.sync(decide)),
      Effect.zipLeft(Effect.sleep(latency.millis / 2))
    )
  const look = (request: Request) => {
    const visited = () => {
      const ways =
        request.check === "user" ? waysOf(request.id, version) : [request.check === "team" ? wayUp(request.id) : []]
      return [...new Set(ways.flat())].map(Tags.team)
    }
    return query(() => {
      lookups += 1
      return [at(request, version), request.check === "global" ? [] : visited()] as const
    }).pipe(
      Effect.tap(([, tags]) => Cache.addTags(...tags)),
      Effect.map(([answer]) => answer)
    )
  }
  const write = (put: (version: number) => void) =>
    query(() => {
      version += 1
      put(version)
    })
  const enabledOf = (setting: Setting) => (setting === "inherit" ? undefined : setting === "enabled")

  return {
    at,
    version: () => version,
    lookups: () => lookups,
    features: Features.of({
      checkIfFeatureIsEnabledGlobally: (slug) => look({ check: "global", slug }),
      checkIfTeamHasFeature: (id, slug) => look({ check: "team", id, slug }),
      checkIfUserHasFeature: (id, slug) => look({ check: "user", id, slug }),
      list: query(() =>
        organisation.features.map(({ slug }) => ({ slug, enabled: features.at(slug, version) ?? false }))
      ),
      setFeature: (slug, enabled) => write((now) => features.put(slug, now, enabled)),
      setUserFeature: (userId, slug, setting) =>
        write((now) => ofUsers.put(rowName(userId, slug), now, enabledOf(setting))),
      setTeamFeature: (teamId, slug, setting) =>
        write((now) => ofTeams.put(rowName(teamId, slug), now, enabledOf(setting))),
      setMembership: (userId, teamId, state) =>
        write((now) => {
          joins(userId, teamId)
          accepted.put(rowName(userId, `${teamId}`), now, state === "none" ? undefined : state === "accepted")
        })
    })
  }
}
