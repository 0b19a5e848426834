import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { CacheError, CacheKey, CachePolicy } from "@larder/cache"
import { Arbitraries } from "@larder/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"

const year = Duration.toMillis(CachePolicy.maximumTimeToLive)
const failures = { schema: Schema.String, timeToLive: "10 seconds" } as const

const failure = (f: () => unknown): CacheError.ConfigurationError => {
  try {
    f()
  } catch (error) {
    if (error instanceof CacheError.ConfigurationError) return error
    throw error
  }
  throw new Error("expected a ConfigurationError, and nothing was thrown")
}

describe("CachePolicy / resolve", () => {
  it("an empty policy is fresh for five minutes and does nothing else", () => {
    const { cacheable, timeToLiveMillis, ...fields } = CachePolicy.resolve({})
    strictEqual(timeToLiveMillis("x"), 300_000)
    strictEqual(cacheable(undefined), true)
    deepStrictEqual(fields, {
      staleWhileRevalidateMillis: 0,
      staleIfErrorMillis: 0,
      errorBackoffMillis: 1000,
      softTimeoutMillis: Infinity,
      refreshAhead: 0,
      jitter: 0,
      tags: [],
      tagsOf: undefined,
      awaitWrite: false,
      dependencies: true,
      failures: undefined,
      readsMemory: true,
      writesMemory: true,
      readsStore: true,
      writesStore: true,
      sharesLease: false,
      retainMillis: 300_000
    })
  })

  it.each<[CachePolicy.Access, reads: boolean, writes: boolean]>([
    ["ReadWrite", true, true],
    ["ReadOnly", true, false],
    ["WriteOnly", false, true],
    ["Off", false, false]
  ])("a tier that is %s", (access, reads, writes) => {
    const memory = CachePolicy.resolve({ memory: access })
    deepStrictEqual([memory.readsMemory, memory.writesMemory], [reads, writes])
    deepStrictEqual([memory.readsStore, memory.writesStore], [true, true])
    const store = CachePolicy.resolve({ store: access })
    deepStrictEqual([store.readsStore, store.writesStore], [reads, writes])
    deepStrictEqual([store.readsMemory, store.writesMemory], [true, true])
    // Who refuses what others store does not wait for it.
    strictEqual(store.sharesLease, !reads)
  })

  it("tiers of a policy are said apart: each of them over the ambient one's", () => {
    const both = CachePolicy.resolve({ store: "Off" }, { memory: "ReadOnly" })
    deepStrictEqual(
      [both.readsStore, both.writesStore, both.readsMemory, both.writesMemory],
      [false, false, true, false]
    )
  })

  it.each([
    ["memory", { memory: "on" }],
    ["store", { store: true }],
    ["singleFlight", { singleFlight: "off" }]
  ])("a word that %s does not know is refused by its name, and those it knows are named", (field, policy) => {
    const error = failure(() => CachePolicy.resolve(policy as never))
    strictEqual(error.where, field)
    strictEqual(error.detail.includes(field === "singleFlight" ? `"Instance"` : `"WriteOnly"`), true)
  })

  it("nothing at all is the empty policy", () => {
    strictEqual(CachePolicy.resolve().retainMillis, 300_000)
    strictEqual(CachePolicy.resolve(undefined, undefined).retainMillis, 300_000)
  })

  it.each<[string, Duration.DurationInput, number]>([
    ["a text", "1 minute", 60_000],
    ["a number", 1500, 1500],
    ["a Duration", Duration.hours(1), 3_600_000],
    ["a bigint of nanoseconds", 5_000_000n, 5],
    ["a pair of seconds and nanoseconds", [2, 0], 2000],
    ["zero", 0, 0],
    ["less than a millisecond", 0.25, 1],
    ["a fraction", 10.2, 11],
    ["a year", "365 days", year],
    ["more than a year", "366 days", year],
    ["infinity", Infinity, year],
    ["Duration.infinity", Duration.infinity, year]
  ])("a time to live that is %s", (_, timeToLive, expected) => {
    strictEqual(CachePolicy.resolve({ timeToLive }).timeToLiveMillis("x"), expected)
    strictEqual(CachePolicy.resolve({ timeToLive: () => timeToLive }).timeToLiveMillis("x"), expected)
  })

  const durations = ["timeToLive", "staleWhileRevalidate", "staleIfError", "errorBackoff", "softTimeout"] as const
  it.each(
    durations.flatMap((field) =>
      [-1, NaN, -Infinity, "-1 second", " - 5 minutes", "soon", "", true, {}, [1, 2, 3]].map(
        (bad) => [field, bad] as const
      )
    )
  )("%s refuses %j by its name", (field, bad) => {
    strictEqual(failure(() => CachePolicy.resolve({ [field]: bad })).where, field)
  })

  it.each([
    ["refreshAhead", -0.1],
    ["refreshAhead", NaN],
    ["refreshAhead", "1"],
    ["jitter", -0.01],
    ["jitter", 1.01],
    ["jitter", NaN],
    ["jitter", Infinity],
    ["jitter", true]
  ])("%s refuses %s by its name", (field, bad) =>
    strictEqual(failure(() => CachePolicy.resolve({ [field]: bad })).where, field)
  )

  it.each([
    ["refreshAhead", 0],
    ["refreshAhead", 0.5],
    ["refreshAhead", 1000],
    ["jitter", 0],
    ["jitter", 1]
  ] as const)("%s takes %d", (field, good) => strictEqual(CachePolicy.resolve({ [field]: good })[field], good))

  it("the time to live of failures is refused by its name, and bounded", () => {
    const bad = () => CachePolicy.resolve({ failures: { ...failures, timeToLive: -1 } })
    strictEqual(failure(bad).where, "failures.timeToLive")
    const long = CachePolicy.resolve({ failures: { ...failures, timeToLive: Infinity } })
    strictEqual(long.failures?.timeToLiveMillis, year)
    strictEqual(long.failures?.cacheable("x"), true)
  })

  it("tags are written as stores hold them, fixed or of the value", () => {
    deepStrictEqual(CachePolicy.resolve({ tags: ["team:1", "a b"] }).tags, ["t:team:1", "t:a%20b"])
    const ofValue = CachePolicy.resolve({ tags: (value: string) => [value] })
    deepStrictEqual(ofValue.tags, [])
    deepStrictEqual(ofValue.tagsOf?.("x"), [CacheKey.userTag("x")])
    strictEqual(failure(() => CachePolicy.resolve({ tags: ["a", ""] })).where, "tag")
    strictEqual(failure(() => CachePolicy.resolve({ tags: () => [""] }).tagsOf?.("x")).where, "tag")
  })

  it("a time to live of a function that answers no duration is refused when it is asked", () => {
    const policy = CachePolicy.resolve({ timeToLive: () => "soon" as "1 second" })
    strictEqual(failure(() => policy.timeToLiveMillis("x")).where, "timeToLive")
  })

  it.each<[CachePolicy.Any, number]>([
    [{ timeToLive: 100 }, 100],
    [{ timeToLive: 100, staleIfError: 50 }, 150],
    [{ timeToLive: 100, staleIfError: 50, staleWhileRevalidate: 70 }, 170],
    [{ timeToLive: 100, failures: { ...failures, timeToLive: 1000 } }, 1000],
    [{ timeToLive: () => 100, staleIfError: 50 }, 50],
    [{ timeToLive: Infinity, staleIfError: Infinity }, year]
  ])("epochs are kept as long as the longest that may carry them: %j", (policy, expected) =>
    strictEqual(CachePolicy.resolve(policy).retainMillis, expected)
  )

  it("an error says what is expected, and not what was given", () => {
    const { message } = failure(() => CachePolicy.resolve({ timeToLive: "canary" as "1 second" }))
    expect(message).toMatch(/^timeToLive: expected a duration such as "5 minutes"/)
    expect(message).not.toContain("canary")
  })
})

