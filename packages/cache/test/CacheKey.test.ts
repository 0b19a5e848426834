import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { CacheError, CacheKey } from "@larder/cache"
import { Arbitraries } from "@larder/testing"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

/** Keys that stores hold today: to change one is to lose what is stored under it. */
const golden: Record<string, string> = JSON.parse(
  readFileSync(new URL("./golden/keys.json", import.meta.url), "utf8")
) as Record<string, string>

const secret = Redacted.make("the secret of every instance")

const forms: Record<string, () => string> = {
  "global flag": () => CacheKey.format("features", 1, ["global", "dark-mode"]),
  "scope, identifier, slug": () => CacheKey.format("features", 1, ["user", 12345, "dark-mode"]),
  "another version": () => CacheKey.format("features", 27, ["global", "dark-mode"]),
  "prefix with a separator": () => CacheKey.format("team.features", 1, ["global"]),
  "empty part": () => CacheKey.format("features", 1, [""]),
  "empty part in the middle": () => CacheKey.format("features", 1, ["a", "", "b"]),
  "separator in a part": () => CacheKey.format("features", 1, ["a.b", "c"]),
  percent: () => CacheKey.format("features", 1, ["100%", "%2E"]),
  braces: () => CacheKey.format("features", 1, ["{a}", "}b{"]),
  "brackets and comma": () => CacheKey.format("features", 1, ["[1,2]"]),
  "tilde, star, hash": () => CacheKey.format("features", 1, ["~*#"]),
  "white space": () => CacheKey.format("features", 1, [" a\tb\nc\u00A0d\u3000"]),
  "control characters": () => CacheKey.format("features", 1, ["\u0000\u001F\u007F\u0085"]),
  "invisible characters": () => CacheKey.format("features", 1, ["\u200B\uFEFF\u202E"]),
  "letters of the world": () => CacheKey.format("features", 1, ["größe", "東京", "ключ"]),
  emoji: () => CacheKey.format("features", 1, ["🦜"]),
  "characters that Unicode has not assigned": () => CacheKey.format("features", 1, ["\u0378\u{1FAFF}"]),
  "lone surrogates": () => CacheKey.format("features", 1, ["\uD83E", "\uDD9C"]),
  "colon, slash, at": () => CacheKey.format("features", 1, ["a:b/c@d"]),
  numbers: () => CacheKey.format("features", 1, [0, -0, -1, 1.5, 1e21, 1e-7, Number.MAX_SAFE_INTEGER]),
  booleans: () => CacheKey.format("features", 1, [true, false, "true", "#true", "false", 1, 0]),
  "booleans in a list": () => CacheKey.format("features", 1, ["set", [true, "true", false, true, "#true", 1]]),
  "redacted boolean": () => CacheKey.format("users", 1, ["verified", CacheKey.redacted(true)]),
  "tag of a boolean scope": () => CacheKey.scopeTag("features", true),
  list: () => CacheKey.format("features", 1, ["set", [3, 1, 3, 2]]),
  "empty list": () => CacheKey.format("features", 1, ["set", []]),
  "list of texts": () => CacheKey.format("features", 1, ["set", ["b", "a,b", "]"]]),
  "list of one empty text": () => CacheKey.format("features", 1, ["set", [""]]),
  redacted: () => CacheKey.format("users", 1, ["email", CacheKey.redacted("ada@example.org")]),
  "redacted with a secret": () => CacheKey.format("users", 1, ["email", CacheKey.redacted("ada@example.org", secret)]),
  "redacted number": () => CacheKey.format("users", 1, ["id", CacheKey.redacted(7)]),
  "long key": () => CacheKey.format("features", 1, ["global", "x".repeat(10_000)]),
  "long key of surrogate pairs": () => CacheKey.format("features", 1, ["global", "🦜".repeat(5000)]),
  "tag of a prefix": () => CacheKey.prefixTag("team.features"),
  "tag of a scope": () => CacheKey.scopeTag("features", "user"),
  "tag of a redacted scope": () => CacheKey.scopeTag("features", CacheKey.redacted("user")),
  "user's tag": () => CacheKey.userTag("team:1 {x}"),
  "long user's tag": () => CacheKey.userTag("x".repeat(10_000))
}

