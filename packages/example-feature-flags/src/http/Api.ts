/**
 * The feature flags over HTTP, as data: what can be asked, what is answered, what may go wrong. The server, its OpenAPI
 * page and the client of `HttpApiClient.make(Api)` are made from it.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Feature } from "../Features.js"

export const Slug = Schema.String.pipe(Schema.pattern(/^[a-z0-9][a-z0-9-]{0,63}$/)).annotations({
  identifier: "Slug",
  description: "The name of a flag: small letters, digits and hyphens.",
  examples: ["dark-mode"]
})

/** What PostgreSQL takes for an `int`. */
const Id = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 2 ** 31 - 1)).annotations({
  description: "A whole number from 1."
})

/** What a team's row says; `inherit` removes it. */
export const Setting = Schema.Literal("enabled", "disabled", "inherit").annotations({ identifier: "Setting" })

export const Answer = Schema.Struct({ enabled: Schema.Boolean }).annotations({ identifier: "Answer" })

/** Written, and the store of the cache knows: every instance follows within the bound of its cache. */
export const Everywhere = Schema.Struct({ heldBy: Schema.Literal("every instance") }).annotations({
  identifier: "Everywhere",
  description: "Written. Every instance answers so within the bound of its cache."
})

/** Written, but the store of the cache has not acknowledged it yet. */
export const Here = Schema.Struct({ heldBy: Schema.Literal("this instance") }).annotations({
  identifier: "Here",
  description:
    "Written, and this instance answers so. The store of the cache has not acknowledged it: until it does, other " +
    "instances may give the old answer."
})

export class UnknownFlag extends Schema.TaggedError<UnknownFlag>()(
  "UnknownFlag",
  { slug: Slug, message: Schema.String },
  HttpApiSchema.annotations({ status: 404, description: "There is no flag of this name." })
) {}

export class UnknownTeam extends Schema.TaggedError<UnknownTeam>()(
  "UnknownTeam",
  { teamId: Schema.Int, message: Schema.String },
  HttpApiSchema.annotations({ status: 404, description: "There is no team of this number." })
) {}

export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()(
  "DatabaseUnavailable",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 503, description: "The database does not answer, and nothing cached may." })
) {}

const slug = HttpApiSchema.param("slug", Slug)
const teamId = HttpApiSchema.param("teamId", Id)
const userId = HttpApiSchema.param("userId", Id)

const flags = HttpApiGroup.make("flags")
  .add(
    HttpApiEndpoint.get("list", "/flags")
      .addSuccess(Schema.Array(Feature))
      .annotate(OpenApi.Summary, "Every flag, and its answer for everybody who has none of their own")
  )
  .add(
    HttpApiEndpoint.get("ofEverybody")`/flags/${slug}`
      .addSuccess(Answer)
      .addError(UnknownFlag)
      .annotate(OpenApi.Summary, "Whether a flag is on for everybody who has no answer of their own")
  )
  .add(
    HttpApiEndpoint.get("ofTeam")`/flags/${slug}/teams/${teamId}`
      .addSuccess(Answer)
      .addError(UnknownFlag)
      .annotate(OpenApi.Summary, "Whether a team has a flag: by itself, or from the nearest team above that says so")
  )
  .add(
    HttpApiEndpoint.get("ofUser")`/flags/${slug}/users/${userId}`
      .addSuccess(Answer)
      .addError(UnknownFlag)
      .annotate(OpenApi.Summary, "Whether a user has a flag: by a row of their own, or through their teams")
  )
  .add(
    HttpApiEndpoint.put("setForEverybody")`/flags/${slug}`
      .setPayload(Schema.Struct({ enabled: Schema.Boolean }))
      .addSuccess(Everywhere)
      .addSuccess(Here, { status: 202 })
      .annotate(OpenApi.Summary, "Switches a flag for everybody; makes it when there is none of that name")
  )
  .add(
    HttpApiEndpoint.put("setForTeam")`/flags/${slug}/teams/${teamId}`
      .setPayload(Schema.Struct({ setting: Setting }))
      .addSuccess(Everywhere)
      .addSuccess(Here, { status: 202 })
      .addError(UnknownFlag)
      .addError(UnknownTeam)
      .annotate(OpenApi.Summary, "Switches a flag for a team and the teams below it")
  )
  .addError(DatabaseUnavailable)

/** What this instance did since it started, and what it still owes the store. */
export const Health = Schema.Struct({
  hits: Schema.Int,
  misses: Schema.Int,
  storeFailures: Schema.Int,
  unacknowledged: Schema.Int.annotations({ description: "Invalidations that the store has not acknowledged yet." })
}).annotations({ identifier: "Health" })

const health = HttpApiGroup.make("health").add(
  HttpApiEndpoint.get("health", "/health")
    .addSuccess(Health)
    .annotate(OpenApi.Summary, "Whether this instance answers. It asks neither the database nor the store.")
)

export class Api extends HttpApi.make("feature-flags")
  .add(flags)
  .add(health)
  .annotate(OpenApi.Title, "Feature flags")
  .annotate(OpenApi.Version, "1")
  .annotate(OpenApi.Description, "Flags of users and of a tree of teams, in PostgreSQL, cached by Larder.") {}
