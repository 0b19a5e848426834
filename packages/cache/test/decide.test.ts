import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { type CacheEntry, CachePolicy } from "@larder/cache"
import { Arbitraries } from "@larder/testing"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { decide, type Decision, type Question } from "../src/internal/decide.js"

/** Created at 0, fresh until 100, its lookup took 10. */
const value: CacheEntry.CacheEntry<string, string> = {
  content: Either.right("v"),
  createdAtMillis: 0,
  expiresAtMillis: 100,
  lookupMillis: 10
}
const failure: CacheEntry.CacheEntry<string, string> = { ...value, content: Either.left("no") }

const ask = (policy: CachePolicy.Any, nowMillis: number, question: Partial<Question> = {}): Decision =>
  decide(CachePolicy.resolve(policy), {
    entry: value,
    expired: false,
    nowMillis,
    backoffUntilMillis: -Infinity,
    random: 0,
    ...question
  })

/** A decision in one word; `Lookup` with the instant until which the old value may stand in. */
const word = (decision: Decision): string => {
  switch (decision._tag) {
    case "ServeAndRefresh":
      return decision.stale ? "ServeStaleAndRefresh" : "ServeFreshAndRefresh"
    case "Lookup":
      return decision.fallbackUntilMillis === -Infinity
        ? "Lookup"
        : `Lookup, fallback until ${decision.fallbackUntilMillis}`
    default:
      return decision._tag
  }
}

describe("decide / no stale windows", () => {
  it.each([
    [-1000, "Serve"],
    [0, "Serve"],
    [99, "Serve"],
    [100, "Lookup"],
    [101, "Lookup"],
    [1e12, "Lookup"]
  ])("at %i ms: %s", (now, expected) => strictEqual(word(ask({}, now)), expected))

  it("without an entry there is nothing but a lookup, whatever the policy allows", () => {
    const policy = { staleWhileRevalidate: 1e6, staleIfError: 1e6, refreshAhead: 100 }
    for (const backoffUntilMillis of [-Infinity, 1e9]) {
      strictEqual(word(ask(policy, 50, { entry: undefined, backoffUntilMillis })), "Lookup")
    }
  })

  it("the time to live of the policy does not matter any more: the entry says when it ends", () => {
    strictEqual(word(ask({ timeToLive: 1 }, 99)), "Serve")
    strictEqual(word(ask({ timeToLive: "1 hour" }, 100)), "Lookup")
  })
})

describe("decide / staleWhileRevalidate 50, staleIfError 200", () => {
  const policy = { staleWhileRevalidate: 50, staleIfError: 200 }
  it.each([
    [99, "Serve", "Serve"],
    [100, "ServeStaleAndRefresh", "ServeStale"],
    [149, "ServeStaleAndRefresh", "ServeStale"],
    [150, "Lookup, fallback until 300", "ServeStale"],
    [299, "Lookup, fallback until 300", "ServeStale"],
    [300, "Lookup", "Lookup"],
    [301, "Lookup", "Lookup"]
  ])("at %i ms: %s; after a failed lookup: %s", (now, expected, held) => {
    strictEqual(word(ask(policy, now)), expected)
    strictEqual(word(ask(policy, now, { backoffUntilMillis: now + 1 })), held)
  })

  it.each([
    [199, "ServeStale"],
    [200, "Lookup, fallback until 300"],
    [201, "Lookup, fallback until 300"]
  ])("the backoff ends at 200 ms: at %i ms %s", (now, expected) =>
    strictEqual(word(ask(policy, now, { backoffUntilMillis: 200 })), expected)
  )
})

describe("decide / staleWhileRevalidate 200, staleIfError 50", () => {
  const policy = { staleWhileRevalidate: 200, staleIfError: 50 }
  it.each([
    [100, "ServeStaleAndRefresh"],
    [150, "ServeStaleAndRefresh"],
    [299, "ServeStaleAndRefresh"],
    [300, "Lookup"]
  ])("at %i ms: %s", (now, expected) => strictEqual(word(ask(policy, now)), expected))
})

