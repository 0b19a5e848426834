/**
 * The repository on PostgreSQL. It knows one thing of caches: the checks that climb the team tree name the teams they
 * visited, because only the climb knows them. Outside a cached lookup that does nothing.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Features, type Feature } from "./Features.js"
import * as Inheritance from "./Inheritance.js"
import * as Tags from "./Tags.js"

/** One team met on a way up. The query answers at least one row: without a way, `start` and `team` are null. */
interface Met {
  readonly globally: boolean | null
  readonly own: boolean | null
  /** Where the way began. */
  readonly start: number | null
  readonly team: number | null
  readonly row: boolean | null
}

/** The rows of each way, the starting team first. The query orders them so. */
const ways = (met: ReadonlyArray<Met>): ReadonlyArray<Inheritance.Way> => {
  const byStart = new Map<number, Array<Inheritance.Row>>()
  for (const { row, start } of met) {
    if (start === null) continue
    const way = byStart.get(start)
    if (way === undefined) byStart.set(start, [row ?? undefined])
    else way.push(row ?? undefined)
  }
  return [...byStart.values()]
}

const visited = (met: ReadonlyArray<Met>) =>
  new Set(met.flatMap(({ team }) => (team === null ? [] : [Tags.team(team)])))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  /**
   * Climbs from each of the `starts`. The path walked so far is the cycle guard: the team that would close a circle is
   * not visited again. The whole way is fetched, also above the nearest row: what it means is not decided here.
   */
  const climb = (starts: Fragment, slug: string, userId: number | null) =>
    sql<Met>`
      with recursive climb (start, team, depth, path) as (
        select start, start, 0, array[start] from (${starts}) as starts (start)
        union all
        select climb.start, t."parentId", climb.depth + 1, climb.path || t."parentId"
        from climb join ${sql("Team")} t on t.id = climb.team
        where t."parentId" is not null and t."parentId" <> all (climb.path)
      )
      select f.enabled as globally, uf.enabled as own, climb.start, climb.team, tf.enabled as row
      from (values (${slug}::text)) as asked (slug)
      left join ${sql("Feature")} f on f.slug = asked.slug
      left join ${sql("UserFeatures")} uf on uf.slug = asked.slug and uf."userId" = ${userId}::int
      left join climb on true
      left join ${sql("TeamFeatures")} tf on tf.slug = asked.slug and tf."teamId" = climb.team
      order by climb.start, climb.depth
    `.pipe(Effect.tap((met) => Cache.addTags(...visited(met))))

  const upsert = (table: string, owner: string, ownerId: number, slug: string, enabled: boolean) => sql`
    insert into ${sql(table)} ${sql.insert({ [owner]: ownerId, slug, enabled })}
    on conflict (${sql(owner)}, slug) do update set enabled = excluded.enabled
  `
  const remove = (table: string, owner: string, ownerId: number, slug: string) =>
    sql`delete from ${sql(table)} where ${sql(owner)} = ${ownerId} and slug = ${slug}`

  return Features.of({
    checkIfFeatureIsEnabledGlobally: (slug) =>
      sql<{ enabled: boolean }>`select enabled from ${sql("Feature")} where slug = ${slug}`.pipe(
        Effect.map((rows) => rows[0]?.enabled ?? false)
      ),

    checkIfUserHasFeature: (userId, slug) =>
      climb(sql`select "teamId" from ${sql("Membership")} where "userId" = ${userId} and accepted`, slug, userId).pipe(
        Effect.map((met) =>
          Inheritance.userHasFeature({
            globally: met[0]?.globally ?? undefined,
            own: met[0]?.own ?? undefined,
            ways: ways(met)
          })
        )
      ),

    checkIfTeamHasFeature: (teamId, slug) =>
      climb(sql`values (${teamId}::int)`, slug, null).pipe(
        Effect.map((met) =>
          Inheritance.teamHasFeature({ globally: met[0]?.globally ?? undefined, way: ways(met)[0] ?? [] })
        )
      ),

    list: sql<Feature>`select slug, enabled from ${sql("Feature")} order by slug`,

    setFeature: (slug, enabled) =>
      sql`insert into ${sql("Feature")} ${sql.insert({ slug, enabled })}
        on conflict (slug) do update set enabled = excluded.enabled`.pipe(Effect.asVoid),

    setUserFeature: (userId, slug, setting): Effect.Effect<void, SqlError> =>
      setting === "inherit"
        ? remove("UserFeatures", "userId", userId, slug)
        : upsert("UserFeatures", "userId", userId, slug, setting === "enabled"),

    setTeamFeature: (teamId, slug, setting): Effect.Effect<void, SqlError> =>
      setting === "inherit"
        ? remove("TeamFeatures", "teamId", teamId, slug)
        : upsert("TeamFeatures", "teamId", teamId, slug, setting === "enabled"),

    setMembership: (userId, teamId, state): Effect.Effect<void, SqlError> =>
      state === "none"
        ? sql`delete from ${sql("Membership")} where "userId" = ${userId} and "teamId" = ${teamId}`
        : sql`insert into ${sql("Membership")} ${sql.insert({ userId, teamId, accepted: state === "accepted" })}
            on conflict ("userId", "teamId") do update set accepted = excluded.accepted`
  })
})

export const FeaturesSql: Layer.Layer<Features, never, SqlClient.SqlClient> = Layer.effect(Features, make)
