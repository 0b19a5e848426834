/**
 * What the application may rely on. It runs unchanged whatever stands behind the cache, also when nothing does: a
 * cache changes how fast an answer comes, never what it is.
 */
import { expect, layer } from "@effect/vitest"
import type * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Features } from "../src/Features.js"
import { FeaturesCached } from "../src/FeaturesCached.js"
import { FeaturesSql } from "../src/FeaturesSql.js"
import * as Organisation from "../src/Organisation.js"
import { seed } from "../src/Seed.js"
import * as database from "./database.js"

const organisation = Effect.runSync(Organisation.make({ users: 200, organisations: 2 }))
const root = organisation.teams[0]!
const members = Organisation.members(organisation, root.id)
const outsiders = organisation.users.map(({ id }) => id).filter((id) => !members.includes(id))

const seeded = Layer.effectDiscard(seed(organisation))

/** The cached repository over a seeded database, with the client for tests that look behind it. */
export const layerFeatures = <E>(schema: string, cache: Layer.Layer<Cache.Cache, E>) =>
  FeaturesCached.pipe(
    Layer.provide([FeaturesSql, cache]),
    Layer.provideMerge(Layer.provideMerge(seeded, database.layer(schema)))
  )

/** How many of these users have a feature. */
const howMany = (userIds: ReadonlyArray<number>, slug: string) =>
  Effect.gen(function* () {
    const features = yield* Features
    const answers = yield* Effect.forEach(userIds, (id) => features.checkIfUserHasFeature(id, slug), {
      concurrency: 16
    })
    return answers.filter((answer) => answer).length
  })

export const behaviour = <E>(name: string, schema: string, cache: Layer.Layer<Cache.Cache, E>) =>
  layer(layerFeatures(schema, cache), { excludeTestServices: true })(`Features / ${name}`, (it) => {
    it.effect("a flag switched on at the organisation is on for every member of every sub-team at once", () =>
      Effect.gen(function* () {
        const features = yield* Features
        yield* features.setFeature("beta", false)
        expect(members.length).toBeGreaterThan(50)
        expect(yield* howMany(members, "beta")).toBe(0)
        yield* features.setTeamFeature(root.id, "beta", "enabled")
        expect(yield* howMany(members, "beta")).toBe(members.length)
        expect(yield* howMany(outsiders, "beta")).toBe(0)
        yield* features.setTeamFeature(root.id, "beta", "inherit")
        expect(yield* howMany(members, "beta")).toBe(0)
      })
    )

    it.effect("a row of a sub-team wins over the organisation's, for its members only", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const department = organisation.teams.find(({ parentId }) => parentId === root.id)!
        const squad = [...Organisation.below(organisation, department.id)].at(-1)!
        yield* features.setFeature("gamma", false)
        yield* features.setTeamFeature(root.id, "gamma", "enabled")
        expect(yield* features.checkIfTeamHasFeature(squad, "gamma")).toBe(true)
        yield* features.setTeamFeature(department.id, "gamma", "disabled")
        expect(yield* features.checkIfTeamHasFeature(squad, "gamma")).toBe(false)
        expect(yield* features.checkIfTeamHasFeature(root.id, "gamma")).toBe(true)
        yield* features.setTeamFeature(squad, "gamma", "enabled")
        expect(yield* features.checkIfTeamHasFeature(squad, "gamma")).toBe(true)
      })
    )

    it.effect("accepting and removing a membership flips the answer for that user at once", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const user = outsiders[0]!
        const check = features.checkIfUserHasFeature(user, "delta")
        yield* features.setFeature("delta", false)
        yield* features.setTeamFeature(root.id, "delta", "enabled")
        expect(yield* check).toBe(false)
        yield* features.setMembership(user, root.id, "pending")
        expect(yield* check).toBe(false)
        yield* features.setMembership(user, root.id, "accepted")
        expect(yield* check).toBe(true)
        yield* features.setMembership(user, root.id, "none")
        expect(yield* check).toBe(false)
      })
    )

    it.effect("a user's own row is seen at once, and so is its removal", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const check = features.checkIfUserHasFeature(members[0]!, "epsilon")
        yield* features.setFeature("epsilon", true)
        expect(yield* check).toBe(true)
        yield* features.setUserFeature(members[0]!, "epsilon", "disabled")
        expect(yield* check).toBe(false)
        yield* features.setUserFeature(members[0]!, "epsilon", "inherit")
        expect(yield* check).toBe(true)
      })
    )

    it.effect("a feature's global answer is seen at once by everybody who inherits it, and in the list", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const all = Effect.all({
          globally: features.checkIfFeatureIsEnabledGlobally("zeta"),
          team: features.checkIfTeamHasFeature(root.id, "zeta"),
          user: features.checkIfUserHasFeature(members[0]!, "zeta"),
          listed: Effect.map(features.list, (list) => list.some(({ enabled, slug }) => slug === "zeta" && enabled))
        })
        expect(yield* all).toEqual({ globally: false, team: false, user: false, listed: false })
        yield* features.setFeature("zeta", true)
        expect(yield* all).toEqual({ globally: true, team: true, user: true, listed: true })
        yield* features.setFeature("zeta", false)
        expect(yield* all).toEqual({ globally: false, team: false, user: false, listed: false })
      })
    )

    it.effect("fails as the repository fails, with its own error", () =>
      Effect.gen(function* () {
        const features = yield* Features
        const error = yield* Effect.flip(features.setTeamFeature(root.id, "no-such-feature", "enabled"))
        expect(error._tag).toBe("SqlError")
      })
    )
  })