/** What a list of parts means: a number is its text, a boolean and a redacted part are of their own kind, a list is a set. */
const meaning = (parts: CacheKey.Parts): string =>
  JSON.stringify(
    parts.map((part) => {
      const text = (one: CacheKey.Atom) =>
        typeof one === "boolean" ? JSON.stringify([one]) : JSON.stringify(one === 0 ? "0" : String(one))
      if (typeof part !== "object") return text(part)
      if (Array.isArray(part)) return ["list", ...[...new Set((part as ReadonlyArray<CacheKey.Atom>).map(text))].sort()]
      const redacted = part as CacheKey.RedactedPart
      return ["redacted", text(redacted.part), redacted.secret === undefined ? "" : "secret"]
    }),
    // JSON.stringify keeps lone surrogates apart by escaping them.
    undefined
  )

const same = (a: CacheKey.Parts, b: CacheKey.Parts) => meaning(a) === meaning(b)

/** Another list of parts that is easily taken for the given one. */
const neighbour = FastCheck.tuple(Arbitraries.parts, FastCheck.integer({ min: 0, max: 6 }), Arbitraries.character).map(
  ([parts, kind, character]): readonly [CacheKey.Parts, CacheKey.Parts] => {
    const [first, ...others] = parts
    const second = others[0]
    switch (kind) {
      case 0: // two parts written as one
        return [parts, [`${String(first)}.${String(second)}`, ...others.slice(1)]]
      case 1: // a character more
        return [parts, [typeof first === "string" ? first + character : "x", ...others]]
      case 2: // a list of one beside its element
        return [parts, [typeof first === "string" ? [first] : "x", ...others]]
      case 3: // a list of nothing beside one of an empty text
        return [
          [[], ...others],
          [[""], ...others]
        ]
      case 4: // the part as it stands in the key
        return [parts, [CacheKey.format("p", 1, [first]).slice("V1.p.".length), ...others]]
      case 5: // a boolean beside what is easily taken for it
        return [
          [true, ...others],
          [character === "a" ? 1 : character === "b" ? "#true" : "true", ...others]
        ]
      default: // a part more
        return [parts, [...parts, character]]
    }
  }
)

const failure = (f: () => unknown): CacheError.ConfigurationError => {
  try {
    f()
  } catch (error) {
    if (error instanceof CacheError.ConfigurationError) return error
    throw error
  }
  throw new Error("expected a ConfigurationError, and nothing was thrown")
}

describe("CacheKey / golden", () => {
  it("pins every form of key and tag", () => {
    const written = Object.fromEntries(Object.entries(forms).map(([name, write]) => [name, write()]))
    deepStrictEqual(written, golden)
  })
})

