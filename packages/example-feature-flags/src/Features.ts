/**
 * The repository of feature flags: what the application calls. It says nothing of SQL, of caches, of Redis.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A flag and its answer for everybody who has none of their own. */
export const Feature = Schema.Struct({ slug: Schema.String, enabled: Schema.Boolean })
export type Feature = typeof Feature.Type

/** What a row says of a user or team. `inherit` is the absence of a row, and by far the most common. */
export type Setting = "enabled" | "disabled" | "inherit"

/** A membership counts only when it was accepted. `none` is the absence of a row. */
export type MembershipState = "accepted" | "pending" | "none"

/** Who inherits what from whom is said in `Inheritance.ts`. */
export class Features extends Context.Tag("example-feature-flags/Features")<
  Features,
  {
    readonly checkIfFeatureIsEnabledGlobally: (slug: string) => Effect.Effect<boolean, SqlError>
    readonly checkIfUserHasFeature: (userId: number, slug: string) => Effect.Effect<boolean, SqlError>
    readonly checkIfTeamHasFeature: (teamId: number, slug: string) => Effect.Effect<boolean, SqlError>
    readonly list: Effect.Effect<ReadonlyArray<Feature>, SqlError>
    /** Creates the feature when there is none of that name. */
    readonly setFeature: (slug: string, enabled: boolean) => Effect.Effect<void, SqlError>
    readonly setUserFeature: (userId: number, slug: string, setting: Setting) => Effect.Effect<void, SqlError>
    readonly setTeamFeature: (teamId: number, slug: string, setting: Setting) => Effect.Effect<void, SqlError>
    readonly setMembership: (userId: number, teamId: number, state: MembershipState) => Effect.Effect<void, SqlError>
  }
>() {}