describe("decide / staleIfError 200 alone", () => {
  it.each([
    [100, "Lookup, fallback until 300"],
    [299, "Lookup, fallback until 300"],
    [300, "Lookup"]
  ])("at %i ms: %s", (now, expected) => strictEqual(word(ask({ staleIfError: 200 }, now)), expected))
})

describe("decide / marked stale by expire", () => {
  it.each([
    [{}, 0, "Lookup"],
    [{}, 99, "Lookup"],
    [{ staleIfError: 200 }, 0, "Lookup, fallback until 300"],
    [{ staleIfError: 200 }, 299, "Lookup, fallback until 300"],
    [{ staleIfError: 200 }, 300, "Lookup"],
    [{ staleWhileRevalidate: 50 }, 0, "ServeStaleAndRefresh"],
    [{ staleWhileRevalidate: 50 }, 149, "ServeStaleAndRefresh"],
    [{ staleWhileRevalidate: 50 }, 150, "Lookup"]
  ])("%j at %i ms: %s", (policy, now, expected) => strictEqual(word(ask(policy, now, { expired: true })), expected))

  it("a window of zero allows nothing, also before the end of the entry", () => {
    strictEqual(word(ask({ staleWhileRevalidate: 0, staleIfError: 0 }, 0, { expired: true })), "Lookup")
  })
})

describe("decide / stored failures", () => {
  const policy = {
    staleWhileRevalidate: 200,
    staleIfError: 200,
    failures: { schema: Schema.String, timeToLive: 100 }
  }
  it.each([
    [99, "Serve"],
    [100, "Lookup"],
    [101, "Lookup"]
  ])("at %i ms: %s", (now, expected) => {
    strictEqual(word(ask(policy, now, { entry: failure })), expected)
    strictEqual(word(ask(policy, now, { entry: failure, backoffUntilMillis: 1e9 })), expected)
  })

  it("marked stale by expire is looked up again", () => {
    strictEqual(word(ask(policy, 0, { entry: failure, expired: true })), "Lookup")
  })
})

describe("decide / refreshAhead", () => {
  // now - lookup * beta * ln(1 - random) >= expiry, with a lookup of 10 ms: at 1 - 1/e the reach is 10 ms * beta.
  const e = 1 - 1 / Math.E
  const almostOne = 1 - Number.EPSILON / 2
  it.each([
    [0, e, 99, "Serve"],
    [1, 0, 99, "Serve"],
    [1, e, 89, "Serve"],
    [1, e, 91, "ServeFreshAndRefresh"],
    [1, 0.5, 92, "Serve"],
    [1, 0.5, 94, "ServeFreshAndRefresh"],
    [2, e, 79, "Serve"],
    [2, e, 81, "ServeFreshAndRefresh"],
    // 1 - random is 2^-53 at the least: the reach of a lookup is 36.8 times its own length, and never infinite.
    [1, almostOne, -268, "Serve"],
    [1, almostOne, -267, "ServeFreshAndRefresh"]
  ])("with %d and random %d at %i ms: %s", (refreshAhead, random, now, expected) =>
    strictEqual(word(ask({ refreshAhead }, now, { random })), expected)
  )

  it("a value that cost nothing is never refreshed ahead", () => {
    const entry = { ...value, lookupMillis: 0 }
    strictEqual(word(ask({ refreshAhead: 1000 }, 99, { entry, random: almostOne })), "Serve")
  })

  it("waits for the end of a backoff", () => {
    strictEqual(word(ask({ refreshAhead: 1 }, 99, { random: e, backoffUntilMillis: 100 })), "Serve")
    strictEqual(word(ask({ refreshAhead: 1 }, 99, { random: e, backoffUntilMillis: 99 })), "ServeFreshAndRefresh")
  })

  it("is not asked about an entry that was marked stale", () => {
    strictEqual(word(ask({ refreshAhead: 1 }, 99, { random: e, expired: true })), "Lookup")
  })

  it.prop(
    "decides by the formula, and only ever while the entry is fresh",
    [
      FastCheck.double({ min: 0.01, max: 10, noNaN: true }),
      FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      FastCheck.integer({ min: -100, max: 99 })
    ],
    ([refreshAhead, random, now]) => {
      const reach = -10 * refreshAhead * Math.log(1 - random)
      const expected = now + reach >= 100 ? "ServeFreshAndRefresh" : "Serve"
      strictEqual(word(ask({ refreshAhead }, now, { random })), expected)
    }
  )
})