describe("CacheKey / format", () => {
  it.prop(
    "gives one key to two lists of parts only when they mean the same",
    [FastCheck.oneof(FastCheck.tuple(Arbitraries.parts, Arbitraries.parts), neighbour)],
    ([[a, b]]) => {
      strictEqual(CacheKey.format("p", 1, a) === CacheKey.format("p", 1, b), same(a, b))
    },
    { fastCheck: { numRuns: 3000 } }
  )

  it.prop(
    "gives one key to a list whatever its order and repetitions",
    [FastCheck.array(Arbitraries.text)],
    ([texts]) => {
      strictEqual(CacheKey.format("p", 1, ["a", texts]), CacheKey.format("p", 1, ["a", [...texts, ...texts].reverse()]))
    }
  )

  it.prop(
    "keeps prefixes, versions and parts apart",
    [Arbitraries.text, Arbitraries.text, Arbitraries.text, Arbitraries.text],
    ([p, q, a, b]) => {
      const one = CacheKey.format(`x${p}`, 1, [a])
      const other = CacheKey.format(`x${q}`, 1, [b])
      strictEqual(one === other, p === q && a === b)
      expect(CacheKey.format(`x${p}`, 2, [a])).not.toBe(one)
    }
  )

  it.prop("is never longer than the bound, and survives UTF-8", [Arbitraries.parts], ([parts]) => {
    const key = CacheKey.format("p", 1, parts)
    expect(key.length).toBeLessThanOrEqual(CacheKey.maximumLength)
    strictEqual(Buffer.from(key, "utf8").toString("utf8"), key)
  })

  it.prop("has no white space, control character or brace", [Arbitraries.parts], ([parts]) => {
    expect(CacheKey.format("p", 1, parts)).not.toMatch(
      /[\s{}\p{Cc}\p{Cs}\p{Z}\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/u
    )
  })

  it.each([
    [CacheKey.maximumLength - 1, false],
    [CacheKey.maximumLength, false],
    [CacheKey.maximumLength + 1, true]
  ])("a key of %i units has a hashed end: %s", (length, hashed) => {
    const key = CacheKey.format("p", 1, ["x".repeat(length - "V1.p.".length)])
    strictEqual(key.includes("~"), hashed)
    expect(key.length).toBeLessThanOrEqual(CacheKey.maximumLength)
  })

  it("tells two long keys apart that differ in their last character only", () => {
    const text = "x".repeat(10_000)
    expect(CacheKey.format("p", 1, [`${text}a`])).not.toBe(CacheKey.format("p", 1, [`${text}b`]))
  })
})

describe("CacheKey / booleans", () => {
  const lookalikes: ReadonlyArray<CacheKey.Atom> = [
    true,
    false,
    "true",
    "false",
    "#true",
    "#false",
    "%23true",
    1,
    0,
    ""
  ]
  const places: ReadonlyArray<readonly [string, (one: CacheKey.Atom) => CacheKey.Part]> = [
    ["as a part", (one) => one],
    ["in a list", (one) => ["a", one]],
    ["alone in a list", (one) => [one]],
    ["redacted", (one) => CacheKey.redacted(one)]
  ]
  it.each(places)("%s none is what is easily taken for it", (_, part) => {
    strictEqual(new Set(lookalikes.map((one) => CacheKey.format("p", 1, [part(one)]))).size, lookalikes.length)
  })

  it("are parts of a key and a scope to be cleared", () => {
    const Key = CacheKey.make({
      prefix: "users",
      key: (withDeleted: boolean, id: number) => [withDeleted, id],
      schema: Schema.String
    })
    strictEqual(Key(true, 7).id, "V1.users.#true.7")
    strictEqual(Key(false, 7).scope, "#false")
    expect(Key(true, 7).tags).toContain(CacheKey.scopeTag("users", true))
    expect(Key(true, 7).tags).not.toContain(CacheKey.scopeTag("users", "true"))
  })
})

describe("CacheKey / redacted", () => {
  it("leaves nothing of the part in the key, and depends on the secret", () => {
    const plain = CacheKey.format("users", 1, ["email", CacheKey.redacted("ada@example.org")])
    const keyed = CacheKey.format("users", 1, ["email", CacheKey.redacted("ada@example.org", secret)])
    const other = CacheKey.format("users", 1, ["email", CacheKey.redacted("ada@example.org", Redacted.make("other"))])
    expect(plain).not.toMatch(/ada|example/)
    strictEqual(new Set([plain, keyed, other]).size, 3)
  })

  it("is not the key of the text that stands in its place", () => {
    const key = CacheKey.format("users", 1, [CacheKey.redacted("ada@example.org")])
    expect(CacheKey.format("users", 1, [key.slice("V1.users.".length)])).not.toBe(key)
  })
})

describe("CacheKey / errors", () => {
  it.each<[string, unknown, string]>([
    ["null", null, "null"],
    ["undefined", undefined, "undefined"],
    ["a bigint", 12345n, "bigint"],
    ["a symbol", Symbol("canary"), "symbol"],
    ["a function", () => "canary", "function"],
    ["an object", { canary: "canary" }, "object"],
    ["a date", new Date(0), "object"],
    ["NaN", NaN, "NaN"],
    ["infinity", Infinity, "Infinity"],
    ["a list with an object", [{ canary: "canary" }], "object"],
    ["a list in a list", [["canary"]], "object"],
    ["a list with undefined", ["canary", undefined], "undefined"],
    ["a redacted object", CacheKey.redacted({ canary: "canary" } as unknown as string), "object"]
  ])("%s is refused by its place and kind, never by its value", (_, part, kind) => {
    const error = failure(() => CacheKey.format("users", 1, ["id", part as CacheKey.Part]))
    strictEqual(error.where, 'key of "users"')
    expect(error.message).toMatch(new RegExp(`not ${kind}$`))
    expect(error.message).not.toMatch(/canary|12345/)
  })

  it.each([
    ["none", []],
    ["no list", "user" as unknown as CacheKey.Parts],
    ["undefined", undefined as unknown as CacheKey.Parts]
  ])("a key of %s parts is refused", (_, parts) => {
    const error = failure(() => CacheKey.format("users", 1, parts as unknown as CacheKey.Parts))
    strictEqual(error.message, 'key of "users": a key needs at least one part')
  })

  it.each([[""], ["  "], [undefined as unknown as string], [7 as unknown as string]])(
    "the prefix %j is refused when the keys are made, not when they are used",
    (prefix) => {
      const make = () => CacheKey.make({ prefix, key: (id: number) => [id], schema: Schema.String })
      strictEqual(failure(make).where, "prefix")
    }
  )

  it.each([[-1], [1.5], [NaN], [Infinity], ["1" as unknown as number]])("the version %j is refused", (version) => {
    const make = () => CacheKey.make({ prefix: "users", version, key: (id: number) => [id], schema: Schema.String })
    strictEqual(failure(make).where, 'version of "users"')
  })

  it.each([[""], [undefined as unknown as string], [7 as unknown as string]])("the tag %j is refused", (tag) => {
    strictEqual(failure(() => CacheKey.userTag(tag)).where, "tag")
  })
})

describe("CacheKey / make", () => {
  it("carries the tags of its prefix, of its scope, and its own", () => {
    const key = CacheKey.make({
      prefix: "features",
      version: 3,
      key: (team: number, slug: string) => ["team.x", team, slug],
      schema: Schema.Boolean,
      tags: (team) => [`team:${team}`]
    })(7, "dark")
    strictEqual(key.id, "V3.features.team%2Ex.7.dark")
    strictEqual(key.prefix, "features")
    strictEqual(key.scope, "team%2Ex")
    deepStrictEqual(key.tags, [
      CacheKey.prefixTag("features"),
      CacheKey.scopeTag("features", "team.x"),
      CacheKey.userTag("team:7")
    ])
  })

  it.prop(
    "no tag of a user is that of a prefix or scope",
    [Arbitraries.text, Arbitraries.text, Arbitraries.text],
    ([tag, prefix, scope]) => {
      const user = CacheKey.userTag(`x${tag}`)
      expect(user).not.toBe(CacheKey.prefixTag(prefix))
      expect(user).not.toBe(CacheKey.scopeTag(prefix, scope))
      expect(CacheKey.prefixTag(prefix)).not.toBe(CacheKey.scopeTag(prefix, scope))
    }
  )

  it.prop(
    "two scopes have one tag only when they are one",
    [Arbitraries.text, Arbitraries.text, Arbitraries.text, Arbitraries.text],
    ([p, a, q, b]) => {
      strictEqual(CacheKey.scopeTag(p, a) === CacheKey.scopeTag(q, b), p === q && a === b)
    }
  )
})
