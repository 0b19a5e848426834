/** The database that the instances share: a PostgreSQL where one is installed, or the embedded one. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Database from "example-feature-flags/Database"
import { Features } from "example-feature-flags/Features"
import { FeaturesSql } from "example-feature-flags/FeaturesSql"
import * as Service from "example-feature-flags/live/Service"
import * as PostgresServer from "postgres-server/PostgresServer"
import type { Subject } from "./Subject.js"

export const kinds = ["auto", "postgres", "pglite"] as const

export type Kind = (typeof kinds)[number]

export const isKind = (text: string): text is Kind => kinds.some((kind) => kind === text)

export class DatabaseError extends Data.TaggedError("DatabaseError")<{ readonly message: string }> {}

export const schema = "larder_fleet"

/** Beyond it, a database that has nothing to do any more does not answer at all. */
const answerTime = "30 seconds"

const start = (kind: Kind) =>
  Effect.gen(function* () {
    if (kind === "postgres" || (kind === "auto" && (yield* PostgresServer.available))) {
      return { name: "PostgreSQL", url: Redacted.make(PostgresServer.url(yield* PostgresServer.make)) } as const
    }
    const { url } = Context.get(yield* Layer.build(Database.layerEmbedded), Database.Database)
    return { name: "PGlite", url } as const
  })

/**
 * A database that the instances find seeded, with these flags switched off, and a way to ask it past every cache: on a
 * connection of its own, which is there only while it is asked.
 */
export const make = (kind: Kind, slugs: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { name, url } = yield* start(kind)
    const client = Layer.provideMerge(Database.layerClientOf({ connections: 1 }), Database.layerUrl(url, schema))
    const features = Layer.provideMerge(FeaturesSql, client)
    yield* Service.prepare.pipe(
      Effect.zipRight(
        Effect.flatMap(Features, ({ setFeature }) => Effect.forEach(slugs, (slug) => setFeature(slug, false)))
      ),
      Effect.provide(features)
    )
    const stored = (subjects: ReadonlyArray<Subject>) =>
      Effect.forEach(subjects, ({ slug, stored }) => Effect.map(stored, (value) => ({ slug, value }))).pipe(
        Effect.provide(features),
        Effect.timeoutFail({
          duration: answerTime,
          onTimeout: () => new DatabaseError({ message: `${name} did not answer after the run` })
        })
      )
    return { name, url: Redacted.value(url), stored }
  })
