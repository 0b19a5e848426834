import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { existsSync } from "node:fs"
import { describeWithPostgres } from "postgres-server/DescribeWithPostgres"
import * as PostgresServer from "postgres-server/PostgresServer"

/** The folder of its data, as the server itself names it. */
const dataFolder = (config: PgClient.PgClientConfig) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.make(config)
    const [row] = yield* sql<{ folder: string }>`select current_setting('data_directory') as folder`
    return row!.folder
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

describeWithPostgres("PostgresServer", () => {
  it.live("its parts and its URL lead to the same server, and nothing is left when the scope ends", () =>
    Effect.gen(function* () {
      const host = yield* Effect.scoped(
        Effect.gen(function* () {
          const address = yield* PostgresServer.make
          const byUrl = { url: Redacted.make(PostgresServer.url(address)) }
          const folders = yield* Effect.forEach([{ ...address }, byUrl], dataFolder)
          expect(folders).toEqual([`${address.host}/data`, `${address.host}/data`])
          return address.host
        })
      )
      expect(existsSync(host)).toBe(false)
    })
  )
})
