/** Answers the API from the repository, which it does not know to be cached. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type { SqlError } from "@effect/sql/SqlError"
import * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Features } from "../Features.js"
import { Api, DatabaseUnavailable, UnknownFlag, UnknownTeam } from "./Api.js"
import { Doings } from "./Doings.js"

/** What the driver says of it may hold parameters and addresses, and goes nowhere. */
const unavailable = (error: SqlError): Effect.Effect<never, DatabaseUnavailable> =>
  Effect.zipRight(
    Effect.logError(`the database does not answer: ${error.message}`),
    new DatabaseUnavailable({ message: "the database does not answer; try again later" })
  )

/** PostgreSQL's `foreign_key_violation`. */
const namesNobody = (error: SqlError): boolean =>
  Predicate.hasProperty(error.cause, "code") && error.cause.code === "23503"

const Flags = HttpApiBuilder.group(Api, "flags", (handlers) =>
  Effect.gen(function* () {
    const features = yield* Features
    const doings = yield* Doings

    const known = (slug: string, list: Features["Type"]["list"]) =>
      Effect.filterOrFail(
        list,
        (all) => all.some((one) => one.slug === slug),
        () => new UnknownFlag({ slug, message: `there is no flag "${slug}"` })
      )
    const answer = (slug: string, enabled: Effect.Effect<boolean, SqlError>) =>
      Effect.map(Effect.zipRight(known(slug, features.list), enabled), (enabled) => ({ enabled })).pipe(
        Effect.catchTag("SqlError", unavailable)
      )
    /** Nothing owed: the store has acknowledged this one too. */
    const held = Effect.sync(() =>
      doings.unacknowledged() === 0 ? ({ heldBy: "every instance" } as const) : ({ heldBy: "this instance" } as const)
    )

    return handlers
      .handle("list", () => Effect.catchTag(features.list, "SqlError", unavailable))
      .handle("ofEverybody", ({ path }) => answer(path.slug, features.checkIfFeatureIsEnabledGlobally(path.slug)))
      .handle("ofTeam", ({ path }) => answer(path.slug, features.checkIfTeamHasFeature(path.teamId, path.slug)))
      .handle("ofUser", ({ path }) => answer(path.slug, features.checkIfUserHasFeature(path.userId, path.slug)))
      .handle("setForEverybody", ({ path, payload }) =>
        Effect.zipRight(features.setFeature(path.slug, payload.enabled), held).pipe(
          Effect.catchTag("SqlError", unavailable)
        )
      )
      .handle("setForTeam", ({ path, payload }) =>
        // A flag that another instance has just made may not be in the list here.
        Effect.gen(function* () {
          yield* known(path.slug, Cache.withoutCache(features.list))
          yield* features.setTeamFeature(path.teamId, path.slug, payload.setting)
          return yield* held
        }).pipe(
          Effect.catchTag("SqlError", (error): Effect.Effect<never, UnknownTeam | DatabaseUnavailable> =>
            namesNobody(error)
              ? new UnknownTeam({ teamId: path.teamId, message: `there is no team ${path.teamId}` })
              : unavailable(error)
          )
        )
      )
  })
)

const Health = HttpApiBuilder.group(Api, "health", (handlers) =>
  Effect.map(Doings, (doings) =>
    handlers.handle("health", () =>
      Effect.sync(() => ({
        hits: doings.hits(),
        misses: doings.misses(),
        storeFailures: doings.storeFailures(),
        unacknowledged: doings.unacknowledged()
      }))
    )
  )
)

export const layer = HttpApiBuilder.api(Api).pipe(Layer.provide([Flags, Health]))