const field = FastCheck.constantFrom("timeToLive", "staleIfError", "jitter", "refreshAhead")
const anyPolicy = FastCheck.dictionary(field, FastCheck.oneof(FastCheck.nat({ max: 1 }), FastCheck.constant(undefined)))

describe("CachePolicy / merge", () => {
  it.prop("a field is that of the last policy that sets it", [FastCheck.array(anyPolicy)], ([policies]) => {
    const merged = CachePolicy.merge<any, any>(...policies) as Record<string, unknown>
    for (const name of ["timeToLive", "staleIfError", "jitter", "refreshAhead"]) {
      const set = policies.map((policy) => policy[name]).filter((one) => one !== undefined)
      strictEqual(merged[name], set.at(-1))
    }
  })

  it("leaves out what was not given", () => {
    deepStrictEqual(CachePolicy.merge(undefined, { timeToLive: 5 }, { timeToLive: undefined }, undefined), {
      timeToLive: 5
    })
  })

  it("does not change what it was given", () => {
    const given = Object.freeze({ timeToLive: 5 })
    CachePolicy.merge(given, { timeToLive: 6 })
    strictEqual(given.timeToLive, 5)
  })

  it("a later policy wins in resolve as in merge", () => {
    strictEqual(CachePolicy.resolve({ timeToLive: 5 }, { timeToLive: 6 }, {}).timeToLiveMillis("x"), 6)
  })
})

