/** The database of the run, with empty tables in a schema that the test file names. */
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as Database from "../src/Database.js"

export const layerDatabase = (schema: string) => Database.layerUrl(Redacted.make(inject("databaseUrl")), schema)

/** A client, after the tables have been made. */
export const layer = (schema: string) =>
  Layer.provideMerge(Database.layerClient, Layer.provideMerge(Database.layerTables, layerDatabase(schema)))
