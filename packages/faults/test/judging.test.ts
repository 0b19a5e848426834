/** The judges themselves: a wrong answer, a lost flip, a late call are found out. */
import { describe, expect, it } from "@effect/vitest"
import * as Store from "@larder/cache/Store"
import * as Effect from "effect/Effect"
import * as Load from "example-feature-flags/Load"
import * as Organisation from "example-feature-flags/Organisation"
import * as Instance from "../src/Instance.js"
import * as Ledger from "../src/Ledger.js"
import * as Traffic from "../src/Traffic.js"
import * as Truth from "../src/Truth.js"

const organisation = Effect.runSync(Organisation.make({ users: 50, organisations: 1 }))
const requests = Effect.runSync(Load.make(organisation, 300))
const global: Load.Request = { check: "global", slug: "dark-mode" }

const world = Effect.gen(function* () {
  const truth = Truth.make(organisation, { millis: 1 })
  const ledger = Ledger.make(truth)
  const store = Store.layerMemory
  // Two caches in memory know nothing of each other: what the one flips, the other does not learn.
  const instances = [
    yield* Instance.make("first", truth, store, {}),
    yield* Instance.make("second", truth, store, {})
  ] as const
  const options = { requests, instances, truth, ledger, rate: 400, flipEveryMillis: 20 }
  return { truth, ledger, instances, options }
})

describe("Traffic", () => {
  it.scopedLive("finds nothing wrong with a cache that works", () =>
    Effect.gen(function* () {
      const { instances, options } = yield* world
      const window = Traffic.newWindow()
      const traffic = yield* Traffic.make({ ...options, instances: [instances[0], instances[0]] })
      traffic.into(window)
      yield* traffic.go
      const enough = () => window.flips > 3 && window.millis.length > 50 && instances[0].counts.hits > 20
      yield* Effect.repeat(Effect.sleep(20), { until: enough })
      yield* traffic.pause
      expect(window).toMatchObject({ wrong: 0, failed: 0 })
      expect(yield* traffic.settle).toBe(0)
    })
  )

  it.scopedLive("finds the answers of an instance that does not learn of the other one's flips", () =>
    Effect.gen(function* () {
      const { options } = yield* world
      const window = Traffic.newWindow()
      const traffic = yield* Traffic.make(options)
      traffic.into(window)
      yield* traffic.settle
      yield* traffic.go
      yield* Effect.repeat(Effect.sleep(20), { until: () => window.wrong > 0 })
      yield* traffic.pause
      expect(yield* traffic.settle).toBeGreaterThan(0)
    })
  )

  it.scopedLive("counts a call that fails", () =>
    Effect.gen(function* () {
      const { instances, options } = yield* world
      const broken = {
        ...instances[0],
        features: { ...instances[0].features, checkIfUserHasFeature: () => Effect.die("broken") }
      }
      const window = Traffic.newWindow()
      const traffic = yield* Traffic.make({ ...options, instances: [broken, broken] })
      traffic.into(window)
      yield* traffic.go
      yield* Effect.sleep(100)
      yield* traffic.pause
      expect(window.failed).toBeGreaterThan(0)
    })
  )
})

describe("Ledger", () => {
  const flipped = Effect.gen(function* () {
    const truth = Truth.make(organisation, { millis: 0 })
    const ledger = Ledger.make(truth)
    let settled = false
    yield* truth.features.setFeature(global.slug, true)
    ledger.flipped({ by: "first", settled: () => settled })
    return { ledger, settle: () => void (settled = true) }
  })

  it.live("whoever flipped may not answer from before; another instance may until the store knows", () =>
    Effect.gen(function* () {
      const { ledger, settle } = yield* flipped
      expect([ledger.floor("first"), ledger.floor("second")]).toEqual([1, 0])
      expect(ledger.isRight(global, false, ledger.floor("second"))).toBe(true)
      settle()
      expect(ledger.floor("second")).toBe(1)
      expect(ledger.isRight(global, false, ledger.floor("second"))).toBe(false)
      expect(ledger.isRight(global, true, ledger.floor("second"))).toBe(true)
    })
  )
})

describe("Truth", () => {
  it.live("remembers what was true after each write", () =>
    Effect.gen(function* () {
      const truth = Truth.make(organisation, { millis: 0 })
      const { slug } = global
      const user = organisation.users.find(({ id }) => !truth.at({ check: "user", id, slug }, 0))!
      const asked = { check: "user", id: user.id, slug } as const
      yield* truth.features.setUserFeature(user.id, slug, "enabled")
      yield* truth.features.setUserFeature(user.id, slug, "disabled")
      yield* truth.features.setUserFeature(user.id, slug, "inherit")
      expect([0, 1, 2, 3].map((version) => truth.at(asked, version))).toEqual([false, true, false, false])
    })
  )

  it.live("a member of a team below inherits what is flipped at the organisation, and others do not", () =>
    Effect.gen(function* () {
      const truth = Truth.make(organisation, { millis: 0 })
      const members = new Set(Organisation.members(organisation, 1))
      yield* truth.features.setTeamFeature(1, global.slug, "enabled")
      for (const { id } of organisation.users) {
        expect(yield* truth.features.checkIfUserHasFeature(id, global.slug)).toBe(members.has(id))
      }
      expect([members.size > 10, members.size < organisation.users.length]).toEqual([true, true])
    })
  )
})
