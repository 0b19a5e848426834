import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Load from "../src/Load.js"
import * as Organisation from "../src/Organisation.js"

const organisation = Organisation.make({ users: 3000, organisations: 6 })

describe("Organisation", () => {
  it.effect("is the same on every run", () =>
    Effect.gen(function* () {
      expect(yield* organisation).toEqual(yield* organisation)
    })
  )

  it.effect("has thousands of users in hundreds of teams four levels deep, and dozens of features", () =>
    Effect.gen(function* () {
      const { features, teams, users } = yield* organisation
      const depth = (id: number): number => {
        const { parentId } = teams[id - 1]!
        return parentId === null ? 1 : 1 + depth(parentId)
      }
      expect(users.length).toBe(3000)
      expect(teams.length).toBeGreaterThan(200)
      expect(Math.max(...teams.map(({ id }) => depth(id)))).toBe(4)
      expect(features.length).toBeGreaterThan(24)
    })
  )

  it.effect("a member of a squad is a member of its organisation; who is only invited is not", () =>
    Effect.gen(function* () {
      const world = yield* organisation
      const members = new Set(Organisation.members(world, 1))
      const inside = Organisation.below(world, 1)
      expect(inside.has(1 + 1 + 1 + 1)).toBe(true)
      const accepted = world.memberships.filter((one) => one.accepted && inside.has(one.teamId))
      const invited = world.memberships.filter((one) => !one.accepted && inside.has(one.teamId))
      expect(accepted.every(({ userId }) => members.has(userId))).toBe(true)
      expect(invited.some(({ userId }) => !members.has(userId))).toBe(true)
    })
  )
})

describe("Load", () => {
  it.effect("is the same on every run", () =>
    Effect.gen(function* () {
      const world = yield* organisation
      expect(yield* Load.make(world, 500)).toEqual(yield* Load.make(world, 500))
    })
  )

  it.effect("the n-th rank is chosen n times less often than the first", () =>
    Effect.gen(function* () {
      const ranks = yield* Effect.forEach(Array.from({ length: 40_000 }), () => rank)
      const times = (wanted: number) => ranks.filter((one) => one === wanted).length
      for (const n of [2, 5, 10]) {
        const ratio = times(0) / times(n - 1)
        expect(ratio).toBeGreaterThan(n * 0.8)
        expect(ratio).toBeLessThan(n * 1.25)
      }
      expect([Math.min(...new Set(ranks)), Math.max(...new Set(ranks))]).toEqual([0, 49])
    })
  )

  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.99, 4],
    [[4, 1, 3, 2], 0, 1],
    [[4, 1, 3, 2], 1, 4]
  ])("quantile(%j, %d) is %d", (values, share, answer) => expect(Load.quantile(values, share)).toBe(answer))
})

const rank = Load.zipf(50)