describe("CachePolicy / presets", () => {
  const presets = { brief: CachePolicy.brief, resilient: CachePolicy.resilient, instant: CachePolicy.instant }

  it.each([
    ["brief", 15_000, 0, 0, 15_000],
    ["resilient", 300_000, 0, 3_600_000, 3_900_000],
    ["instant", 60_000, 3_600_000, 3_600_000, 3_660_000]
  ] as const)("%s does what its documentation says", (name, fresh, revalidate, ifError, retain) => {
    const policy = CachePolicy.resolve(presets[name])
    strictEqual(policy.timeToLiveMillis("x"), fresh)
    strictEqual(policy.staleWhileRevalidateMillis, revalidate)
    strictEqual(policy.staleIfErrorMillis, ifError)
    strictEqual(policy.retainMillis, retain)
    strictEqual(policy.jitter, 0.1)
  })

  it("resilient tries a failing source every ten seconds, and waits a second for a slow one", () => {
    const policy = CachePolicy.resolve(CachePolicy.resilient)
    strictEqual(policy.errorBackoffMillis, 10_000)
    strictEqual(policy.softTimeoutMillis, 1000)
  })
})

describe("CachePolicy / Ambient", () => {
  it.effect("is empty unless somebody provides one", () =>
    Effect.gen(function* () {
      deepStrictEqual(yield* CachePolicy.Ambient, {})
      const provided = Effect.provideService(CachePolicy.Ambient, CachePolicy.Ambient, { timeToLive: 5 })
      deepStrictEqual(yield* provided, { timeToLive: 5 })
    })
  )
})

describe("CachePolicy / any policy", () => {
  it.prop(
    "a usable one has every time decided, none negative, none kept longer than a year",
    [Arbitraries.policy],
    ([policy]) => {
      const resolved = CachePolicy.resolve(policy)
      const kept = [
        resolved.timeToLiveMillis("x"),
        resolved.staleWhileRevalidateMillis,
        resolved.staleIfErrorMillis,
        resolved.retainMillis
      ]
      for (const millis of kept) expect(Number.isSafeInteger(millis) && millis >= 0 && millis <= year).toBe(true)
      for (const millis of [resolved.errorBackoffMillis, resolved.softTimeoutMillis]) expect(millis >= 0).toBe(true)
    }
  )

  it.prop(
    "one with a field that is not usable is refused by its name",
    [Arbitraries.invalidPolicy],
    ([{ policy, where }]) => {
      strictEqual(failure(() => CachePolicy.resolve(policy)).where, where)
    }
  )

  it.prop(
    "what a policy says wins over the one beneath it, field by field",
    [Arbitraries.policy, Arbitraries.policy],
    ([below, above]) => {
      deepStrictEqual(CachePolicy.merge(below, above), { ...below, ...above })
    }
  )
})
