/** The tables of the example. Which schema they are in is the client's business: see `Database`. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

export const names: ReadonlySet<string> = new Set([
  "User",
  "Team",
  "Membership",
  "Feature",
  "UserFeatures",
  "TeamFeatures"
])

export const create = Effect.fnUntraced(function* (sql: SqlClient) {
  yield* sql`create table ${sql("User")} (id int primary key, name text not null)`
  yield* sql`create table ${sql("Team")} (
    id int primary key,
    name text not null,
    "parentId" int references ${sql("Team")} deferrable
  )`
  yield* sql`create table ${sql("Membership")} (
    "userId" int references ${sql("User")},
    "teamId" int references ${sql("Team")},
    accepted boolean not null,
    primary key ("userId", "teamId")
  )`
  yield* sql`create table ${sql("Feature")} (slug text primary key, enabled boolean not null)`
  yield* sql`create table ${sql("UserFeatures")} (
    "userId" int references ${sql("User")},
    slug text references ${sql("Feature")},
    enabled boolean not null,
    primary key ("userId", slug)
  )`
  yield* sql`create table ${sql("TeamFeatures")} (
    "teamId" int references ${sql("Team")},
    slug text references ${sql("Feature")},
    enabled boolean not null,
    primary key ("teamId", slug)
  )`
})
