/** Puts an organisation into the tables: one statement a table, whatever the number of rows. */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Organisation } from "./Organisation.js"

/** As one JSON parameter: rows as parameters of their own would meet the limit of 65 535. */
const insert = Effect.fnUntraced(function* (table: string, rows: ReadonlyArray<object>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into ${sql(table)}
    select * from json_populate_recordset(null::${sql(table)}, ${JSON.stringify(rows)}::json)`
})

export const seed = (organisation: Organisation): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* insert("User", organisation.users)
    yield* insert("Team", organisation.teams)
    yield* insert("Membership", organisation.memberships)
    yield* insert("Feature", organisation.features)
    yield* insert("UserFeatures", organisation.userFeatures)
    yield* insert("TeamFeatures", organisation.teamFeatures)
  })
