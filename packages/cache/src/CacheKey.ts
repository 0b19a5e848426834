/**
 * Keys: `V1.{prefix}.{scope}.{identifier}.{slug}`, as the RFC writes them, with the schema of the value they name.
 *
 * The key that reads, the key that writes and the key that invalidates are built by the same code, so they cannot
 * differ. The separator, `%`, brackets, braces, white space and control characters inside a part are percent-encoded:
 * two lists of parts never give one key. A number and its decimal text are the same part; `true` and `"true"` are not.
 *
 * @since 0.1.0
 */
import { createHash, createHmac } from "node:crypto"
import type * as Context from "effect/Context"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { ConfigurationError } from "./CacheError.js"

/**
 * A part that has no parts: a text, a finite number, or a boolean.
 *
 * @since 0.1.0
 * @category models
 */
export type Atom = string | number | boolean

/**
 * A part that must not be readable in the store or in a log.
 *
 * @since 0.1.0
 * @category models
 */
export interface RedactedPart {
  readonly _tag: "RedactedPart"
  readonly part: Atom
  readonly secret: Redacted.Redacted<string> | undefined
}

/**
 * One part: a text, a finite number, a boolean, a redacted part, or a list whose order and repetitions do not matter.
 *
 * @since 0.1.0
 * @category models
 */
export type Part = Atom | RedactedPart | ReadonlyArray<Atom>

/**
 * At least one part. The first is the *scope*, which `Cache.clear` can name.
 *
 * @since 0.1.0
 * @category models
 */
export type Parts = readonly [Part, ...ReadonlyArray<Part>]

/**
 * A key of a value of type `A`, kept as `I` by a schema that needs `R`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheKey<A, I = any, R = never> {
  /** The whole text: `V1.features.global.dark-mode`. */
  readonly id: string
  /** Names the cache in events, metrics and reports: `features`. */
  readonly prefix: string
  /** The first part as it stands in `id`: `global`. */
  readonly scope: string
  readonly schema: Schema.Schema<A, I, R>
  /** The tags known before a lookup, as stores hold them: of the prefix, of the scope, and the user's. */
  readonly tags: ReadonlyArray<string>
  /** What the schema needs, where that is known beforehand. */
  readonly context?: Context.Context<never> | undefined
}

/**
 * Keys longer than this, in UTF-16 units, keep their beginning and get a SHA-256 hash of the whole for their end.
 *
 * @since 0.1.0
 * @category constants
 */
export const maximumLength = 256

const hashLength = 43 // SHA-256 in base64url

// `~` marks a hashed end, `[`, `,` and `]` a list, `*` a redacted part, `#` a boolean, `{` and `}` a slot of a cluster. Lone
// surrogates cannot be written as UTF-8 and would all become the same replacement character. The ranges are characters
// that cannot be seen; `\p{C}` would hold those that Unicode has not assigned, which differ from one Node to the next,
// and with them the keys.
const reserved =
  /[.%~[\],*{}#\p{Z}\p{Cc}\p{Cs}\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu

// Four digits have a `u` before them, so that no escape is the beginning of another.
const escape = (unit: number): string => {
  const digits = unit.toString(16).toUpperCase()
  return unit > 0xff ? `%u${digits.padStart(4, "0")}` : `%${digits.padStart(2, "0")}`
}

const encodeText = (text: string): string =>
  text.replace(reserved, (character) =>
    Array.from({ length: character.length }, (_, i) => escape(character.charCodeAt(i))).join("")
  )

const invalid = (where: string, part: unknown) =>
  new ConfigurationError({
    where,
    detail: `a part must be a string, a finite number, a boolean, a list of those or CacheKey.redacted(part), not ${
      typeof part === "number" ? String(part) : part === null ? "null" : typeof part
    }`
  })

const encodeAtom = (where: string, part: unknown): string => {
  if (typeof part === "string") return encodeText(part)
  if (typeof part === "number" && Number.isFinite(part)) return encodeText(String(part === 0 ? 0 : part))
  if (typeof part === "boolean") return `#${part}`
  throw invalid(where, part)
}

const isRedacted = (part: unknown): part is RedactedPart =>
  typeof part === "object" && part !== null && "_tag" in part && part._tag === "RedactedPart"

const encodePart = (where: string, part: Part): string => {
  if (Array.isArray(part)) {
    const atoms = [...new Set(part.map((one) => encodeAtom(where, one)))]
    // A list of one empty text is not the list of nothing.
    return atoms.length === 1 && atoms[0] === "" ? "[,]" : `[${atoms.sort().join(",")}]`
  }
  if (isRedacted(part)) {
    const text = encodeAtom(where, part.part)
    const key = part.secret === undefined ? "larder" : Redacted.value(part.secret)
    return `*${createHmac("sha256", key).update(text).digest("base64url")}`
  }
  return encodeAtom(where, part)
}

const shorten = (id: string): string =>
  id.length <= maximumLength
    ? id
    : `${trimSurrogate(id.slice(0, maximumLength - hashLength - 1))}~${createHash("sha256").update(id).digest("base64url")}`

// A cut between the halves of a surrogate pair would leave half a character.
const trimSurrogate = (text: string): string => {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text
}

/**
 * Writes a key: `V{version}.{prefix}.{part}.{part}…`. Throws a `ConfigurationError` when a part is not usable.
 *
 * @example
 * import { CacheKey } from "@larder/cache"
 *
 * CacheKey.format("features", 1, ["user", 12345, "dark-mode"]) // => "V1.features.user.12345.dark-mode"
 * CacheKey.format("features", 1, ["a.b", "c"]) // => "V1.features.a%2Eb.c"
 * CacheKey.format("features", 1, ["user", 7, true]) // => "V1.features.user.7.#true"
 * CacheKey.format("features", 1, ["set", [3, 1, 3, 2]]) // => "V1.features.set.[1,2,3]"
 *
 * @since 0.1.0
 * @category constructors
 */
export const format = (prefix: string, version: number, parts: Parts): string => {
  const where = `key of "${prefix}"`
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new ConfigurationError({ where, detail: "a key needs at least one part" })
  }
  return shorten(`V${version}.${encodeText(prefix)}.${parts.map((part) => encodePart(where, part)).join(".")}`)
}