const anyEntry = Arbitraries.entry(FastCheck.string(), FastCheck.string())
const anyQuestion: FastCheck.Arbitrary<Question> = FastCheck.record({
  entry: FastCheck.option(anyEntry, { nil: undefined }),
  expired: FastCheck.boolean(),
  nowMillis: FastCheck.integer({ min: -100, max: 2000 }),
  backoffUntilMillis: FastCheck.oneof(FastCheck.constant(-Infinity), FastCheck.integer({ min: 0, max: 2000 })),
  random: FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
})

/** How old the entry is to its reader: less is younger. */
const age = (decision: Decision): number => {
  switch (decision._tag) {
    case "Serve":
      return 0
    case "ServeAndRefresh":
      return decision.stale ? 1 : 0
    case "ServeStale":
      return 1
    case "Lookup":
      return decision.fallbackUntilMillis === -Infinity ? 3 : 2
  }
}

describe("decide / at any time", () => {
  it.prop(
    "an entry never gets younger",
    [Arbitraries.policy, anyQuestion, FastCheck.nat({ max: 500 })],
    ([policy, question, later]) => {
      const resolved = CachePolicy.resolve(policy)
      // A backoff that ends lets the same old value be tried again, so it is left out here.
      const now = { ...question, backoffUntilMillis: -Infinity }
      const then = { ...now, nowMillis: now.nowMillis + later }
      expect(age(decide(resolved, then))).toBeGreaterThanOrEqual(age(decide(resolved, now)))
    }
  )

  it.prop(
    "never serves a failure beyond its time",
    [Arbitraries.policy, anyQuestion, Arbitraries.entry(FastCheck.constant("no"))],
    ([policy, question, { content, ...instants }]) => {
      const entry = { ...instants, content: Either.flip(content) }
      const decision = decide(CachePolicy.resolve(policy), { ...question, entry })
      if (question.expired || question.nowMillis >= entry.expiresAtMillis) {
        deepStrictEqual(decision, { _tag: "Lookup", fallbackUntilMillis: -Infinity })
      }
    }
  )

  it.prop(
    "never serves a value beyond all its windows",
    [Arbitraries.policy, anyQuestion, anyEntry],
    ([policy, question, entry]) => {
      const resolved = CachePolicy.resolve(policy)
      const decision = decide(resolved, { ...question, entry })
      const window = Math.max(resolved.staleWhileRevalidateMillis, resolved.staleIfErrorMillis)
      if (question.nowMillis >= entry.expiresAtMillis + window) strictEqual(word(decision), "Lookup")
      if (decision._tag === "Lookup") {
        expect(decision.fallbackUntilMillis).toBeLessThanOrEqual(entry.expiresAtMillis + window)
      }
    }
  )

  it.prop(
    "an expired entry is never taken for a fresh one",
    [Arbitraries.policy, anyQuestion],
    ([policy, question]) => {
      const decision = decide(CachePolicy.resolve(policy), { ...question, expired: true })
      expect(["Serve", "ServeFreshAndRefresh"]).not.toContain(word(decision))
    }
  )

  it.prop("starts no lookup behind during a backoff", [Arbitraries.policy, anyQuestion], ([policy, question]) => {
    const decision = decide(CachePolicy.resolve(policy), { ...question, backoffUntilMillis: question.nowMillis + 1 })
    expect(decision._tag).not.toBe("ServeAndRefresh")
  })
})
