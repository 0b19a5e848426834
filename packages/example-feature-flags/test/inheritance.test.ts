import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Layer from "effect/Layer"
import { Features } from "../src/Features.js"
import { FeaturesSql } from "../src/FeaturesSql.js"
import * as Inheritance from "../src/Inheritance.js"
import { seed } from "../src/Seed.js"
import * as database from "./database.js"

describe("Inheritance", () => {
  const { teamHasFeature, userHasFeature } = Inheritance

  it.each([
    [{ globally: undefined, way: [true] }, false],
    [{ globally: true, way: [] }, true],
    [{ globally: false, way: [undefined, undefined] }, false],
    [{ globally: true, way: [undefined, undefined] }, true],
    [{ globally: false, way: [undefined, true, false] }, true],
    [{ globally: true, way: [undefined, false, true] }, false]
  ])("of a team: %o is %s", (facts, answer) => expect(teamHasFeature(facts)).toBe(answer))

  it.each([
    [{ globally: undefined, own: true, ways: [[true]] }, false],
    [{ globally: true, own: false, ways: [[true]] }, false],
    [{ globally: false, own: true, ways: [[false]] }, true],
    [{ globally: true, own: undefined, ways: [] }, true],
    [{ globally: true, own: undefined, ways: [[false]] }, false],
    [{ globally: false, own: undefined, ways: [[false], [undefined, true]] }, true],
    [{ globally: true, own: undefined, ways: [[false], [undefined]] }, true]
  ])("of a user: %o is %s", (facts, answer) => expect(userHasFeature(facts)).toBe(answer))
})

/** A small world: six teams, each with a parent or none, so that circles are common; four users; one flag. */
const world = fc.record({
  globally: fc.option(fc.boolean(), { nil: undefined }),
  parents: fc.array(fc.option(fc.nat(5), { nil: null, freq: 4 }), { minLength: 6, maxLength: 6 }),
  teamRows: fc.array(fc.option(fc.boolean(), { nil: undefined, freq: 2 }), { minLength: 6, maxLength: 6 }),
  userRows: fc.array(fc.option(fc.boolean(), { nil: undefined, freq: 1 }), { minLength: 4, maxLength: 4 }),
  memberships: fc.array(
    fc.array(fc.constantFrom("accepted", "pending", "none", "none"), { minLength: 6, maxLength: 6 }),
    { minLength: 4, maxLength: 4 }
  )
})
type World = typeof world extends fc.Arbitrary<infer A> ? A : never

/** The same rule, told by walking the world in memory, one team after the other. */
const model = (world: World) => {
  const team = (id: number, seen: ReadonlyArray<number>): boolean => {
    const row = world.teamRows[id]
    if (row !== undefined) return row
    const parent = world.parents[id]!
    return parent === null || [...seen, id].includes(parent) ? world.globally! : team(parent, [...seen, id])
  }
  return {
    team: (id: number) => world.globally !== undefined && team(id, []),
    user: (id: number) => {
      if (world.globally === undefined) return false
      const own = world.userRows[id]
      if (own !== undefined) return own
      const accepted = world.memberships[id]!.flatMap((state, i) => (state === "accepted" ? [i] : []))
      return accepted.length === 0 ? world.globally : accepted.some((id) => team(id, []))
    }
  }
}

const slug = "flag"

/** Rows for a feature that does not exist cannot be written: the foreign key says no. */
const fill = (world: World) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`truncate ${sql("User")}, ${sql("Team")}, ${sql("Feature")} cascade`
    const rows = <K extends string>(owner: K, settings: ReadonlyArray<boolean | undefined>) =>
      world.globally === undefined
        ? []
        : settings.flatMap((enabled, id) => (enabled === undefined ? [] : [{ [owner]: id, slug, enabled }]))
    yield* seed({
      users: world.userRows.map((_, id) => ({ id, name: `user ${id}` })),
      teams: world.parents.map((parentId, id) => ({ id, name: `team ${id}`, parentId })),
      features: world.globally === undefined ? [] : [{ slug, enabled: world.globally }],
      memberships: world.memberships.flatMap((states, userId) =>
        states.flatMap((state, teamId) =>
          state === "none" ? [] : [{ userId, teamId, accepted: state === "accepted" }]
        )
      ),
      userFeatures: rows("userId", world.userRows) as never,
      teamFeatures: rows("teamId", world.teamRows) as never
    })
  })

layer(FeaturesSql.pipe(Layer.provideMerge(database.layer("inheritance"))))("FeaturesSql", (it) => {
  it.effect.prop(
    "answers as the rule says, in any tree, with circles, rows at several levels and pending memberships",
    [world],
    ([world]) =>
      Effect.gen(function* () {
        const features = yield* Features
        yield* fill(world)
        const expected = model(world)
        for (let id = 0; id < 6; id++) {
          expect([id, yield* features.checkIfTeamHasFeature(id, slug)]).toEqual([id, expected.team(id)])
        }
        for (let id = 0; id < 4; id++) {
          expect([id, yield* features.checkIfUserHasFeature(id, slug)]).toEqual([id, expected.user(id)])
        }
        expect(yield* features.checkIfFeatureIsEnabledGlobally(slug)).toBe(world.globally ?? false)
      }),
    { fastCheck: { numRuns: 150 } }
  )

  it.effect("an unknown team and an unknown user inherit the global answer", () =>
    Effect.gen(function* () {
      const features = yield* Features
      yield* features.setFeature("for-everybody", true)
      expect(yield* features.checkIfTeamHasFeature(4711, "for-everybody")).toBe(true)
      expect(yield* features.checkIfUserHasFeature(4711, "for-everybody")).toBe(true)
    })
  )

  it.effect("a setting for a feature that does not exist fails as the repository's own error", () =>
    Effect.gen(function* () {
      const features = yield* Features
      const error = yield* Effect.flip(features.setTeamFeature(1, "no-such-feature", "enabled"))
      expect(error._tag).toBe("SqlError")
    })
  )
})