/**
 * Puts a keyed hash in a part's place, so that it cannot be read in the store, in a log or in a report. Without a
 * `secret` somebody who can guess the part can check the guess; give one where parts are guessable, the same in every
 * instance.
 *
 * @since 0.1.0
 * @category constructors
 */
export const redacted = (part: Atom, secret?: Redacted.Redacted<string>): RedactedPart => ({
  _tag: "RedactedPart",
  part,
  secret
})

/**
 * What all keys of a cache share, checked once: throws a `ConfigurationError`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Family {
  readonly prefix: string
  readonly version: number
  readonly tag: string
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const family = (prefix: string, version = 1): Family => {
  if (typeof prefix !== "string" || prefix.trim() === "") {
    throw new ConfigurationError({ where: "prefix", detail: "expected a text that is not empty" })
  }
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new ConfigurationError({ where: `version of "${prefix}"`, detail: `expected a whole number, got ${version}` })
  }
  return { prefix, version, tag: prefixTag(prefix) }
}

/**
 * The key of a family for these parts, schema and tags. Throws a `ConfigurationError` when a part or tag is not usable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = <A, I, R>(
  family: Family,
  parts: Parts,
  schema: Schema.Schema<A, I, R>,
  tags: ReadonlyArray<string> = []
): CacheKey<A, I, R> => {
  const id = format(family.prefix, family.version, parts)
  const scope = encodePart(`key of "${family.prefix}"`, parts[0])
  return {
    id,
    prefix: family.prefix,
    scope,
    schema,
    tags: [family.tag, scopeTagOf(family.prefix, scope), ...tags.map(userTag)]
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<Args extends ReadonlyArray<any>, A, I, R> {
  /** Names the cache: `users`. Not empty. */
  readonly prefix: string
  /** The `V1` of the key. A whole number, default 1. Raise it to leave every older value behind. */
  readonly version?: number | undefined
  /** The parts, from the arguments. */
  readonly key: (...args: Args) => Parts
  readonly schema: Schema.Schema<A, I, R>
  /** The tags known from the arguments. */
  readonly tags?: ((...args: Args) => ReadonlyArray<string>) | undefined
}

/**
 * Makes the keys of one kind of value: a function from arguments to a `CacheKey`. The function throws a
 * `ConfigurationError` when a part is not usable.
 *
 * @example
 * import { CacheKey } from "@larder/cache"
 * import { Schema } from "effect"
 *
 * const UserKey = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * UserKey(7).id // => "V1.users.id.7"
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Args extends ReadonlyArray<any>, A, I, R>(
  options: Options<Args, A, I, R>
): ((...args: Args) => CacheKey<A, I, R>) => {
  const shared = family(options.prefix, options.version)
  return (...args) => of(shared, options.key(...args), options.schema, options.tags?.(...args))
}

/**
 * The tag that every key of a prefix carries, and that of every key of a scope in it. `Cache.clear` invalidates them.
 * User's tags cannot take these forms: see `userTag`.
 *
 * @since 0.1.0
 * @category tags
 */
export const prefixTag = (prefix: string): string => `p:${encodeText(prefix)}`

/**
 * The tag of the prefix that a key's text begins with.
 *
 * @since 0.1.0
 * @category tags
 */
export const prefixTagOf = (id: string): string => `p:${id.split(".", 2)[1] ?? ""}`

const scopeTagOf = (prefix: string, scope: string): string => `s:${encodeText(prefix)}.${shorten(scope)}`

/**
 * The tag that every key of a scope carries. `scope` is the first part, as given to `key`.
 *
 * @since 0.1.0
 * @category tags
 */
export const scopeTag = (prefix: string, scope: Part): string =>
  scopeTagOf(prefix, encodePart(`scope of "${prefix}"`, scope))

/**
 * A tag of the user as stores hold it. Tags belong to the store, not to a prefix: `team:1` of one repository is the
 * `team:1` of another. Throws a `ConfigurationError` for what is not a text.
 *
 * @since 0.1.0
 * @category tags
 */
export const userTag = (tag: string): string => {
  if (typeof tag !== "string" || tag === "") {
    const got = tag === "" ? "an empty one" : typeof tag
    throw new ConfigurationError({ where: "tag", detail: `expected a text that is not empty, got ${got}` })
  }
  return `t:${shorten(encodeText(tag))}`
}
