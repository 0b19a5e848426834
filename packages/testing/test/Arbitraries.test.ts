/** That the arbitraries reach what they are for: a property over values that never vary shows nothing. */
import { describe, expect, it } from "@effect/vitest"
import * as CacheKey from "@larder/cache/CacheKey"
import * as CachePolicy from "@larder/cache/CachePolicy"
import * as Epoch from "@larder/cache/Epoch"
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import * as Arbitraries from "../src/Arbitraries.js"

const sample = <A>(arbitrary: fc.Arbitrary<A>): ReadonlyArray<A> => fc.sample(arbitrary, { numRuns: 2000, seed: 1 })
const kindsOf = <A>(arbitrary: fc.Arbitrary<A>, kind: (one: A) => string): ReadonlyArray<string> =>
  [...new Set(sample(arbitrary).map(kind))].toSorted()

describe("Arbitraries", () => {
  it("texts hold separators, controls, lone surrogates and other planes, and may be empty", () => {
    const texts = sample(Arbitraries.text)
    for (const one of [/^$/, /\./, /\0/, /[\uD800-\uDFFF]/u, /[\u{10000}-\u{10FFFF}]/u, /%/]) {
      expect(texts.some((text) => one.test(text))).toBe(true)
    }
  })

  it("parts are of every kind", () => {
    const kind = (part: CacheKey.Part) =>
      typeof part === "object"
        ? "_tag" in part
          ? `redacted ${part.secret === undefined ? "without" : "with"} a secret`
          : part.length === 0
            ? "no list"
            : "list"
        : typeof part
    expect(kindsOf(Arbitraries.part, kind)).toEqual([
      "boolean",
      "list",
      "no list",
      "number",
      "redacted with a secret",
      "redacted without a secret",
      "string"
    ])
    expect(kindsOf(Arbitraries.parts, (parts) => String(parts.length))).toEqual(["1", "2", "3", "4"])
  })

  it("keys are usable, some too long to be written out, some with tags", () => {
    const keys = sample(Arbitraries.key)
    expect(keys.some(({ id }) => id.length === CacheKey.maximumLength)).toBe(true)
    expect(keys.some(({ tags }) => tags.length > 2)).toBe(true)
    expect(new Set(keys.map(({ id }) => id)).size).toBeGreaterThan(1000)
  })

  it("stamps and epochs meet, differ in a soft half, and miss", () => {
    const kind = ([stamps, epochs]: readonly [Epoch.Stamps, Epoch.Epochs]) => Epoch.standing(stamps, epochs)
    expect(kindsOf(fc.tuple(Arbitraries.stamps, Arbitraries.epochs), kind)).toEqual(["Current", "Expired", "Invalid"])
    const answers = sample(Arbitraries.readAnswer)
    const current = answers.filter(
      ({ epochs, found }) => found._tag === "Stored" && Epoch.standing(found.stamps, epochs) === "Current"
    )
    expect(current.length).toBeGreaterThan(50)
    expect(new Set(answers.map(({ found }) => found._tag)).size).toBe(3)
  })

  it("entries are values and failures, and end no earlier than they begin", () => {
    const entries = sample(Arbitraries.entry(fc.string(), fc.constant("no")))
    expect(entries.some(({ content }) => Either.isLeft(content))).toBe(true)
    expect(entries.every((entry) => entry.expiresAtMillis >= entry.createdAtMillis)).toBe(true)
    expect(sample(Arbitraries.entry(fc.string())).every(({ content }) => Either.isRight(content))).toBe(true)
  })

  it("policies have many of the fields or few, and the unusable ones are wrong in each", () => {
    const fields = new Set(sample(Arbitraries.policy).flatMap((policy) => Object.keys(policy)))
    expect(fields.size).toBe(10)
    expect(sample(Arbitraries.policy).some((policy) => Object.keys(policy).length < 3)).toBe(true)
    expect(kindsOf(Arbitraries.invalidPolicy, ({ where }) => where)).toHaveLength(8)
    for (const { policy } of sample(Arbitraries.invalidPolicy)) expect(() => CachePolicy.resolve(policy)).toThrow()
  })
})
