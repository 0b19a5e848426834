/** One embedded database for the whole run; each test file makes schemas of its own in it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { TestProject } from "vitest/node"
import * as Database from "../src/Database.js"

declare module "vitest" {
  export interface ProvidedContext {
    databaseUrl: string
  }
}

export default async (project: TestProject) => {
  const scope = Effect.runSync(Scope.make())
  const database = await Effect.runPromise(
    Effect.provide(Database.Database, await Effect.runPromise(Layer.buildWithScope(Database.layerEmbedded, scope)))
  )
  project.provide("databaseUrl", Redacted.value(database.url))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
